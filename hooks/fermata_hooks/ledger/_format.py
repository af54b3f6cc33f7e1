"""The ledger as bytes: JSON, compressed; DAGs of equal standing are one group.

Each id is stored once, whatever the number of holds that list it: 10,000 realistic ids are about
41 KB, random ids of 100 characters about 692 KB (measured), and a ConfigMap takes 1 MiB. The same
ledger is the same bytes. What this release does not understand it refuses, and never overwrites.
"""

import gzip
import json
import math
import zlib
from collections.abc import Iterable
from typing import Any, Literal, get_args

from fermata_hooks.ledger._records import Hold, Line, Mark, Record
from fermata_spec.errors import SettingsError

FORMAT = 1
MAX_OPEN_BYTES = 900 * 1024  # a hold that would make the ledger larger is not opened
MAX_BYTES = 1024 * 1024  # Kubernetes refuses a larger ConfigMap
MAX_TEXT_BYTES = 32 * 1024 * 1024  # a hostile document must not fill the memory

_HOLD_TEXTS = ("token", "revision", "operation", "kept")
_HOLD_TIMES = ("opened", "expires")
_LINE_TIMES = ("until", "late_until", "gone_since")
_GROUP_KEYS = {"todo", "held", "line", "dags"}

_Standing = tuple[tuple[str, ...], tuple[str, ...], Line | None]


def encode(record: Record) -> bytes:
    """Return the ledger's bytes; the same for an equal ledger."""
    document = {
        "format": FORMAT,
        "id": record.id,
        "holds": {application: _hold(hold) for application, hold in record.holds.items()},
        "groups": _groups(record),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def decode(raw: bytes, *, origin: str) -> Record:
    """Return the ledger in ``raw``.

    Raises:
        SettingsError: it is of another format, or damaged. The message names ``origin``.

    """
    try:
        document = json.loads(_text(raw))
        if _format_of(document) == FORMAT:
            return _record(document)
    except (KeyError, TypeError, ValueError, zlib.error, RecursionError) as exc:
        raise SettingsError(f"{origin}: damaged ledger, left as it is: {exc!r}") from exc
    raise SettingsError(
        f"{origin}: ledger of format {_format_of(document)!r}, this Fermata reads {FORMAT}: "
        "left as it is"
    )


def _format_of(document: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document["format"]


def _text(raw: bytes) -> str:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = inflater.decompress(raw, MAX_TEXT_BYTES)
    if not inflater.eof:
        raise ValueError(f"truncated, or more than {MAX_TEXT_BYTES} bytes of text")
    return text.decode()


def _hold(hold: Hold) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in (*_HOLD_TEXTS, *_HOLD_TIMES)}


def _line(line: Line) -> dict[str, Any]:
    stored: dict[str, Any] = {"mark": line.mark, "since": line.since}
    for name in ("writer", *_LINE_TIMES):
        value = getattr(line, name)
        if value not in ("", None):
            stored[name] = value
    return stored


def _groups(record: Record) -> list[dict[str, Any]]:
    todo: dict[str, list[str]] = {}
    held: dict[str, list[str]] = {}
    for application in sorted(record.holds):
        hold = record.holds[application]
        for dag_id in hold.todo:
            todo.setdefault(dag_id, []).append(application)
        for dag_id in hold.held:
            held.setdefault(dag_id, []).append(application)
    groups: dict[_Standing, list[str]] = {}
    for dag_id in sorted(todo.keys() | held.keys() | record.lines.keys()):
        standing = (
            tuple(todo.get(dag_id, ())),
            tuple(held.get(dag_id, ())),
            record.lines.get(dag_id),
        )
        groups.setdefault(standing, []).append(dag_id)
    return [
        {
            "todo": list(in_todo),
            "held": list(in_held),
            "line": _line(line) if line else None,
            "dags": dag_ids,
        }
        for (in_todo, in_held, line), dag_ids in groups.items()
    ]


def _record(document: dict[str, Any]) -> Record:
    _only(document, {"format", "id", "holds", "groups"}, "ledger")
    todo: dict[str, set[str]] = {application: set() for application in document["holds"]}
    held: dict[str, set[str]] = {application: set() for application in document["holds"]}
    lines: dict[str, Line] = {}
    known: set[str] = set()
    for group in document["groups"]:
        _only(group, _GROUP_KEYS, "group")
        dag_ids = [_str(dag_id, "DAG id") for dag_id in group["dags"]]
        if not known.isdisjoint(dag_ids) or len(set(dag_ids)) != len(dag_ids):
            raise ValueError("a DAG stands in two places")
        known.update(dag_ids)
        for lists, name in ((todo, "todo"), (held, "held")):
            for application in group[name]:
                lists[application].update(dag_ids)
        if group["line"] is not None:
            lines.update(dict.fromkeys(dag_ids, _parse_line(group["line"])))
    holds = {
        application: _parse_hold(raw, todo[application], held[application])
        for application, raw in document["holds"].items()
    }
    return Record(id=_str(document["id"], "id"), holds=holds, lines=lines)


def _parse_hold(raw: Any, todo: Iterable[str], held: Iterable[str]) -> Hold:  # noqa: ANN401 - JSON
    _only(raw, {*_HOLD_TEXTS, *_HOLD_TIMES}, "hold")
    parsed = Hold(
        token=_str(raw["token"], "token"),
        revision=_str(raw["revision"], "revision"),
        operation=_str(raw["operation"], "operation"),
        opened=_time(raw["opened"], "opened"),
        expires=_time(raw["expires"], "expires"),
        kept=_str(raw["kept"], "kept"),
        todo=frozenset(todo),
        held=frozenset(held),
    )
    if parsed.todo & parsed.held:
        raise ValueError("a DAG is both todo and held")
    return parsed


def _parse_line(raw: Any) -> Line:  # noqa: ANN401 - JSON
    _only(raw, {"mark", "since", "writer", *_LINE_TIMES}, "line")
    line = Line(
        mark=_mark(raw["mark"]),
        since=_time(raw["since"], "since"),
        writer=_str(raw.get("writer", ""), "writer"),
        **{name: _time(raw[name], name) for name in _LINE_TIMES if name in raw},
    )
    _check(line)
    return line


def _check(line: Line) -> None:
    """Raise unless the line has a writer, and an end, exactly if a request may be under way."""
    under_way = line.mark != "paused"
    if under_way != bool(line.writer):
        raise ValueError(f"a {line.mark} line with writer {line.writer!r}")
    ends = line.may_land_until if under_way else line.until
    if under_way != (ends is not None):
        raise ValueError(f"a {line.mark} line with until {line.until!r}")


def _only(raw: Any, keys: set[str], what: str) -> None:  # noqa: ANN401 - JSON
    if not isinstance(raw, dict):
        raise TypeError(f"{what} is not an object")
    if unknown := raw.keys() - keys:
        raise ValueError(f"{what} has an unknown {min(unknown)!r}")


def _str(value: Any, what: str) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}, not text")
    return value


def _time(value: Any, what: str) -> float:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{what} is {value!r}, not seconds")
    return float(value)


def _mark(value: Any) -> Literal["pausing", "paused", "resuming"]:  # noqa: ANN401 - JSON
    for mark in get_args(Mark):
        if value == mark:
            return mark  # type: ignore[no-any-return]
    raise ValueError(f"mark is {value!r}")
