"""Who may come in: users with passwords, tokens, and what is forbidden to whom."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import Any

from fakes.fake_airflow.releases import Release

EVERYBODY = "Anonymous"

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class DeniedError(Exception):
    """The request is refused, with this status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Accounts:
    """Users, tokens and prohibitions.

    ``passwords`` maps users to passwords; ``viewers`` may only look; ``open`` lets everybody in
    as "Anonymous" (3.x, all admins); ``token_life`` is in seconds; ``denied`` are parts of paths
    that are answered with 403. ``readable`` are the DAGs that may be read, by roles for single
    DAGs; None: all. ``provider`` returns whose a foreign token is, or raises ``ValueError``:
    such tokens are taken as they are (an auth manager of one's own) and as assertions (Keycloak's).
    The cookie counts where there is no bearer token, as on 3.x.
    """

    def __init__(self, release: Release, now: Callable[[], float]) -> None:
        self.passwords = {user: f"{user}s-pass-phrase" for user in ("fermata", "ann", "victor")}
        self.viewers = {"victor"}
        self.open = False
        self.token_life = 86400.0
        self.denied: set[str] = set()
        self.readable: set[str] | None = None
        self.provider: Callable[[str], str] | None = None
        self.logins = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._forged: set[str] = set()
        self._release = release
        self._now = now

    @property
    def tokens(self) -> list[str]:
        """Tokens that are known, whether they are still good or not."""
        return list(self._tokens)

    def give_token(self, user: str) -> str:
        """Return a new token for ``user``, as a JWT that says how long it lives."""
        issued = self._now()
        claims = {"sub": user, "iat": issued, "exp": issued + self.token_life}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        token = f"eyJhbGciOiJIUzUxMiJ9.{body}.{secrets.token_hex(8)}"
        self._tokens[token] = (user, issued + self.token_life)
        return token

    def headers_of(self, user: str) -> dict[str, str]:
        """Return the headers of a request that ``user`` makes by other means than our client."""
        if self._release.generation == 3:
            return {"Authorization": f"Bearer {self.give_token(user)}"}
        pair = base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def end_tokens(self) -> None:
        """Let all tokens have ended (401 "Token Expired")."""
        self._tokens = {token: (user, 0.0) for token, (user, _) in self._tokens.items()}

    def change_signing_key(self) -> None:
        """Forget all tokens as a restart without a fixed key does (403 "Invalid JWT token")."""
        self._forged |= self._tokens.keys()
        self._tokens.clear()

    def log_in(self, body: Any) -> str:  # noqa: ANN401 - whatever was sent
        """Return the token for user and password (``POST /auth/token``)."""
        self.logins += 1
        user = body if isinstance(body, dict) else {}
        if set(user) == {"grant_type", "assertion"} and user["grant_type"] == _JWT_BEARER:
            return self.give_token(self._foreign(user["assertion"]))
        if set(user) != {"username", "password"}:
            raise DeniedError(422, f"validation errors for LoginBody, input_value={body!r}")
        if self.passwords.get(user["username"]) != user["password"]:
            raise DeniedError(401, "Invalid credentials")
        return self.give_token(user["username"])

    def token_for_everybody(self) -> str:
        """Return the token that an open Airflow gives to whoever asks (``GET /auth/token``)."""
        if not self.open:
            raise DeniedError(403, "This method is only allowed if all admins")
        return self.give_token(EVERYBODY)

    def user_of(self, headers: Mapping[str, str], method: str, path: str) -> str:
        """Return whose request it is, or refuse it."""
        kind, _, secret = headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" and self._release.generation == 3:
            secret = _cookie(headers.get("Cookie", ""))
        user = self._bearer(secret) if self._release.generation == 3 else self._basic(kind, secret)
        for part in self.denied:
            if part in path:
                raise DeniedError(403, "Forbidden")
        if user in self.viewers and method != "GET" and not path.endswith("/list"):
            raise DeniedError(403, "Forbidden")
        return user

    def reads(self, dag_id: str) -> bool:
        """Return whether this DAG may be read."""
        return self.readable is None or dag_id in self.readable

    def _bearer(self, token: str) -> str:
        if token in self._forged:
            raise DeniedError(403, "Invalid JWT token")
        user, ends = self._tokens.get(token, ("", 0.0))
        if not user and token and self.provider is not None:
            user, ends = self._foreign(token), float("inf")
        if self.open:
            return user or EVERYBODY
        if not token:
            raise DeniedError(401, "Not authenticated")
        if not user:
            raise DeniedError(403, "Invalid JWT token")
        if ends <= self._now():
            raise DeniedError(401, "Token Expired")
        return user

    def _foreign(self, token: str) -> str:
        try:
            return self.provider(token) if self.provider is not None else ""
        except ValueError as exc:
            ended = "expired" in str(exc)
            raise DeniedError(401 if ended else 403, f"{exc}: {token}") from exc

    def _basic(self, kind: str, secret: str) -> str:
        user, _, password = (
            base64.b64decode(secret if kind == "Basic" else "").decode().partition(":")
        )
        if self.passwords.get(user) != password:
            status = self._release.unauthenticated
            raise DeniedError(status, {401: "Unauthorized", 403: "Forbidden"}[status])
        return user


def _cookie(line: str) -> str:
    jar = SimpleCookie(line)
    return jar["_token"].value if "_token" in jar else ""
