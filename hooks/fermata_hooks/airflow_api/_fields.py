"""A JSON object of Airflow's, read field by field; what is missing or wrong names itself."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from fermata_hooks.exchange import UnreadableAnswerError, one_line

T = TypeVar("T")


class Fields:
    """One object of an answer.

    ``subject`` is the request and ``path`` the place in its answer, for messages:
    ``GET http://…/dags: dags[3].is_paused is 'no', not a bool``. Unknown fields are nobody's
    business: Airflow adds some in every release. Null counts as absent.
    """

    def __init__(self, raw: Any, subject: str, path: str = "") -> None:  # noqa: ANN401 - found out here
        self._subject = subject
        self._path = path
        if not isinstance(raw, dict):
            raise UnreadableAnswerError(
                f"{subject}: {path or 'the answer'} is {_shown(raw)}, not an object"
            )
        self._raw: Mapping[str, Any] = raw

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        return self._needed(name, str)

    def number(self, name: str) -> int:
        """Return a whole number that must be there."""
        return self._needed(name, int)

    def flag(self, name: str) -> bool:
        """Return a truth value that must be there."""
        return self._needed(name, bool)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or ``None`` where it is absent or null."""
        return self._optional(name, str)

    def optional_number(self, name: str) -> int | None:
        """Return a whole number, or ``None`` where it is absent or null."""
        return self._optional(name, int)

    def optional_flag(self, name: str) -> bool | None:
        """Return a truth value, or ``None`` where it is absent or null."""
        return self._optional(name, bool)

    def time(self, name: str) -> float | None:
        """Return a time as seconds since the epoch, or ``None`` where it is absent or null."""
        value = self.optional_text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self._wrong(name, value, "a time") from None
        if moment.tzinfo is None:
            raise self._wrong(name, value, "a time with its zone")
        return moment.timestamp()

    def seconds(self, name: str) -> float | None:
        """Return a duration in seconds, or ``None`` where it is absent or null."""
        value = self._raw.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise self._wrong(name, value, "a number")
        return None if value is None else float(value)

    def nested(self, name: str) -> "Fields":
        """Return an object within; an empty one where it is absent or null."""
        return Fields(self._raw.get(name) or {}, self._subject, self._place(name))

    def each(self, name: str) -> Iterator["Fields"]:
        """Yield the objects of a list within; none where it is absent or null."""
        for index, raw in enumerate(self._optional(name, list) or []):
            yield Fields(raw, self._subject, f"{self._place(name)}[{index}]")

    def rows(self, name: str) -> Iterator["Fields"]:
        """Yield the objects of a list within, which must be there."""
        self._needed(name, list)
        return self.each(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list within; none where it is absent or null."""
        values = self._optional(name, list) or []
        for value in values:
            if not isinstance(value, str):
                raise self._wrong(name, value, "a list of texts")
        return tuple(values)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object within as it is; an empty one where it is absent or null."""
        return self._optional(name, dict) or {}

    def raw(self, name: str) -> Any:  # noqa: ANN401 - for fields of several shapes
        """Return whatever is there."""
        return self._raw.get(name)

    def _needed(self, name: str, kind: type[T]) -> T:
        value = self._optional(name, kind)
        if value is None:
            raise UnreadableAnswerError(f"{self._subject}: {self._place(name)} is missing")
        return value

    def _optional(self, name: str, kind: type[T]) -> T | None:
        value = self._raw.get(name)
        if value is None:
            return None
        # ``True`` is an ``int`` to Python, but not to anybody who reads an API.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._wrong(name, value, f"a {kind.__name__}")
        return value

    def _wrong(self, name: str, value: object, expected: str) -> UnreadableAnswerError:
        return UnreadableAnswerError(
            f"{self._subject}: {self._place(name)} is {_shown(value)}, not {expected}"
        )

    def _place(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _shown(value: object) -> str:
    return one_line(repr(value))[:60]
