"""Why a DAG is affected: its own configuration, what stands above it, or a file that it needs."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from fermata_plugin.differ.reading import Parts, read_parts
from fermata_plugin.digests import digest_of_value
from fermata_plugin.formats.found import Found, FoundDag
from fermata_plugin.needs import Needs
from fermata_spec.difference import Cause, CauseKind
from fermata_spec.located import Value

MOST_KEYS = 20
MOST_CAUSES = 20
_NAMES = ("task_id", "group_name", "name")


class Definition(NamedTuple):
    """A DAG of one side, with the ``defaults.yml`` files above it and that side's needs."""

    defaults: Mapping[str, Mapping[str, Value]]
    needs: Needs
    found: Found
    dag: FoundDag


def causes_of(old: Definition, new: Definition) -> tuple[Cause, ...]:
    """Return why a DAG that both sides define has another digest; the most direct cause first.

    Nothing for one that only has another id.
    """
    causes = [*islice(chain(_own(old, new), _needed(old, new)), MOST_CAUSES)]
    if causes or (old.dag.dag_id != new.dag.dag_id and old.dag.digest == new.dag.digest):
        return tuple(causes)
    return (Cause(kind="unknown", path=new.found.source.git_path),)


def _own(old: Definition, new: Definition) -> Iterator[Cause]:
    path = new.found.source.git_path
    before, after = read_parts(old.found, old.dag.dag_id), read_parts(new.found, new.dag.dag_id)
    if before is not None and after is not None:
        yield from _of_parts(before, after, old, new)
    elif old.found.text != new.found.text:
        yield Cause(kind="file", path=path)


def _of_parts(before: Parts, after: Parts, old: Definition, new: Definition) -> Iterator[Cause]:
    """Yield each part that would change the DAG by itself."""
    path = new.found.source.git_path
    whole = _digest(after)
    if _digest(after._replace(own=before.own)) != whole:
        yield Cause(kind="configuration", path=path, keys=_keys(before.own, after.own))
    if _digest(after._replace(file_default=before.file_default)) != whole:
        keys = _keys(before.file_default, after.file_default)
        yield Cause(kind="file-defaults", path=path, keys=keys)
    if _digest(after._replace(above=before.above)) != whole:
        was, now = old.defaults, new.defaults
        for each in sorted(was.keys() | now.keys()):
            keys = _keys(was.get(each, {}), now.get(each, {}))
            if keys:
                yield Cause(kind="defaults", path=each, keys=keys)


def _digest(parts: Parts) -> str:
    return digest_of_value(parts.whole, plain_keys=False)


def _keys(old: Value, new: Value) -> tuple[str, ...]:
    return tuple(islice(changed_keys(old, new), MOST_KEYS))


def changed_keys(old: Value, new: Value, at: str = "") -> Iterator[str]:
    """Yield the dotted way to each value that is another; tasks in a list go by their names."""
    was, now = _mapping(old), _mapping(new)
    if was is None or now is None:
        if type(old) is not type(new) or old != new:
            yield at
        return
    for key in [*was, *(key for key in now if key not in was)]:
        way = f"{at}.{key}" if at else str(key)
        if key not in was or key not in now:
            yield way
        else:
            yield from changed_keys(was[key], now[key], way)


def _mapping(value: Value) -> Mapping[str, Value] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value:
        named = {_name(each): each for each in value}
        return named if None not in named and len(named) == len(value) else None
    return None


def _name(value: Value) -> Value:
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in _NAMES if key in value), None)
    return name if isinstance(name, str) else None


def _needed(old: Definition, new: Definition) -> Iterator[Cause]:
    """Yield each other file that the DAG needs, and that is another."""
    kinds: dict[str, CauseKind] = {}
    hashes: list[dict[str, bytes]] = []
    for side in (old, new):
        files: dict[str, bytes] = {}
        for kind, found in _files(side):
            for path, value in side.needs.hashes_of(found).items():
                files[path] = value
                kinds.setdefault(path, kind)
        hashes.append(files)
    was, now = hashes
    own = {old.found.source.path, new.found.source.path}
    for path in sorted((was.keys() | now.keys()) - own):
        if was.get(path) != now.get(path):
            yield Cause(kind=kinds[path], path=path)


def _files(side: Definition) -> Iterator[tuple[CauseKind, list[Found]]]:
    if side.found.meaning == "python":
        yield "imported", side.needs.imported_by(side.found)
        yield "read", side.needs.shared
    else:
        yield "named", side.needs.named_by(side.dag)
