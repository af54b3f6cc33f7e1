"""Who we are to Airflow: a token, a token for a token, user name and password, or nobody.

A secret is read from its file when it is used, kept in memory at most, and in no message: a
message names the file.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Answer, Request, bearer, read_secret
from fermata_hooks.identity import FileToken, Given, KeptToken, TokenSource, given
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError

Headers = Mapping[str, str | Secret]

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Login(Protocol):
    """What credentials may ask of the Airflow that they are shown to."""

    @property
    def kind(self) -> Literal["unknown", "token", "basic"]:
        """How passwords are shown here; ``unknown`` until Airflow's version is known."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def url(self) -> str:
        """The base address of this Airflow."""

    def token(self, user: Mapping[str, str | Secret] | None) -> Any:  # noqa: ANN401 - JSON
        """Return what ``/auth/token`` answers to a user (or to nobody)."""

    def send(self, request: Request) -> Answer:
        """Send a request as nobody."""


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
        self._kept = KeptToken()

    def headers(self, login: Login) -> Headers:
        """Return a token that Airflow gives to everybody, or nothing."""
        if login.kind != "token":
            return {}
        token = self._kept.read(lambda: _ask_as_nobody(login), login.clock)
        return bearer(token) if token != _NONE else {}

    def renew(self, login: Login, refused: Headers) -> bool:
        """Forget the token; a refusal of nobody stays a refusal."""
        self._kept.forget(_token_in(refused))
        return login.kind == "token" and bool(refused)


_NONE = Secret("")


def _ask_as_nobody(login: Login) -> Given:
    try:
        return given(login.token(None), "/auth/token")
    except RejectedError:
        return Given(_NONE, float("inf"))


class BearerToken:
    """A token as it is: a static one, a projected one, or a provider's."""

    account = None

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    @property
    def described(self) -> str:
        """Return where the token comes from."""
        return self._source.described

    def headers(self, login: Login) -> Headers:  # noqa: ARG002 - the same for every Airflow
        """Return the token as it is now."""
        return bearer(self._source.read())

    def renew(self, login: Login, refused: Headers) -> bool:  # noqa: ARG002 - as above
        """Return whether the source gives another token by now."""
        return self._source.renew(_token_in(refused))


class TokenFile(BearerToken):
    """A bearer token in a file, read for every request because projected tokens rotate."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileToken(path))


class AssertedToken:
    """A token that is shown at ``/auth/token`` only, for one of Airflow's own (RFC 7523).

    Airflow's Keycloak auth manager takes it (0.11 and newer).
    """

    account = None

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._kept = KeptToken()

    @property
    def described(self) -> str:
        """Return where the token comes from that is shown."""
        return f"{self._source.described}, as an assertion"

    def headers(self, login: Login) -> Headers:
        """Return Airflow's own token."""
        if login.kind == "unknown":
            return {}
        return bearer(self._kept.read(lambda: self._log_in(login), login.clock))

    def renew(self, login: Login, refused: Headers) -> bool:
        """Forget a refused token."""
        self._kept.forget(_token_in(refused))
        return login.kind == "token"

    def _log_in(self, login: Login) -> Given:
        shown = self._source.read()
        try:
            answer = login.token({"grant_type": _JWT_BEARER, "assertion": shown})
        except RejectedError as exc:
            self._source.renew(shown)
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc
        return given(answer, "/auth/token")


class PasswordFiles:
    """User name and password in files: a token of ``/auth/token`` on 3.x, HTTP Basic on 2.x.

    The token is kept in memory and renewed before it ends, by the life that it states.
    """

    def __init__(self, username_path: Path, password_path: Path) -> None:
        self._username_path = username_path
        self._password_path = password_path
        self.described = f"user file {username_path}, password file {password_path}"
        self._kept = KeptToken()

    @property
    def account(self) -> str | None:
        """Return the user's name as it stands in the file now."""
        return read_secret(self._username_path, "user file").reveal()

    def headers(self, login: Login) -> Headers:
        """Return HTTP Basic, or a token that is good for a while."""
        if login.kind == "unknown":
            return {}
        if login.kind == "basic":
            return self._basic()
        return bearer(self._kept.read(lambda: self._log_in(login), login.clock))

    def renew(self, login: Login, refused: Headers) -> bool:
        """Forget a refused token; for HTTP Basic say whether the files hold something new."""
        if login.kind != "token":
            return self.headers(login) != refused
        self._kept.forget(_token_in(refused))
        return True

    def _basic(self) -> Headers:
        user = read_secret(self._username_path, "user file").reveal()
        password = read_secret(self._password_path, "password file").reveal()
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": Secret(f"Basic {pair}")}

    def _log_in(self, login: Login) -> Given:
        user: dict[str, str | Secret] = {
            "username": read_secret(self._username_path, "user file").reveal(),
            "password": read_secret(self._password_path, "password file"),
        }
        try:
            return given(login.token(user), "/auth/token")
        except RejectedError as exc:
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc


def _token_in(headers: Headers) -> Secret:
    """Return the token in the headers that ``bearer`` made; an empty one in others."""
    shown = headers.get("Authorization", "")
    text = shown.reveal() if isinstance(shown, Secret) else shown
    return Secret(text.removeprefix("Bearer "))
