"""The findings so far, in the order in which they were made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from fermata_spec.errors import RejectedError, SettingsError, UnavailableError
from fermata_spec.report import Check, Verdict

FORBIDDEN = (401, 403)
MESSAGE = 500  # characters


class Examination:
    """Findings; ``mend`` are the lines of a command or of YAML that put right what is wrong."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def good(self, name: str, message: str) -> None:
        """Note what is as it should be."""
        self._note(name, "pass", message, ())

    def bad(self, name: str, message: str, *mend: str) -> None:
        """Note what must be mended."""
        self._note(name, "fail", message, mend)

    def unknown(self, name: str, message: str, *mend: str) -> None:
        """Note what could not be seen; ``mend`` makes it visible."""
        self._note(name, "inconclusive", message, mend)

    @contextmanager
    def looking(self, name: str, *mend: str) -> Iterator[None]:
        """Note as ``name`` what keeps the block from looking.

        No answer and settings that are wrong are bad; a refusal leaves it unknown.
        """
        try:
            yield
        except RejectedError as exc:
            self.unknown(name, str(exc), *mend)
        except (UnavailableError, SettingsError) as exc:
            self.bad(name, str(exc), *mend)

    def _note(self, name: str, verdict: Verdict, message: str, mend: tuple[str, ...]) -> None:
        message = " ".join(message.split())[:MESSAGE]  # it may quote what stands in the cluster
        lines = [line for each in mend for line in each.rstrip("\n").split("\n")]
        self.checks.append(Check(name=name, verdict=verdict, message=message, lines=lines))


def as_yaml(value: Mapping[str, Any]) -> str:
    """Return YAML for a person to put somewhere."""
    return yaml.safe_dump(dict(value), sort_keys=False, default_flow_style=False)
