"""Digests: 16 hexadecimal digits that change when what they stand for changes, and not before."""

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from fermata_spec.located import Value

LENGTH = 16


def digest_of_text(text: str) -> str:
    """Return the digest of a text as UTF-8."""
    return sha256(text.encode()).hexdigest()[:LENGTH]


def digest_of_source(text: str) -> str:
    """Return the digest of a Python file as Airflow stores its text (every line ends with LF)."""
    return digest_of_text(text.replace("\r\n", "\n").replace("\r", "\n"))


def hash_of_files(hashes: Mapping[str, bytes]) -> bytes:
    """Return one hash for files, given each one's by its path."""
    parts = (sha256(path.encode()).digest() + hashes[path] for path in sorted(hashes))
    return sha256(b"".join(parts)).digest()


def digest_of_hashes(*hashes: bytes) -> str:
    """Return the digest of things together, given their hashes in a fixed order."""
    return sha256(b"".join(hashes)).hexdigest()[:LENGTH]


def digest_of_value(value: Value, *, plain_keys: bool) -> str:
    """Return the digest of plain YAML data: that of its canonical JSON."""
    return digest_of_text(canonical(value, plain_keys=plain_keys))


def canonical(value: Value, *, plain_keys: bool) -> str:
    """Return plain YAML data as JSON, the same whatever the order of its keys.

    ``plain_keys``: all keys are texts. Others are told apart from texts (1 is not "1").
    """
    told = value if plain_keys else _tell_keys(value)
    return json.dumps(told, sort_keys=True, separators=(",", ":"), default=_tell)


def _tell(value: object) -> dict[str, str]:
    if isinstance(value, date):
        return {f"!{type(value).__name__}": value.isoformat()}
    raise TypeError(f"{type(value).__name__} has no place in a configuration")


def _tell_keys(value: Value) -> Value:
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else f"!{type(key).__name__} {key}": _tell_keys(each)
            for key, each in value.items()
        }
    return [_tell_keys(each) for each in value] if isinstance(value, list) else value
