"""An OpenID provider on loopback: discovery, keys and tokens by joserfc, clients with rights.

    with OidcProvider() as provider:
        provider.clients["fermata"] = "a-secret"
        provider.url, provider.service_account_token(audience=provider.url)

It gives access tokens (real JWTs, RS256, with ``jwks_uri``) for a client's secret, for a client
assertion, by token exchange (RFC 8693) and by an assertion (RFC 7523); it is also the cluster
that issues service accounts' tokens. ``verify`` is what who is shown a token does with it.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import unquote

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SUBJECT = "system:serviceaccount:airflow:fermata"
AIRFLOW = "airflow"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class RefusedError(Exception):
    """The provider refuses: an error of RFC 6749, 5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.body = {"error": code, "error_description": description}
        self.status = status


class OidcProvider:
    """See the module. ``given`` are the tokens that it gave, ``forms`` what it was asked."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.clients: dict[str, str] = {}
        self.trusts_service_accounts = True
        self.token_life = 3600
        self.auth_methods = ["client_secret_basic", "client_secret_post"]
        self.description: dict[str, Any] = {}
        self.forms: list[dict[str, str]] = []
        self.given: list[str] = []
        self.keys = KeySet([KEY])
        self._now = now
        self._server = HTTPServer(host="127.0.0.1")

    def __enter__(self) -> Self:
        self._server.start()
        paths = {
            "/.well-known/openid-configuration": self._describe,
            "/keys": lambda _: _json(self.keys.as_dict(private=False)),
            "/token": self._token,
        }
        for path, answer in paths.items():
            self._server.expect_request(path).respond_with_handler(answer)
        self._server.expect_request("/gone").respond_with_data("nothing here", 404)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """The issuer."""
        return str(self._server.url_for("")).rstrip("/")

    def sign(self, **claims: object) -> str:
        """Return a JWT of this provider."""
        issued = int(self._now())
        body = {"iss": self.url, "iat": issued, "exp": issued + self.token_life} | claims
        return jwt.encode({"alg": "RS256", "kid": "one"}, body, KEY)

    @staticmethod
    def claims_text(claims: dict[str, Any]) -> str:
        """Return claims as the middle of a JWT, whatever they are."""
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    def service_account_token(self, *, audience: str = "", **claims: object) -> str:
        """Return a token as a cluster projects it into a pod."""
        return self.sign(**({"sub": SUBJECT, "aud": [audience or self.url]} | claims))

    def verify(self, token: str, *, audience: str = AIRFLOW) -> dict[str, Any]:
        """Return the claims of a token for ``audience``; raise ``ValueError`` if it is no good."""
        try:
            decoded = jwt.decode(token, self.keys, algorithms=["RS256"])
            wanted: jwt.ClaimsOption = {"essential": True, "value": audience}
            registry = jwt.JWTClaimsRegistry(lambda: int(self._now()), aud=wanted)
            registry.validate(decoded.claims)
        except JoseError as exc:
            raise ValueError(str(exc)) from exc
        return dict(decoded.claims)

    def _describe(self, _: Request) -> Response:
        url = self.url
        known = {
            "issuer": url,
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "token_endpoint_auth_methods_supported": self.auth_methods,
        }
        return _json(known | self.description)

    def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in request.form.items()}
        self.forms.append(form)
        try:
            subject = self._subject(form, request)
        except RefusedError as exc:
            return _json(exc.body, exc.status)
        token = self.sign(sub=subject, aud=form.get("audience", AIRFLOW), n=len(self.given))
        self.given.append(token)
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": self.token_life})

    def _subject(self, form: dict[str, str], request: Request) -> str:
        match form.get("grant_type"):
            case "client_credentials" if "client_assertion" in form:
                return self._federated(form["client_assertion"])
            case "client_credentials":
                return self._client(form, request)
            case "urn:ietf:params:oauth:grant-type:token-exchange":
                return self._federated(form["subject_token"])
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return self._federated(form["assertion"])
            case other:
                raise RefusedError("unsupported_grant_type", f"{other}")

    def _client(self, form: dict[str, str], request: Request) -> str:
        shown = request.headers.get("Authorization", "")
        if shown and "client_secret_basic" in self.auth_methods:
            pair = base64.b64decode(shown.removeprefix("Basic ")).decode()
            client, _, secret = (unquote(part) for part in pair.partition(":"))
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not secret or self.clients.get(client) != secret:
            raise RefusedError("invalid_client", f"no client {client} with {secret}", 401)
        return client

    def _federated(self, token: str) -> str:
        if not self.trusts_service_accounts:
            raise RefusedError("unauthorized_client", "this client has no federation")
        try:
            return str(self.verify(token, audience=self.url)["sub"])
        except ValueError as exc:
            raise RefusedError("invalid_grant", f"{exc}: {token}") from exc


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
