"""Secrets are files, read when they are used: a projected token rotates under a running process."""

import logging
from functools import lru_cache
from pathlib import Path

from fermata_hooks.secret import Secret
from fermata_spec.errors import SettingsError

SECRET_LIMIT = 64 * 2**10  # bytes; a token is a few hundred, with many groups a few thousand

_OTHERS = 0o007
_NO_SECRET = frozenset({"user file", "repository's url file", "repository's username file"})

log = logging.getLogger("fermata.secrets")


def read_secret(path: Path, name: str) -> Secret:
    """Return what stands in a secret's file, without white space around it.

    ``name`` says what it is (``token file`` …); a ``SettingsError`` names it and the path, and
    never what is in it. A file that every user of the machine may read is warned of, once.
    """
    secret = _content(path, name)
    if not secret.isprintable() or (name.endswith("token file") and not is_token(secret)):
        raise SettingsError(f"{name} {path}: line ends or control characters in it")
    if name not in _NO_SECRET:
        _warn_if_open(path, name)
    return Secret(secret)


def read_private_file(path: Path, name: str) -> Secret:
    """Return a secret of several lines, as a private key; raises what ``read_secret`` raises."""
    content = _content(path, name)
    _warn_if_open(path, name)
    return Secret(content)


def _content(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_LIMIT + 1)
    except OSError as exc:
        raise SettingsError(f"{name} {path}: {exc.strerror or type(exc).__name__}") from exc
    if len(content) > SECRET_LIMIT:
        raise SettingsError(f"{name} {path}: more than {SECRET_LIMIT} bytes")
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{name} {path}: not UTF-8") from None
    if not secret:
        raise SettingsError(f"{name} {path}: empty")
    return secret


def is_token(text: str) -> bool:
    """Return whether ``text`` can be sent as a bearer token."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def bearer(token: Secret) -> dict[str, Secret]:
    """Return the header that shows a token."""
    return {"Authorization": Secret(f"Bearer {token.reveal()}")}


@lru_cache(maxsize=256)
def _warn_if_open(path: Path, name: str) -> None:
    """Warn of a file that others may read.

    Not in a volume of the kubelet's (it is behind ``..data``): its modes are the kubelet's, and
    only the pod sees it.
    """
    try:
        mode = path.stat().st_mode
        of_the_kubelet = any(part.startswith("..") for part in path.resolve().parts)
    except OSError:
        return
    if mode & _OTHERS and not of_the_kubelet:
        log.warning(
            "%s %s: other users may read it (mode %03o): chmod 600", name, path, mode & 0o777
        )
