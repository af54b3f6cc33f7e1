"""Composer: Google's own client, with a service account whose token endpoint is on loopback."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer

from fermata_hooks.identity import GoogleToken
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

KEY = RSAKey.generate_key(2048, private=True)


@pytest.fixture
def account(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A service account's key in the file that Google's client looks for."""
    file = tmp_path / "account.json"
    content = {
        "type": "service_account",
        "project_id": "data",
        "client_email": "fermata@data.iam.gserviceaccount.com",
        "private_key": KEY.as_pem(private=True).decode(),
        "token_uri": httpserver.url_for("/token"),
    }
    file.write_text(json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return httpserver


def test_the_accounts_token_is_kept_and_renewed_when_it_is_refused(account: HTTPServer) -> None:
    for number in (1, 2):
        answer = {"access_token": f"ya29.{number}", "expires_in": 3600, "token_type": "Bearer"}
        account.expect_oneshot_request("/token").respond_with_json(answer)
    token = GoogleToken()

    first = token.read()
    kept = token.read()
    token.renew(first)

    assert first.reveal() == "ya29.1" == kept.reveal()
    assert token.read().reveal() == "ya29.2" == token.read().reveal()


def test_a_refusal_of_google_is_told_in_one_line(account: HTTPServer) -> None:
    answer = {"error": "invalid_grant", "error_description": "account not found"}
    account.expect_request("/token").respond_with_json(answer, status=400)

    with pytest.raises(RejectedError, match="invalid_grant") as caught:
        GoogleToken().read()

    assert "\n" not in str(caught.value)


def test_a_google_that_is_not_there_may_be_asked_again(account: HTTPServer, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    gone = json.loads(file.read_text()) | {"token_uri": "http://127.0.0.1:1/token"}
    file.write_text(json.dumps(gone))

    with pytest.raises(UnavailableError, match="application default credentials"):
        GoogleToken().read()

    assert account.log == []


@pytest.mark.parametrize("content", ["", "{}"])
def test_a_file_that_is_no_account_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = tmp_path / "account.json"
    file.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    with pytest.raises(SettingsError, match="application default credentials"):
        GoogleToken().read()
