"""Secrets are files, read when they are used: a projected token rotates under a running process."""

from pathlib import Path

from fermata_spec.errors import SettingsError

SECRET_LIMIT = 64 * 2**10  # bytes; a token is a few hundred, with many groups a few thousand


def read_secret(path: Path, name: str) -> str:
    """Return what stands in a secret's file, without white space around it.

    ``name`` says what it is (``token file`` …); a ``SettingsError`` names it and the path, and
    never what is in it.
    """
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
    if not secret.isprintable() or (name.endswith("token file") and not is_token(secret)):
        raise SettingsError(f"{name} {path}: line ends or control characters in it")
    return secret


def is_token(text: str) -> bool:
    """Return whether ``text`` can be sent as a bearer token."""
    return text.isascii() and text.isprintable() and " " not in text


def bearer(token: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {token}"}
