"""Tokens: given, read from a file when used, or exchanged for a service account's own.

None is ever part of a message. ``read`` may block (a file, an exchange): not for an event loop.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import httpx

from fermata_airflow.exceptions import (
    ArgoCDAuthenticationError,
    ArgoCDSettingsError,
    ArgoCDUnavailableError,
    one_line,
)

TOKEN_LIMIT = 64 * 2**10  # bytes
EXCHANGE_TIMEOUT = 15.0  # seconds
EARLY = 60.0  # seconds before its end in which an exchanged token is renewed
SHORT = 300.0  # seconds that a token is taken to live whose answer does not say

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_IDENTITY = "urn:ietf:params:oauth:token-type:id_token"


class Token(Protocol):
    """Who calls."""

    def read(self) -> str:
        """Return the token as it is now."""

    def renew(self) -> bool:
        """Forget what is kept, since it was refused; return whether ``read`` may give another."""


class FixedToken:
    """The connection's password."""

    def __init__(self, token: str) -> None:
        self._token = token

    def read(self) -> str:
        """Return it."""
        return checked(self._token, "password")

    def renew(self) -> bool:
        """Return False: there is no other."""
        return False


class FileToken:
    """A file that somebody else keeps fresh; read for every request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = ""

    def read(self) -> str:
        """Return what the file holds now."""
        self._last = read_token(self._path)
        return self._last

    def renew(self) -> bool:
        """Return whether the file holds another token than the one that was refused."""
        refused = self._last
        return self.read() != refused


class ExchangedToken:
    """What Argo CD's Dex gives for a projected token of a Kubernetes service account (RFC 8693)."""

    def __init__(  # noqa: PLR0913 - all by keyword but the address
        self,
        url: str,
        *,
        subject_file: Path,
        connector: str,
        ca_file: Path | None,
        verify: bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{url}/api/dex/token"
        self._subject_file = subject_file
        self._connector = connector
        self._verify: str | bool = str(ca_file) if ca_file else verify
        self._now = now
        self._token = ""
        self._ends = 0.0
        self._lock = threading.Lock()

    def read(self) -> str:
        """Return the kept token, or one that is exchanged now."""
        with self._lock:
            if not self._token or self._now() >= self._ends - EARLY:
                self._token, self._ends = self._exchange()
            return self._token

    def renew(self) -> bool:
        """Forget the kept token."""
        with self._lock:
            self._token = ""
        return True

    def _exchange(self) -> tuple[str, float]:
        form = {
            "grant_type": _GRANT,
            "connector_id": self._connector,
            "scope": "openid email profile federated:id",
            "requested_token_type": _ACCESS,
            "subject_token": read_token(self._subject_file),
            "subject_token_type": _IDENTITY,
        }
        try:
            answer = httpx.post(
                self._url,
                data=form,
                auth=("argo-cd-cli", ""),
                verify=self._verify,
                timeout=EXCHANGE_TIMEOUT,
                follow_redirects=False,
            )
        except (httpx.HTTPError, OSError) as exc:
            told = one_line(exc) or type(exc).__name__
            raise ArgoCDUnavailableError(f"{self._url}: {told}", sent=False) from exc
        body = _json(answer)
        token = body.get("access_token")
        if answer.status_code != httpx.codes.OK or not isinstance(token, str):
            told = one_line(body.get("error_description") or body.get("error") or "no token")
            message = f"{self._url}: {answer.status_code} {told}"
            if answer.is_server_error:
                raise ArgoCDUnavailableError(message, sent=False)
            raise ArgoCDAuthenticationError(message, code=16, status=answer.status_code)
        life = body.get("expires_in")
        life = float(life) if isinstance(life, int | float) else SHORT
        # One that lives no longer than EARLY is still used for half its life.
        return checked(token, self._url), self._now() + max(life, min(life, EARLY) / 2 + EARLY)


def read_token(path: Path) -> str:
    """Return the token in ``path``.

    Raises:
        ArgoCDSettingsError: it cannot be read, or holds no token.

    """
    try:
        with path.open("rb") as file:
            content = file.read(TOKEN_LIMIT + 1)
    except OSError as exc:
        raise ArgoCDSettingsError(f"{path}: {exc.strerror or exc}") from exc
    return checked(content.decode("ascii", errors="replace").strip(), str(path))


def checked(token: str, where: str) -> str:
    """Return ``token`` if it can be one."""
    if not token or len(token) > TOKEN_LIMIT or not token.isascii() or not token.isprintable():
        raise ArgoCDSettingsError(f"{where}: holds no token ({len(token)} characters)")
    if " " in token:
        raise ArgoCDSettingsError(f"{where}: holds more than one word, which no token does")
    return token


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json() if len(answer.content) <= TOKEN_LIMIT else {}
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}
