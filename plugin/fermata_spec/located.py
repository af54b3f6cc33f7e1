"""YAML with its places: plain Python values, and for each its line and column.

Reads events, not nodes, so that depth, aliases and size are bounded before anything is built
(libyaml's own loader recurses, and an alias costs nothing until somebody walks it). Gives exactly
what ``yaml.safe_load`` gives, or a problem: duplicate keys and every tag that ``safe_load`` does
not turn into a plain value are refused.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.nodes import ScalarNode

from fermata_spec import limits
from fermata_spec.limits import Limit
from fermata_spec.problems import Problem, Severity

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WITH_LIBYAML = LOADER is not yaml.SafeLoader

_TAG = "tag:yaml.org,2002:"
_STRING = f"{_TAG}str"
_MERGE = f"{_TAG}merge"
_COLLECTIONS = {None, "!", f"{_TAG}map", f"{_TAG}seq"}
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_SAFE = SafeConstructor()
_CONSTRUCT = {
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": _SAFE.construct_yaml_bool,
    f"{_TAG}int": _SAFE.construct_yaml_int,
    f"{_TAG}float": _SAFE.construct_yaml_float,
    f"{_TAG}timestamp": _SAFE.construct_yaml_timestamp,
}

Scalar = str | int | float | bool | date | None
Value = Any  # what YAML holds: a scalar, a list or a mapping, told apart where it is used


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


class Places(NamedTuple):
    """Where a key and its value stand; for an element of a list both are the same."""

    key: Mark
    value: Mark


class Document:
    """One YAML document: ``value`` is plain data, ``node`` the way to it with places.

    ``plain_keys`` says that every key of every mapping is a string (so that JSON can tell them
    apart). ``complete`` says that all of it was read and nothing refused.
    """

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.value: Any = None
        self.start = Mark(1, 1)
        self.plain_keys = True
        self.complete = False
        self.places: dict[int, dict[Any, Places]] = {}

    @property
    def node(self) -> "Node":
        """The root, as a node."""
        return Node(self, self.value, Places(self.start, self.start))


class Node(NamedTuple):
    """A value of a document together with its place; reports problems there."""

    document: Document
    value: Any
    places: Places

    def get(self, key: Value) -> "Node | None":
        """Return what a mapping holds under ``key``, or a list at that index, if anything."""
        places = self.document.places.get(id(self.value), {})
        if not isinstance(self.value, dict | list) or key not in places:
            return None
        return Node(self.document, self.value[key], self._places(key))

    def items(self) -> Iterator[tuple[Any, "Node"]]:
        """Yield each key of a mapping, or index of a list, with its value."""
        pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
        for key, value in pairs:
            yield key, Node(self.document, value, self._places(key))

    def values(self) -> Iterator["Node"]:
        """Yield each value of a mapping or list."""
        for _, node in self.items():  # noqa: PERF102 - a node's items
            yield node

    def report(
        self, rule: str, message: str, *, at_key: bool = False, severity: Severity = "error"
    ) -> None:
        """Add a problem at this value, or at its key."""
        mark = self.places.key if at_key else self.places.value
        self.document.problems.append(
            Problem(self.document.file, mark.line, mark.column, rule, message, severity)
        )

    def _places(self, key: object) -> Places:
        return self.document.places[id(self.value)][key]


class _Stop(Exception):  # noqa: N818 - ends the reading of one document; the problem is reported
    """No use in reading on."""


def read_yaml(text: str, file: str, problems: list[Problem]) -> Document:
    """Return the one document of ``text``, as far as it could be read; adds what is wrong with it.

    Problems that do not hinder reading (duplicate keys, refused tags) are all added.
    """
    document = Document(file, problems)
    found = len(problems)
    try:
        _Builder(document, text).build()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        told = exc.problem or exc.context or "not YAML"
        problems.append(Problem(file, line, column, "yaml-syntax", told))
    except yaml.reader.ReaderError as exc:
        place = _place(text, exc.position)
        problems.append(Problem(file, *place, "yaml-syntax", "a character that YAML forbids"))
    except _Stop:
        pass
    document.complete = all(each.severity == "warning" for each in problems[found:])
    return document


def _place(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))


class _Anchored(NamedTuple):
    value: Any
    size: int


class _Builder:
    """Builds values from libyaml's events; ``_size`` counts them with aliases in full."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._events: Iterator[Event] = yaml.parse(text, Loader=LOADER)
        self._anchors: dict[str, _Anchored] = {}
        self._aliases = 0
        self._size = 0

    def build(self) -> None:
        """Fill the document; a stream that holds none leaves ``None``, a second one is refused."""
        next(self._events)
        if isinstance(next(self._events), StreamEndEvent):
            return
        event = next(self._events)
        self._document.start = _mark(event)
        self._document.value = self._value(event, 1)
        for event in self._events:
            if not isinstance(event, DocumentEndEvent | StreamEndEvent):
                self._report(event, "yaml-documents", "a second document in one file")
                return

    def _value(self, event: Event, depth: int) -> Value:
        if self._size > limits.YAML_NODES.value:
            self._over(event, limits.YAML_NODES)
        if depth > limits.YAML_DEPTH.value:
            self._over(event, limits.YAML_DEPTH)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        before = self._size
        self._size += 1
        if isinstance(event, ScalarEvent):
            value: Any = self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            value = self._mapping(event, depth)
        else:
            value = self._list(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, self._size - before)
        return value

    def _alias(self, event: AliasEvent) -> Value:
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            self._report(event, "yaml-alias", f"*{event.anchor} names nothing above it")
            return None
        self._aliases += 1
        self._size += anchored.size
        if self._aliases > limits.YAML_ALIASES.value:
            self._over(event, limits.YAML_ALIASES)
        if self._size > limits.YAML_NODES.value:
            self._over(event, limits.YAML_NODES)
        return anchored.value

    def _list(self, start: Event, depth: int) -> list[Any]:
        self._check_collection_tag(start)
        values: list[Any] = []
        places: dict[Any, Places] = {}
        while not isinstance(event := next(self._events), SequenceEndEvent):
            places[len(values)] = Places(_mark(event), _mark(event))
            values.append(self._value(event, depth + 1))
        self._document.places[id(values)] = places
        return values

    def _mapping(self, start: Event, depth: int) -> dict[Any, Any]:
        self._check_collection_tag(start)
        own: dict[Any, Any] = {}
        places: dict[Any, Places] = {}
        merged: dict[Any, Any] | None = None
        while not isinstance(event := next(self._events), MappingEndEvent):
            is_merge = isinstance(event, ScalarEvent) and _tag(event) == _MERGE
            key = "<<" if is_merge else self._key(event, depth)
            following = next(self._events)
            value = self._value(following, depth + 1)
            if is_merge and merged is None:
                merged = self._merge(following, value, places)
            elif is_merge or key in own:
                self._report(event, "yaml-duplicate-key", f"{key!r} stands here twice")
            else:
                own[key] = value
                places[key] = Places(_mark(event), _mark(following))
        result = own if merged is None else merged | own
        self._document.places[id(result)] = places
        return result

    def _key(self, event: Event, depth: int) -> Value:
        key = self._value(event, depth + 1)
        if isinstance(key, dict | list):
            self._report(event, "yaml-key", "a mapping or list as a key")
            return None
        if not isinstance(key, str):
            self._document.plain_keys = False
        return key

    def _merge(self, event: Event, value: Value, places: dict[Any, Places]) -> dict[Any, Any]:
        """Return what ``<<`` brings in: of several mappings the first that has a key wins."""
        sources = value if isinstance(value, list) else [value]
        merged: dict[Any, Any] = {}
        for source in reversed(sources):
            if not isinstance(source, dict):
                self._report(event, "yaml-merge", "<< takes a mapping or a list of mappings")
                continue
            merged |= source
        for source in sources:
            for key, place in self._document.places.get(id(source), {}).items():
                places.setdefault(key, place)
        return merged

    def _scalar(self, event: ScalarEvent) -> Scalar:
        tag = _tag(event)
        if tag == _STRING:
            return str(event.value)
        construct = _CONSTRUCT.get(tag)
        if construct is None:
            self._report(event, "yaml-tag", f"tag {_shown(tag)}: only plain values are read")
            return None
        if len(event.value) > limits.YAML_NUMBER.value:
            # In base 60 a number takes time that grows with the square of its length.
            told = f"more than {limits.YAML_NUMBER.value} characters: {limits.YAML_NUMBER.bounds}"
            self._report(event, "limit", told)
            return None
        try:
            value: Scalar = construct(ScalarNode(tag, event.value))
        except (ValueError, KeyError, AttributeError, OverflowError) as exc:
            self._report(
                event, "yaml-value", f"{event.value!r} is no {tag.removeprefix(_TAG)}: {exc}"
            )
            return None
        if event.implicit[0] and _is_trap(tag, event.value):
            spelt = str(value).lower()
            told = f"{event.value} is {spelt} to YAML 1.1: write {spelt}, or quote it"
            self._report(event, "yaml-trap", told, "warning")
        return value

    def _check_collection_tag(self, event: Event) -> None:
        tag: str | None = getattr(event, "tag", None)
        if tag not in _COLLECTIONS:
            self._report(event, "yaml-tag", f"tag {_shown(tag)}: only plain values are read")

    def _report(self, event: Event, rule: str, message: str, severity: Severity = "error") -> None:
        problem = Problem(self._document.file, *_mark(event), rule, message, severity)
        self._document.problems.append(problem)

    def _over(self, event: Event, limit: Limit) -> NoReturn:
        self._report(event, "limit", f"more than {limit.value} {limit.unit}: {limit.bounds}")
        raise _Stop


def _tag(event: ScalarEvent) -> str:
    if event.tag is not None and event.tag != "!":
        return str(event.tag)
    if not event.implicit[0]:
        return _STRING
    text = event.value
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return _STRING


def _is_trap(tag: str, text: str) -> bool:
    """Whether YAML 1.1 takes ``text`` for something that a person is unlikely to mean."""
    if tag == f"{_TAG}bool":
        return text.lower() not in {"true", "false"}
    is_number = tag in {f"{_TAG}int", f"{_TAG}float"}
    is_octal = text.lstrip("+-")[:1] == "0" and text.lstrip("+-0").isdigit()
    return is_number and (":" in text or is_octal)


def _shown(tag: str | None) -> str:
    tag = tag or ""
    return f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag


def _mark(event: Event) -> Mark:
    mark: Any = event.start_mark
    return Mark(mark.line + 1, mark.column + 1)
