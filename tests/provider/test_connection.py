"""What an Airflow connection of type ``argocd`` says, and what it may not say."""

from pathlib import Path

import pytest

from airflow_connections import FakeConnection
from fermata_airflow.argocd.endpoint import DEFAULT_TIMEOUT, read_connection
from fermata_airflow.exceptions import ArgoCDSettingsError

SECRET = "a-secret-token"


def connection(host: str = "argocd.example", **extra: object) -> FakeConnection:
    return FakeConnection(host, None, None, SECRET, dict(extra))


def test_a_host_and_a_token_are_enough_and_certificates_are_verified() -> None:
    endpoint = read_connection(connection())

    assert endpoint.url == "https://argocd.example"
    assert endpoint.verify
    assert endpoint.trust() is True
    assert endpoint.timeout == DEFAULT_TIMEOUT
    assert endpoint.token.read() == SECRET


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param(connection("https://argocd.example/"), "https://argocd.example", id="URL"),
        pytest.param(connection("http://argocd:8080"), "http://argocd:8080", id="plain, with port"),
        pytest.param(
            connection("https://example/argo/"), "https://example/argo", id="root path in the host"
        ),
        pytest.param(connection(root_path="/argo"), "https://argocd.example/argo", id="root path"),
        pytest.param(FakeConnection("h", "http", 80, SECRET), "http://h:80", id="fields"),
        pytest.param(connection("[::1]:8443"), "https://[::1]:8443", id="IPv6"),
    ],
)
def test_the_address_is_put_together_from_what_is_given(given: FakeConnection, url: str) -> None:
    assert read_connection(given).url == url


def test_empty_fields_of_the_form_are_not_set() -> None:
    extra = dict.fromkeys(("token_file", "ca_file", "project", "timeout", "verify"), "")

    endpoint = read_connection(connection(**extra))

    assert endpoint.verify
    assert endpoint.ca_file is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(connection(""), "host: missing", id="no host"),
        pytest.param(connection("ftp://x"), "schema ftp: https or http", id="scheme"),
        pytest.param(connection("https://u:p@x"), "host: holds a user", id="password in the host"),
        pytest.param(connection(tokenfile="/t"), "did you mean token_file?", id="typo"),
        pytest.param(connection(ca_file="ca.pem"), "ca_file: an absolute path", id="relative path"),
        pytest.param(connection(verify="maybe"), "verify: true or false", id="flag"),
        pytest.param(connection(timeout="soon"), "timeout: seconds", id="timeout"),
        pytest.param(connection(project=3), "project: a text, not int", id="type"),
        pytest.param(connection(token_file="/t"), "exactly one, there are 2", id="two tokens"),
        pytest.param(FakeConnection(), "exactly one, there are 0", id="no token"),
        pytest.param(connection(dex_connector="k8s"), "both or neither", id="half an exchange"),
        pytest.param(
            connection(ca_file="/ca", verify=False), "ca_file and verify=false", id="contradiction"
        ),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is_shown(given: FakeConnection, told: str) -> None:
    with pytest.raises(ArgoCDSettingsError) as caught:
        read_connection(given)

    assert told in str(caught.value)
    assert str(caught.value).startswith("connection argocd_default: ")
    assert SECRET not in str(caught.value)
    assert "u:p" not in str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ArgoCDSettingsError) as caught:
        read_connection(FakeConnection("", None, None, None, {"timeout": -1, "x": ""}))

    for part in ("host", "timeout", "extra x: unknown", "exactly one"):
        assert part in str(caught.value)


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    endpoint = read_connection(connection(ca_file=str(tmp_path / "ca.pem")))

    with pytest.raises(ArgoCDSettingsError, match=r"ca\.pem"):
        endpoint.trust()


def test_an_endpoint_does_not_show_its_token() -> None:
    assert SECRET not in repr(read_connection(connection()))
