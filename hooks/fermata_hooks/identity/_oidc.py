"""A token of an OpenID provider, for our own client: by a secret, or by a service account's token.

The provider is found by discovery (OpenID Connect Discovery 1.0). The token is not looked into:
whether it is good is for the one to say to whom it is shown. Plain http is refused but on loopback,
redirects are refused, and so is a provider that says it is another one.
"""

import threading
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlsplit

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Form, Headers, Request, Transport, is_loopback, read_secret
from fermata_hooks.identity._kept import Given, KeptToken, given
from fermata_hooks.identity_settings import OidcSettings
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError, SettingsError

TIMEOUT = 15.0  # seconds for one request
UNKNOWN_LIFE = 300.0  # seconds that a token is taken to live that does not say
DISCOVERY_LIMIT = 2**20  # bytes; a provider's description is 5 kB

_WELL_KNOWN = "/.well-known/openid-configuration"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, 2.2


class _Endpoint(NamedTuple):
    """Where tokens are given, and whether our secret goes there in the form."""

    transport: Transport
    secret_in_form: bool


class OidcToken:
    """Our client's token; one for all threads, renewed before it ends."""

    def __init__(self, settings: OidcSettings, *, clock: Clock, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout = timeout
        self._kept = KeptToken()
        self._lock = threading.Lock()
        self._endpoint: _Endpoint | None = None

    @property
    def described(self) -> str:
        """Return the client, the provider and the file."""
        ours = self._settings
        file = ours.subject_token_file or ours.client_secret_file
        return f"OIDC client {ours.client_id} of {ours.issuer}, {file}"

    def read(self) -> Secret:
        """Return the token, after asking for one where it is missing or about to end."""
        return self._kept.read(self._ask, self._clock)

    def renew(self, refused: Secret) -> bool:
        """Forget a refused token."""
        self._kept.forget(refused)
        return True

    def _ask(self) -> Given:
        endpoint = self._found()
        headers, form = self._shown(endpoint)
        request = Request(method="POST", path="", headers=headers, form=form)
        try:
            answer = endpoint.transport.send(request)
        except RejectedError as exc:
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from None
        body = answer.json()
        kind = body.get("token_type", "") if isinstance(body, dict) else ""
        if str(kind or "bearer").lower() not in {"bearer", "n_a"}:
            raise RejectedError(f"{answer.subject}: no bearer token ({self.described})")
        return given(body, answer.subject, unknown_life=UNKNOWN_LIFE)

    def _shown(self, endpoint: _Endpoint) -> tuple[Headers, Form]:
        """Return the headers and the form that ask for a token."""
        ours = self._settings
        form: dict[str, str | Secret] = self._grant()
        if ours.audience:
            form["audience"] = ours.audience
        if ours.scope:
            form["scope"] = ours.scope
        if ours.client_secret_file is None:
            return {}, form | {"client_id": ours.client_id}
        secret = read_secret(ours.client_secret_file, "client secret file")
        if endpoint.secret_in_form:
            return {}, form | {"client_id": ours.client_id, "client_secret": secret}
        # RFC 6749, 2.3.1: both are form-encoded before they are joined
        pair = f"{quote(ours.client_id, safe='')}:{quote(secret.reveal(), safe='')}"
        return {"Authorization": Secret(f"Basic {b64encode(pair.encode()).decode()}")}, form

    def _grant(self) -> dict[str, str | Secret]:
        ours = self._settings
        if ours.subject_token_file is None:
            return {"grant_type": "client_credentials"}
        subject = read_secret(ours.subject_token_file, "subject token file")
        match ours.grant:
            case "client-credentials":
                return {
                    "grant_type": "client_credentials",
                    "client_assertion_type": _ASSERTION,
                    "client_assertion": subject,
                }
            case "token-exchange":
                return {
                    "grant_type": _EXCHANGE,
                    "subject_token": subject,
                    "subject_token_type": _JWT,
                    "requested_token_type": _ACCESS,
                }
            case "jwt-bearer":
                return {"grant_type": _JWT_BEARER, "assertion": subject}

    def _found(self) -> _Endpoint:
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._discover()
            return self._endpoint

    def _discover(self) -> _Endpoint:
        issuer = self._settings.issuer
        found = self._described_by(self._transport(issuer, "its issuer"))
        if found.get("issuer") != issuer:
            self._refuse("its issuer says that it is another one")
        url = found.get("token_endpoint")
        if not isinstance(url, str):
            self._refuse("no token_endpoint in its description")
        methods = found.get("token_endpoint_auth_methods_supported")
        methods = methods if isinstance(methods, list) else ["client_secret_basic"]
        in_form = "client_secret_basic" not in methods and "client_secret_post" in methods
        return _Endpoint(self._transport(url, "its token_endpoint"), in_form)

    def _described_by(self, transport: Transport) -> Mapping[str, Any]:
        request = Request(method="GET", path=_WELL_KNOWN, limit=DISCOVERY_LIMIT)
        try:
            found = transport.send(request).json()
        except RejectedError as exc:
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc
        finally:
            transport.close()
        if not isinstance(found, dict):
            self._refuse("its description is no object")
        return found

    def _transport(self, url: str, what: str) -> Transport:
        to = Transport(
            url,
            service="OIDC provider",
            clock=self._clock,
            timeout=self._timeout,
            ca_file=self._settings.ca_file,
        )
        parts = urlsplit(to.url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise SettingsError(
                f"OIDC client {self._settings.client_id}: {what} {to.url} is plain http: a token "
                "and a secret travel over https only"
            )
        return to

    def _refuse(self, why: str) -> NoReturn:
        raise RejectedError(f"{self.described}: {why}")
