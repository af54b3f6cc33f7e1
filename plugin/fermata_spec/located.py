"""YAML with its places: plain Python values, and for each its line and column.

Gives exactly what ``yaml.safe_load`` gives, or a problem.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from fermata_spec.problems import Problem, Severity

Value = Any  # what YAML holds: a scalar, a list or a mapping, told apart where it is used


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


class RawMark(Protocol):
    """A place as PyYAML has it; both count from 0."""

    @property
    def line(self) -> int:
        """The line."""

    @property
    def column(self) -> int:
        """The column."""


class PlacedMark(NamedTuple):
    """A place in another file than the document's own; both count from 0, as PyYAML's do."""

    line: int
    column: int
    file: str


class Places(NamedTuple):
    """Where a key and its value stand; for an element of a list both are the same."""

    key: RawMark
    value: RawMark


START = Mark(0, 0)
NOWHERE = Places(START, START)


class Document:
    """One YAML document: ``value`` is plain data, ``node`` the way to it with places.

    ``plain_keys`` says that every key of every mapping is a string (so that JSON can tell them
    apart). ``complete`` says that all of it was read and nothing refused. ``places`` has, by the
    ``id`` of each mapping or list, the places of what it holds. ``beneath`` are the documents that
    this one was laid together from.
    """

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.value: Value = None
        self.start: RawMark = START
        self.plain_keys = True
        self.complete = False
        self.places: dict[int, dict[Value, tuple[RawMark, RawMark]]] = {}
        self.beneath: tuple[Document, ...] = ()

    @property
    def node(self) -> "Node":
        """The root, as a node."""
        return Node(self, self.value, (self.start, self.start))


class Node(NamedTuple):
    """A value of a document together with its places (key, value); reports problems there."""

    document: Document
    value: Value
    places: tuple[RawMark, RawMark]

    @property
    def key_mark(self) -> Mark:
        """Where the key stands."""
        return Mark(self.places[0].line + 1, self.places[0].column + 1)

    @property
    def value_mark(self) -> Mark:
        """Where the value stands."""
        return Mark(self.places[1].line + 1, self.places[1].column + 1)

    def file(self, *, at_key: bool = False) -> str:
        """Return the file in which this value, or its key, stands."""
        mark = self.places[0 if at_key else 1]
        return mark.file if isinstance(mark, PlacedMark) else self.document.file

    def get(self, key: Value) -> "Node | None":
        """Return what a mapping holds under ``key``, or a list at that index, if anything."""
        places = self.document.places.get(id(self.value), {}).get(key)
        return None if places is None else Node(self.document, self.value[key], places)

    def items(self) -> Iterator[tuple[Any, "Node"]]:
        """Yield each key of a mapping, or index of a list, with its value."""
        places = self.document.places.get(id(self.value), {})
        pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
        for key, value in pairs:
            yield key, Node(self.document, value, places[key])

    def values(self) -> Iterator["Node"]:
        """Yield each value of a mapping or list."""
        for _, node in self.items():  # noqa: PERF102 - a node's items
            yield node

    def report(
        self, rule: str, message: str, *, at_key: bool = False, severity: Severity = "error"
    ) -> None:
        """Add a problem at this value, or at its key."""
        mark = self.key_mark if at_key else self.value_mark
        file = self.file(at_key=at_key)
        self.document.problems.append(Problem(file, *mark, rule, message, severity))
