"""A small record as a document: packed JSON that names its format, changed by read and replace."""

import gzip
import io
import json
import logging
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fermata_hooks.clock import Clock
from fermata_hooks.documents._port import ConflictError, Documents

# What unpacking a document, and reading its fields, raises if it is not ours or not whole.
DAMAGE = (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError, AttributeError)

_ATTEMPTS = 8

log = logging.getLogger("fermata.documents")

Value = TypeVar("Value")


def pack(fields: Mapping[str, Any]) -> bytes:
    """Return the document of ``fields``: gzipped JSON, the same bytes for the same fields."""
    return gzip.compress(json.dumps(fields, sort_keys=True).encode(), mtime=0)


def unpack(content: bytes, *, reads: int, most: int) -> dict[str, Any]:
    """Return the fields in ``content``; raise one of ``DAMAGE`` if it holds none of ours.

    ``reads``: the format that is understood; ``most``: bytes that it may unpack to.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise ValueError(f"more than {most} bytes")
    raw = json.loads(text)
    if raw["format"] != reads:
        raise ValueError(f"format {raw['format']!r}, this Fermata reads {reads}")
    return dict(raw)


def change(  # noqa: PLR0913 - the document, and what is done to it, by name
    documents: Documents,
    name: str,
    *,
    read: Callable[[], tuple[Value, str]],
    decide: Callable[[Value], Value],
    encode: Callable[[Value], bytes],
    clock: Clock,
    pause: float = 0.1,
) -> Value:
    """Let ``decide`` say what to write, write it, and return what is there then.

    ``read`` returns the value and its version. Where somebody else was faster it is read again,
    after so many seconds of ``pause`` more with each attempt; where nothing is to be changed
    nothing is written.

    Raises:
        UnavailableError: no answer: it may have been written. Others kept changing it.

    """
    for attempt in range(_ATTEMPTS):
        value, version = read()
        wanted = decide(value)
        if wanted == value:
            return value
        try:
            documents.replace(name, encode(wanted), expected=version)
        except ConflictError as exc:
            log.info("%s: %s: again", name, exc)
            clock.sleep(pause * attempt)
        else:
            return wanted
    raise ConflictError(f"{name}: changed by others {_ATTEMPTS} times in a row")
