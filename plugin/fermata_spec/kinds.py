"""The kinds of values in ``fermata.yaml``: how each is read, named in messages, and described.

A kind reads a node and reports what is wrong with it at its place; it returns ``None`` then,
which no value of a kind is.
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple, Protocol

from fermata_spec import limits
from fermata_spec.located import Node, Value
from fermata_spec.units import parse_duration, parse_share


class Kind(Protocol):
    """What a key of ``fermata.yaml`` may hold."""

    @property
    def text(self) -> str:
        """What a message says was expected (``a duration like 15m``)."""

    def read(self, node: Node) -> Value:
        """Return the value, or ``None`` after reporting why it is none."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""


def refused(node: Node, kind: Kind) -> None:
    """Report that ``node`` holds something else than ``kind``."""
    node.report("type", f"{shown(node.value)} is not {kind.text}")


def shown(value: object) -> str:
    """Return ``value`` as a message shows it: short, and as YAML spells it."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = str(value)
    return f"{text[:60]!r}" if isinstance(value, str) else text[:60]


class Text(NamedTuple):
    """A text that is not empty; ``check`` raises ``ValueError`` for one that will not do."""

    text: str = "a text"
    check: Callable[[str], None] | None = None
    pattern: str = r"\S"

    def read(self, node: Node) -> str | None:
        """Return the text."""
        if not isinstance(node.value, str) or not node.value.strip():
            refused(node, self)
            return None
        try:
            if self.check is not None:
                self.check(node.value)
        except ValueError as exc:
            node.report("value", str(exc))
            return None
        return node.value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "string", "pattern": self.pattern}


class Measure(NamedTuple):
    """A number with a unit, read by ``parse`` (which raises ``ValueError``)."""

    text: str
    parse: Callable[[str], float]
    pattern: str

    def read(self, node: Node) -> float | None:
        """Return seconds, or a share of 1."""
        try:
            if isinstance(node.value, str):
                return self.parse(node.value)
        except ValueError:
            pass
        refused(node, self)
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "string", "pattern": self.pattern}


class Number(NamedTuple):
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    @property
    def text(self) -> str:
        """The bounds."""
        return f"a number from {self.least} to {self.most}"

    def read(self, node: Node) -> int | None:
        """Return the number."""
        value = node.value
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and self.least <= value <= self.most:
            return int(value)
        refused(node, self)
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Flag(NamedTuple):
    """``true`` or ``false``."""

    text: str = "true or false"

    def read(self, node: Node) -> bool | None:
        """Return the flag."""
        if isinstance(node.value, bool):
            return node.value
        refused(node, self)
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "boolean"}


class Choice(NamedTuple):
    """One of some words; those ``planned`` are known, and refused for now."""

    words: tuple[str, ...]
    planned: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words."""
        return self.words[0] if len(self.words) == 1 else f"one of {', '.join(self.words)}"

    def read(self, node: Node) -> str | None:
        """Return the word."""
        if node.value in self.planned:
            node.report("not-implemented", f"{node.value}: this release knows {self.text}")
            return None
        if isinstance(node.value, str) and node.value in self.words:
            return node.value
        node.report(
            "value", f"{shown(node.value)} is not {self.text}{nearest(node.value, self.words)}"
        )
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"enum": list(self.words)}


class ListOf(NamedTuple):
    """A list of one kind; ``at_least`` elements."""

    kind: Kind
    at_least: int = 0

    @property
    def text(self) -> str:
        """The element, in a list."""
        return f"a list, each {self.kind.text}"

    def read(self, node: Node) -> tuple[Any, ...] | None:
        """Return the elements; all that are wrong are reported."""
        if not isinstance(node.value, list):
            refused(node, self)
            return None
        if len(node.value) < self.at_least:
            node.report("value", "an empty list says nothing")
            return None
        values = [self.kind.read(element) for element in node.values()]
        return None if None in values else tuple(values)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "array", "items": self.kind.schema(), "minItems": self.at_least}


class MapOf(NamedTuple):
    """A mapping of names to one kind; ``what`` each name stands for, and its ``pattern``."""

    kind: Kind
    what: str
    pattern: str

    @property
    def text(self) -> str:
        """The mapping."""
        return f"a mapping, by the name of the {self.what}"

    def read(self, node: Node) -> Mapping[str, Any] | None:
        """Return the values by their names; all that are wrong are reported."""
        if not isinstance(node.value, dict):
            refused(node, self)
            return None
        values = {}
        for name, child in node.items():
            if not isinstance(name, str) or not re.fullmatch(self.pattern, name):
                told = f"{shown(name)} is no name of an {self.what}: a-z, 0-9 and - only"
                child.report("value", told, at_key=True)
            values[name] = self.kind.read(child)
        return None if None in values.values() else values

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {
            "type": "object",
            "propertyNames": {"pattern": self.pattern},
            "additionalProperties": self.kind.schema(),
        }


class JsonObject(NamedTuple):
    """A mapping that JSON can hold (no dates, and text keys only)."""

    text: str = "a mapping that JSON can hold"

    def read(self, node: Node) -> dict[str, Any] | None:
        """Return the mapping."""
        if isinstance(node.value, dict) and _is_json(node.value):
            return node.value
        refused(node, self)
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "object"}


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    is_number = isinstance(value, float) and isfinite(value)
    return value is None or is_number or isinstance(value, str | bool | int)


def nearest(name: object, known: tuple[str, ...] | list[str]) -> str:
    """Return `` (did you mean …?)`` for the known name that is most like ``name``, if any is."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for what is wrong

    close = get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def _check_url(text: str) -> None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - 3 ms, for one value

    # The value is not repeated: it may hold a password.
    wrong = ValueError("not a URL like http://airflow:8080 (credentials go into a Secret)")
    try:
        url = urlsplit(text)
        port_is_sound = url.port != 0
    except ValueError:
        raise wrong from None
    if url.scheme not in {"http", "https"} or not url.hostname or not port_is_sound:
        raise wrong
    if "@" in url.netloc or url.query or url.fragment:
        raise wrong


def _check_name(text: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    if len(text) > 253 or set(text) - allowed or text.strip("-.") != text:  # noqa: PLR2004 - Kubernetes' own bound
        raise ValueError(f"{text[:60]!r} is not a name of a Kubernetes object")


def _check_pattern(text: str) -> None:
    if len(text) > limits.PATTERN_CHARACTERS.value:
        raise ValueError(f"a pattern of {len(text)} characters")
    if text.startswith("/") or ".." in text.split("/") or "\\" in text or "\0" in text:
        raise ValueError(f"{shown(text)} leaves the application's path: patterns start there")


TEXT = Text()
URL = Text("a URL like http://airflow:8080", _check_url, r"^https?://")
NAME = Text("a name of a Kubernetes object", _check_name, r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
PATTERN = Text("a pattern like dags/**/*.yaml", _check_pattern)
DURATION = Measure(
    "a duration like 90s, 15m or 1h", parse_duration, r"^(\d+(\.\d+)?(ms|s|m|h|d))+$"
)
SHARE = Measure("a share like 5%", parse_share, r"^\d+(\.\d+)?%$")
FLAG = Flag()
TEXTS = ListOf(TEXT)
JSON_OBJECT = JsonObject()
