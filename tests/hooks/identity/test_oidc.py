"""Tokens of an OpenID provider: by a secret, by a service account's token, and every refusal."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from fakes.manual_clock import ManualClock
from fakes.oidc_provider import SUBJECT, OidcProvider
from fermata_hooks.identity import OidcToken
from fermata_hooks.identity_settings import Grant, OidcSettings
from fermata_spec.errors import (
    FermataError,
    RejectedError,
    SettingsError,
    UnavailableError,
)

SECRET = "hush: a+secret/with%everything"


class Client:
    """Our client at a provider, its files, and the tokens that it gets."""

    def __init__(self, provider: OidcProvider, folder: Path, clock: ManualClock) -> None:
        self.provider = provider
        self.secret_file = folder / "client-secret"
        self.subject_file = folder / "service-account-token"
        self._clock = clock
        self.write(self.secret_file, SECRET)
        self.write(self.subject_file, provider.service_account_token())
        provider.clients["fermata"] = SECRET

    def write(self, file: Path, content: str) -> None:
        file.touch(mode=0o600)
        file.write_text(content)

    def by_secret(self, **more: object) -> OidcToken:
        return self._token("client-credentials", client_secret_file=self.secret_file, **more)

    def by_subject(self, grant: Grant = "token-exchange", **more: object) -> OidcToken:
        return self._token(grant, subject_token_file=self.subject_file, **more)

    def _token(self, grant: Grant, **more: object) -> OidcToken:
        settings = OidcSettings(issuer=self.provider.url, client_id="fermata", grant=grant)
        return OidcToken(replace(settings, **more), clock=self._clock)  # type: ignore[arg-type]


@pytest.fixture
def client(provider: OidcProvider, tmp_path: Path, clock: ManualClock) -> Client:
    return Client(provider, tmp_path, clock)


@pytest.mark.parametrize(
    "methods",
    [["client_secret_basic"], ["client_secret_post"], ["private_key_jwt"]],
    ids=["in the header", "in the form", "neither is named"],
)
def test_a_secret_gives_a_token(client: Client, methods: list[str]) -> None:
    client.provider.auth_methods = [*methods, "client_secret_basic"][:2]
    if methods == ["client_secret_post"]:
        client.provider.auth_methods = methods

    token = client.by_secret().read()

    assert client.provider.verify(token.reveal())["sub"] == "fermata"


@pytest.mark.parametrize("grant", ["client-credentials", "token-exchange", "jwt-bearer"])
def test_a_service_accounts_token_gives_a_token(client: Client, grant: Grant) -> None:
    token = client.by_subject(grant, audience="airflow", scope="dags").read()

    claims = client.provider.verify(token.reveal())
    assert claims["sub"] == SUBJECT
    assert client.provider.forms[-1]["scope"] == "dags"


def test_a_token_for_somebody_else_is_not_taken_by_airflow(client: Client) -> None:
    token = client.by_subject(audience="another").read()

    with pytest.raises(ValueError, match="aud"):
        client.provider.verify(token.reveal())


def test_a_token_is_kept_and_renewed_before_it_ends(client: Client, clock: ManualClock) -> None:
    token = client.by_secret()
    first = token.read()
    clock.sleep(3600 - 61)
    assert token.read() == first

    clock.sleep(2)

    assert token.read() != first
    assert len(client.provider.given) == 2


def test_a_refused_token_is_asked_for_anew_and_an_older_refusal_is_not(client: Client) -> None:
    token = client.by_secret()
    first = token.read()

    assert token.renew(first)
    second = token.read()
    token.renew(first)  # by a thread that comes late

    assert token.read() == second != first


def test_a_subject_token_that_rotates_is_read_when_it_is_used(client: Client) -> None:
    token = client.by_subject()
    first = token.read()
    client.write(client.subject_file, client.provider.service_account_token(n=1))
    token.renew(first)
    token.read()

    shown = [form["subject_token"] for form in client.provider.forms]
    assert len(set(shown)) == 2


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"exp": 1_000}, "invalid_grant: expired_token", id="ended"),
        pytest.param({"aud": ["vault"]}, "invalid_grant: invalid_claim", id="another audience"),
    ],
)
def test_a_service_accounts_token_that_is_no_good_is_refused_in_one_line(
    client: Client, claims: dict[str, Any], why: str
) -> None:
    shown = client.provider.service_account_token(**claims)
    client.write(client.subject_file, shown)

    with pytest.raises(RejectedError, match=why) as caught:
        client.by_subject().read()

    assert caught.value.status == 400
    assert str(client.subject_file) in str(caught.value)
    assert shown not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_secret_is_refused_in_one_line_without_it(client: Client) -> None:
    client.provider.clients["fermata"] = "another"

    with pytest.raises(RejectedError, match="401 UNAUTHORIZED: invalid_client: no") as caught:
        client.by_secret().read()

    assert SECRET not in str(caught.value)
    assert str(client.secret_file) in str(caught.value)


def test_a_client_without_federation_is_refused(client: Client) -> None:
    client.provider.trusts_service_accounts = False

    with pytest.raises(RejectedError, match="unauthorized_client: this client has no federation"):
        client.by_subject().read()


@pytest.mark.parametrize(
    ("description", "why"),
    [
        pytest.param({"issuer": "https://evil.example"}, "its issuer says", id="another issuer"),
        pytest.param({"token_endpoint": None}, "no token_endpoint", id="no endpoint"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    client: Client, description: dict[str, object], why: str
) -> None:
    client.provider.description = description

    with pytest.raises(RejectedError, match=why):
        client.by_secret().read()

    assert client.provider.forms == []


@pytest.mark.parametrize("where", ["issuer", "token_endpoint"])
def test_plain_http_is_refused_but_on_loopback(client: Client, where: str) -> None:
    plain = "http://idp.example/realms/data"
    client.provider.description = {"token_endpoint": plain}
    token = client.by_secret(issuer=plain) if where == "issuer" else client.by_secret()

    with pytest.raises(SettingsError, match=rf"{where} {plain} is plain http"):
        token.read()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
def test_a_redirect_is_refused(httpserver: HTTPServer, client: Client, path: str) -> None:
    url = httpserver.url_for("").rstrip("/")
    known = {"issuer": url, "token_endpoint": f"{url}/token"}
    headers = {"Location": "https://evil.example/"}
    if path == "/token":
        httpserver.expect_request("/.well-known/openid-configuration").respond_with_json(known)
    httpserver.expect_request(path).respond_with_data("", 302, headers=headers)

    with pytest.raises(RejectedError, match=r"redirect to https://evil\.example/ refused"):
        client.by_secret(issuer=url).read()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param({"access_token": "x y"}, "no access_token", id="no token"),
        pytest.param({"access_token": "x", "token_type": "DPoP"}, "no bearer token", id="DPoP"),
        pytest.param(["x"], "no access_token", id="no object"),
    ],
)
def test_an_answer_without_a_bearer_token_is_refused(
    httpserver: HTTPServer, client: Client, answer: object, why: str
) -> None:
    url = httpserver.url_for("").rstrip("/")
    known = {"issuer": url, "token_endpoint": f"{url}/token"}
    httpserver.expect_request("/.well-known/openid-configuration").respond_with_json(known)
    httpserver.expect_request("/token").respond_with_json(answer)

    with pytest.raises(RejectedError, match=why):
        client.by_secret(issuer=url).read()


def test_a_provider_that_is_not_there_may_be_asked_again(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    with pytest.raises(UnavailableError, match="no connection"):
        client.by_secret(issuer=f"http://127.0.0.1:{port}").read()


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        pytest.param(lambda file: file.write_text(""), "empty", id="empty"),
        pytest.param(lambda file: (file.unlink(), file.mkdir()), "Is a directory", id="a folder"),
        pytest.param(lambda file: file.unlink(), "No such file", id="missing"),
        pytest.param(lambda file: file.write_text("x" * 70_000), "more than", id="too large"),
        pytest.param(lambda file: os.truncate(file, 0), "empty", id="cut"),
    ],
)
@pytest.mark.parametrize("kind", ["secret", "subject"])
def test_a_file_that_is_no_good_is_named_and_nothing_is_sent(
    client: Client, kind: str, break_it: "object", why: str
) -> None:
    file = client.secret_file if kind == "secret" else client.subject_file
    break_it(file)  # type: ignore[operator]

    with pytest.raises(SettingsError, match=why) as caught:
        (client.by_secret() if kind == "secret" else client.by_subject()).read()

    assert str(file) in str(caught.value)
    assert client.provider.forms == []


def test_no_error_repeats_a_secret(client: Client) -> None:
    """The provider of these tests repeats what it is sent, as some do."""
    shown = client.provider.service_account_token(aud="other")
    client.write(client.subject_file, shown)
    client.provider.clients.clear()

    messages = []
    ways = (
        client.by_secret(),
        client.by_subject("token-exchange"),
        client.by_subject("jwt-bearer"),
    )
    for token in ways:
        with pytest.raises(FermataError) as caught:
            token.read()
        messages.append(f"{caught.value!r} {caught.value.__cause__!r} {token.described}")

    assert not any(SECRET in text or shown in text for text in messages)
