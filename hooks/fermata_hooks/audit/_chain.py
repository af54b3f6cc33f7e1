"""How lines are chained. Pure.

A line is a JSON object whose ``hash`` is the SHA-256 of the line without it (sorted keys, no
blanks, ASCII). ``prev`` is the ``hash`` of the line before in the same ``chain``, ``seq`` counts
from 1. A chain begins with an empty ``prev``.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

VERSION = 1
MAX_LINE = 1024 * 1024  # bytes

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """Where a chain is: how many lines it has, and the hash of the last."""

    chain: str
    seq: int = 0
    hash: str = ""


GENESIS = Link("")


def new_chain() -> Link:
    """Return the beginning of a chain of its own."""
    return Link(secrets.token_hex(8))


def sealed(record: Record, after: Link) -> tuple[bytes, Link]:
    """Return the line of ``record`` that comes after ``after``, and where the chain is then."""
    whole = {
        **record,
        "audit": VERSION,
        "chain": after.chain,
        "seq": after.seq + 1,
        "prev": after.hash,
    }
    digest = hash_of(whole)
    line = _canonical({**whole, "hash": digest}) + b"\n"
    return line, Link(after.chain, after.seq + 1, digest)


def hash_of(record: Record) -> str:
    """Return the hash that a line must have."""
    bare = {key: value for key, value in record.items() if key != "hash"}
    return sha256(_canonical(bare)).hexdigest()


def parse(line: bytes) -> Record | None:
    """Return the record of a line; None if it is none of an audit trail."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("audit") != VERSION:
        return None
    texts = (record.get("chain"), record.get("prev"), record.get("hash"))
    sound = all(isinstance(each, str) for each in texts) and isinstance(record.get("seq"), int)
    return record if sound else None


def link_of(record: Record) -> Link:
    """Return where the chain is after a line."""
    return Link(record["chain"], record["seq"], record["hash"])


def _canonical(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")
