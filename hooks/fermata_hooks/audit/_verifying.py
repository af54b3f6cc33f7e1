"""Whether a trail is whole: every line, every chain, and the anchors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fermata_hooks.audit._anchors import Anchor
from fermata_hooks.audit._chain import MAX_LINE, Link, Record, hash_of, link_of, parse
from fermata_spec.errors import SettingsError


@dataclass(kw_only=True)
class Verified:
    """What was found. ``broken``: the first broken line, or what is missing, in one line."""

    broken: str = ""
    lines: int = 0
    others: int = 0
    chains: dict[str, Link] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    unanchored: int = 0


def verify(
    path: Path,
    anchors: Mapping[str, Anchor] | None,
    *,
    among_others: bool = False,
    whole: bool = True,
) -> Verified:
    """Check a file; stops at its first broken line.

    Args:
        path: the file.
        anchors: how far each chain must go; None: not known.
        among_others: lines that are none of a trail are passed over (a log pipeline's).
        whole: every chain of the anchors must be in the file.

    Raises:
        SettingsError: the file cannot be read.

    """
    found = Verified()
    anchored: set[str] = set()
    for number, line in numbered(path):
        record = parse(line)
        if record is None and among_others:
            found.others += 1
            continue
        found.broken = _problem(line, record, found.chains)
        if found.broken or record is None:
            found.broken = f"{path}:{number}: {found.broken}"
            return found
        link = link_of(record)
        found.chains[link.chain] = link
        found.lines += 1
        found.first = found.first or str(record.get("at", ""))
        found.last = str(record.get("at", ""))
        anchor = (anchors or {}).get(link.chain)
        if anchor is not None and anchor.seq == link.seq:
            anchored.add(link.chain)
            if anchor.hash != link.hash:
                found.broken = f"{path}:{number}: not the line that was anchored"
                return found
    found.broken = _missing(found, anchors or {}, anchored, whole=whole)
    found.broken = f"{path}: {found.broken}" if found.broken else ""
    found.unanchored = len(found.chains.keys() - anchored)
    return found


def numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, each bounded."""
    try:
        with path.open("rb") as file:
            yield from enumerate(_lines(file), 1)
    except OSError as exc:
        raise SettingsError(f"{path}: cannot be read: {exc.strerror}") from exc


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _problem(line: bytes, record: Record | None, chains: Mapping[str, Link]) -> str:
    if not line.endswith(b"\n"):
        return "torn: the line has no end"
    if record is None:
        return "no line of an audit trail"
    before = chains.get(record["chain"], Link(record["chain"]))
    if record["seq"] != before.seq + 1:
        chain = record["chain"]
        return f"chain {chain}: line {record['seq']} follows line {before.seq}: lines are missing"
    if record["prev"] != before.hash:
        return f"chain {record['chain']}: not the line that followed line {before.seq}"
    return "" if record["hash"] == hash_of(record) else "changed since it was written"


def _missing(
    found: Verified, anchors: Mapping[str, Anchor], anchored: set[str], *, whole: bool
) -> str:
    for chain, anchor in sorted(anchors.items(), key=lambda item: item[1].at):
        here = found.chains.get(chain)
        if here is not None and chain not in anchored:
            return f"cut off: chain {chain} ends at line {here.seq}, it had {anchor.seq} lines"
        if here is None and whole:
            return f"chain {chain} of {anchor.seq} lines is missing"
    return ""
