"""Who we are to Airflow: a token file, files with user name and password, or nobody.

A secret is read from its file when it is used, kept in memory at most, and in no message: a
message names the file.
"""

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import bearer, is_token, read_secret
from fermata_spec.errors import RejectedError

EARLY = 60.0  # seconds before its end at which a token is renewed, or a tenth of its life

Headers = Mapping[str, str]


class Login(Protocol):
    """What credentials may ask of the Airflow that they are shown to."""

    @property
    def kind(self) -> Literal["unknown", "token", "basic"]:
        """How passwords are shown here; ``unknown`` until Airflow's version is known."""

    @property
    def clock(self) -> Clock:
        """The time."""

    def token(self, user: Mapping[str, str] | None) -> Any:  # noqa: ANN401 - JSON
        """Return what ``/auth/token`` answers to a user (or to nobody)."""


class Credentials(Protocol):
    """Who we are. Used by several threads at once."""

    @property
    def described(self) -> str:
        """What a message may say of them: kind and files, never a secret."""

    @property
    def account(self) -> str | None:
        """The user's name in Airflow's event log, where it is known."""

    def headers(self, login: Login) -> Headers:
        """Return the headers that prove it; may ask ``login`` for a token first.

        Raises:
            SettingsError: a file that cannot be read, or holds nothing like a secret.
            RejectedError: Airflow does not take them.
            UnavailableError: Airflow gave no token because it gave no answer.

        """

    def renew(self, login: Login, refused: Headers) -> bool:
        """Return whether other headers than the ``refused`` ones are to be had now."""


class NoCredentials:
    """Nobody: for an Airflow whose SimpleAuthManager lets everybody in.

    Such an Airflow gives a token to whoever asks; one that does not is asked without any.
    """

    described = "no credentials"
    account = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def headers(self, login: Login) -> Headers:
        """Return a token that Airflow gives to everybody, or nothing."""
        if login.kind != "token":
            return {}
        with self._lock:
            if self._token is None or self._token.ends <= login.clock.monotonic():
                self._token = self._ask(login)
            return self._token.headers

    def renew(self, login: Login, refused: Headers) -> bool:
        """Forget the token; a refusal of nobody stays a refusal."""
        with self._lock:
            if self._token is not None and self._token.headers == refused:
                self._token = None
        return login.kind == "token" and bool(refused)

    def _ask(self, login: Login) -> "_Token":
        try:
            return _Token(login.token(None), login.clock)
        except RejectedError:
            return _Token.none()


class TokenFile:
    """A bearer token in a file, read for every request because projected tokens rotate."""

    account = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.described = f"token file {path}"

    def headers(self, login: Login) -> Headers:  # noqa: ARG002 - the same for every Airflow
        """Return the token that the file holds now."""
        return bearer(read_secret(self._path, "token file"))

    def renew(self, login: Login, refused: Headers) -> bool:
        """Return whether the file holds another token by now."""
        return self.headers(login) != refused


class PasswordFiles:
    """User name and password in files: a token of ``/auth/token`` on 3.x, HTTP Basic on 2.x.

    The token is kept in memory and renewed before it ends, by the life that it states.
    """

    def __init__(self, username_path: Path, password_path: Path) -> None:
        self._username_path = username_path
        self._password_path = password_path
        self.described = f"user file {username_path}, password file {password_path}"
        self._lock = threading.Lock()
        self._token: _Token | None = None

    @property
    def account(self) -> str | None:
        """Return the user's name as it stands in the file now."""
        return read_secret(self._username_path, "user file")

    def headers(self, login: Login) -> Headers:
        """Return HTTP Basic, or a token that is good for a while."""
        if login.kind == "unknown":
            return {}
        if login.kind == "basic":
            return self._basic()
        with self._lock:
            if self._token is None or self._token.ends <= login.clock.monotonic():
                self._token = self._log_in(login)
            return self._token.headers

    def renew(self, login: Login, refused: Headers) -> bool:
        """Forget a refused token; for HTTP Basic say whether the files hold something new."""
        if login.kind != "token":
            return self.headers(login) != refused
        with self._lock:
            if self._token is not None and self._token.headers == refused:
                self._token = None
        return True

    def _basic(self) -> Headers:
        user = read_secret(self._username_path, "user file")
        password = read_secret(self._password_path, "password file")
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _log_in(self, login: Login) -> "_Token":
        user = {
            "username": read_secret(self._username_path, "user file"),
            "password": read_secret(self._password_path, "password file"),
        }
        try:
            return _Token(login.token(user), login.clock)
        except RejectedError as exc:
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc


class _Token:
    """A bearer token and when to ask for the next one, by our monotonic clock."""

    def __init__(self, answer: Any, clock: Clock) -> None:  # noqa: ANN401 - JSON
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not is_token(token):
            raise RejectedError("/auth/token: no access_token in the answer")
        life = life_of(token)
        early = min(EARLY, life / 10)
        self.headers: Headers = bearer(token)
        self.ends = clock.monotonic() + life - early

    @classmethod
    def none(cls) -> "_Token":
        """Return what stands for no token at all, for good."""
        token = cls.__new__(cls)
        token.headers = {}
        token.ends = float("inf")
        return token


def life_of(token: str) -> float:
    """Return for how many seconds a JWT is good; infinity where it does not say.

    Its own times are compared with each other only, so that no clocks need to agree.
    """
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        life = float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, RecursionError):
        return float("inf")
    return max(life, 0.0)
