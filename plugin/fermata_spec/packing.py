"""The plan as a ConfigMap holds it: as it is while it is small, packed when it is large.

10,000 DAGs make a plan of 1.7 MB, and a ConfigMap holds 1 MiB. A small one stays readable.
"""

import binascii
import gzip
import zlib
from base64 import b64decode, b64encode

_PLAIN_BYTES = 200_000
_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


def pack(text: str) -> bytes:
    """Return ``text`` as UTF-8, packed by gzip if it is large; the same bytes for the same text."""
    plain = text.encode()
    return plain if len(plain) <= _PLAIN_BYTES else gzip.compress(plain, mtime=0)


def is_packed(data: bytes) -> bool:
    """Whether ``data`` is packed: no text begins with these bytes."""
    return data.startswith(_MAGIC)


def unpack(data: bytes, *, most: int) -> bytes:
    """Return what was packed; raise ``ValueError`` if damaged, or more than ``most`` bytes."""
    if not is_packed(data):
        return data
    packer = zlib.decompressobj(_GZIP)
    try:
        plain = packer.decompress(data, most)
    except zlib.error as exc:
        raise ValueError(f"damaged: {exc}") from exc
    if packer.unconsumed_tail:
        raise ValueError(f"larger than {most} bytes when unpacked")
    if not packer.eof:
        raise ValueError("damaged: it ends too early")
    return plain


def pack_text(text: str) -> str:
    """Return ``text`` packed, as text: gzip and base64; the same for the same text."""
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpack_text(packed: str, *, most: int) -> str:
    """Return what ``pack_text`` packed; raise ``ValueError`` if damaged or larger than ``most``."""
    try:
        return unpack(b64decode(packed, validate=True), most=most).decode()
    except binascii.Error as exc:
        raise ValueError(f"damaged: {exc}") from exc
