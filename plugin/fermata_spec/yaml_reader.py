"""From text to a located document.

Reads events, not nodes, so that depth, aliases and size are bounded before anything is built
(libyaml's own loader recurses, and an alias costs nothing until somebody walks it). Duplicate keys
and every tag that ``safe_load`` does not turn into a plain value are refused. The values are those
of ``yaml.safe_load``, which the tests hold against it.
"""

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
from fermata_spec.located import Document, Mark, RawMark, Value
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
_MOST_VALUES = limits.YAML_NODES.value

Scalar = str | int | float | bool | date | None
_Place = tuple[RawMark, RawMark]


def read_yaml(text: str, file: str, problems: list[Problem]) -> Document:
    """Return the one document of ``text``, as far as it could be read; adds what is wrong with it.

    Problems that do not hinder reading (duplicate keys, refused tags) are all added.
    """
    found = len(problems)
    for document in _read(text, file, problems, most=1):
        return document
    nothing = Document(file, problems)
    nothing.complete = len(problems) == found
    return nothing


def read_documents(text: str, file: str, problems: list[Problem]) -> list[Document]:
    """Return all documents of ``text``, as far as they could be read; adds what is wrong."""
    return _read(text, file, problems, most=limits.YAML_DOCUMENTS.value)


def _read(text: str, file: str, problems: list[Problem], *, most: int) -> list[Document]:
    documents: list[Document] = []
    found = len(problems)
    try:
        loader = LOADER(text)
        builder = _Builder(loader, file, problems)
        while (document := builder.next_document()) is not None:
            if len(documents) == most:
                builder.refuse_more(document, most)
                break
            documents.append(document)
            builder.fill(document)
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
    for document in documents:
        document.complete = all(each.severity == "warning" for each in problems[found:])
    return documents


class _Stop(Exception):  # noqa: N818 - ends the reading of one document; the problem is reported
    """No use in reading on."""


class _Anchored(NamedTuple):
    value: Value
    size: int
    characters: int


class _Builder:
    """Builds values from libyaml's events.

    ``_size`` counts them with aliases in full, ``_characters`` those of their texts.
    """

    def __init__(self, loader: Any, file: str, problems: list[Problem]) -> None:  # noqa: ANN401 - PyYAML's, either of two
        self._document = Document(file, problems)
        self._places = self._document.places
        self._next = loader.get_event
        self._anchors: dict[str, _Anchored] = {}
        self._aliases = 0
        self._size = 0
        self._characters = 0
        self._next()  # the stream begins

    def next_document(self) -> Document | None:
        """Return the next document, still empty; ``None`` at the end of the stream."""
        event = self._next()
        while type(event) is DocumentEndEvent:
            event = self._next()
        if type(event) is StreamEndEvent:
            return None
        document = Document(self._document.file, self._document.problems)
        document.start = event.start_mark
        return document

    def fill(self, document: Document) -> None:
        """Read the value of ``document``; anchors of another document are not seen."""
        self._document, self._places, self._anchors = document, document.places, {}
        event = self._next()
        document.start = event.start_mark
        document.value = self._value(event, 1)

    def refuse_more(self, document: Document, most: int) -> None:
        """Report that there are more documents than are read."""
        told = "a second document in one file" if most == 1 else f"more than {most} documents"
        document.node.report("yaml-documents", told)

    def _value(self, event: Any, depth: int) -> Value:  # noqa: ANN401 - an event of any kind
        kind = type(event)
        self._size += 1
        if self._size > _MOST_VALUES:
            self._over(event, limits.YAML_NODES)
        before, characters = self._size, self._characters
        if kind is ScalarEvent:
            self._characters += len(event.value)
            value: Value = self._scalar(event)
        elif kind is AliasEvent:
            return self._alias(event)
        else:
            value = self._collection(event, depth)
        if event.anchor is not None:
            size, written = self._size - before + 1, self._characters - characters
            self._anchors[event.anchor] = _Anchored(value, size, written)
        return value

    def _collection(self, event: Any, depth: int) -> Value:  # noqa: ANN401 - the start of either
        if depth > limits.YAML_DEPTH.value:
            self._over(event, limits.YAML_DEPTH)
        if event.tag not in _COLLECTIONS:
            self._report(event, "yaml-tag", f"tag {_shown(event.tag)}: only plain values are read")
        return self._mapping(depth) if type(event) is MappingStartEvent else self._list(depth)

    def _alias(self, event: AliasEvent) -> Value:
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            self._report(event, "yaml-alias", f"*{event.anchor} names nothing above it")
            return None
        self._aliases += 1
        self._size += anchored.size
        self._characters += anchored.characters
        if self._characters > limits.YAML_CHARACTERS.value:
            self._over(event, limits.YAML_CHARACTERS)
        if self._aliases > limits.YAML_ALIASES.value:
            self._over(event, limits.YAML_ALIASES)
        if self._size > _MOST_VALUES:
            self._over(event, limits.YAML_NODES)
        return anchored.value

    def _list(self, depth: int) -> list[Value]:
        values: list[Value] = []
        places: dict[Value, _Place] = {}
        while type(event := self._next()) is not SequenceEndEvent:
            mark = event.start_mark
            places[len(values)] = (mark, mark)
            values.append(self._value(event, depth + 1))
        self._places[id(values)] = places
        return values

    def _mapping(self, depth: int) -> dict[Value, Value]:
        own: dict[Value, Value] = {}
        places: dict[Value, _Place] = {}
        merged: dict[Value, Value] | None = None
        while type(event := self._next()) is not MappingEndEvent:
            if type(event) is ScalarEvent and event.value == "<<" and _tag(event) == _MERGE:
                following = self._next()
                value = self._value(following, depth + 1)
                if merged is not None:
                    self._report(event, "yaml-duplicate-key", "'<<' stands here twice")
                merged = self._merge(following, value, places)
                continue
            key = self._key(event, depth)
            following = self._next()
            value = self._value(following, depth + 1)
            if key in own:
                self._report(event, "yaml-duplicate-key", f"{key!r} stands here twice")
            else:
                own[key] = value
                places[key] = (event.start_mark, following.start_mark)
        result = own if merged is None else merged | own
        self._places[id(result)] = places
        return result

    def _key(self, event: Event, depth: int) -> Value:
        key = self._value(event, depth + 1)
        if type(key) is not str:
            self._document.plain_keys = False
            if isinstance(key, dict | list):
                self._report(event, "yaml-key", "a mapping or list as a key")
                return None
        return key

    def _merge(self, event: Event, value: Value, places: dict[Value, _Place]) -> dict[Value, Value]:
        """Return what ``<<`` brings in: of several mappings the first that has a key wins."""
        sources = value if isinstance(value, list) else [value]
        merged: dict[Value, Value] = {}
        for source in reversed(sources):
            if not isinstance(source, dict):
                self._report(event, "yaml-merge", "<< takes a mapping or a list of mappings")
                continue
            merged |= source
        for source in sources:
            for key, place in self._places.get(id(source), {}).items():
                places.setdefault(key, place)
        return merged

    def _scalar(self, event: ScalarEvent) -> Scalar:
        tag = _tag(event)
        if tag == _STRING:
            return event.value
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
            told = f"{event.value!r} is no {tag.removeprefix(_TAG)}: {exc}"
            self._report(event, "yaml-value", told)
            return None
        if event.implicit[0] and _is_trap(tag, event.value):
            spelt = str(value).lower()
            told = f"{event.value} is {spelt} to YAML 1.1: write {spelt}, or quote it"
            self._report(event, "yaml-trap", told, "warning")
        return value

    def _report(self, event: Event, rule: str, message: str, severity: Severity = "error") -> None:
        mark: Any = event.start_mark
        place = Mark(mark.line + 1, mark.column + 1)
        problem = Problem(self._document.file, *place, rule, message, severity)
        self._document.problems.append(problem)

    def _over(self, event: Event, limit: Limit) -> NoReturn:
        self._report(event, "limit", f"more than {limit.value} {limit.unit}: {limit.bounds}")
        raise _Stop


def _tag(event: ScalarEvent) -> str:
    tag = event.tag
    if tag is not None and tag != "!":
        return tag
    if event.implicit[0]:
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


def _shown(tag: str) -> str:
    return f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag


def _place(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))
