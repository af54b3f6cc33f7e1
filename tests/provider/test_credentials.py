"""Tokens: read when used, exchanged, renewed once when refused, never shown."""

from pathlib import Path

import pytest

from airflow_connections import FakeConnection, connection_to
from fakes.argocd_server import EXCHANGED, ArgoCdServer
from fakes.fake_argocd import TOKEN
from fakes.manual_clock import ManualClock
from fermata_airflow.argocd import calls
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.credentials import ExchangedToken
from fermata_airflow.argocd.endpoint import read_connection
from fermata_airflow.exceptions import (
    ArgoCDAuthenticationError,
    ArgoCDSettingsError,
    ArgoCDUnavailableError,
)


def exchanging(argocd: ArgoCdServer, folder: Path) -> FakeConnection:
    subject = folder / "service-account"
    subject.write_text("jwt-of-the-pod")
    extra = {"dex_token_file": str(subject), "dex_connector": "k8s"}
    return FakeConnection("127.0.0.1", "http", argocd.port, None, extra)


def test_a_token_file_is_read_for_every_request(argocd: ArgoCdServer, tmp_path: Path) -> None:
    given = connection_to(argocd, tmp_path)
    with Client(read_connection(given)) as client:
        client.send(calls.user())
        argocd.tokens = {"another"}
        Path(given.extra_dejson["token_file"]).write_text("another")

        assert client.send(calls.user())["loggedIn"]


def test_a_refused_token_of_a_file_that_did_not_change_is_an_error_of_its_own(
    argocd: ArgoCdServer, tmp_path: Path
) -> None:
    argocd.tokens = set()
    with (
        Client(read_connection(connection_to(argocd, tmp_path))) as client,
        pytest.raises(ArgoCDAuthenticationError, match="no session information") as caught,
    ):
        client.send(calls.user())

    assert len(argocd.requests) == 1
    assert TOKEN not in str(caught.value)


def test_a_service_accounts_token_is_exchanged_once_and_kept(
    argocd: ArgoCdServer, tmp_path: Path
) -> None:
    argocd.tokens.clear()
    with Client(read_connection(exchanging(argocd, tmp_path))) as client:
        for _ in range(3):
            client.send(calls.user())

    assert argocd.subjects == ["jwt-of-the-pod"]


def test_an_exchanged_token_that_ends_in_the_middle_is_exchanged_anew(
    argocd: ArgoCdServer, tmp_path: Path
) -> None:
    with Client(read_connection(exchanging(argocd, tmp_path))) as client:
        client.send(calls.user())
        argocd.tokens.clear()

        assert client.send(calls.user())["loggedIn"]

    assert len(argocd.subjects) == 2


def test_an_exchanged_token_is_renewed_before_it_ends(argocd: ArgoCdServer, tmp_path: Path) -> None:
    subject = tmp_path / "jwt"
    subject.write_text("jwt")
    clock = ManualClock()
    token = ExchangedToken(
        argocd.url, subject_file=subject, connector="k8s", ca_file=None, verify=True, now=clock.now
    )

    first = token.read()
    clock.sleep(3600 - 90)
    kept = token.read()
    clock.sleep(60)

    assert (first, kept, token.read()) == (f"{EXCHANGED}1", f"{EXCHANGED}1", f"{EXCHANGED}2")


def test_an_exchange_without_an_answer_may_be_tried_again(tmp_path: Path) -> None:
    subject = tmp_path / "jwt"
    subject.write_text("jwt")
    token = ExchangedToken(
        "http://127.0.0.1:1", subject_file=subject, connector="k8s", ca_file=None, verify=True
    )

    with pytest.raises(ArgoCDUnavailableError):
        token.read()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("two words", id="two words"),
        pytest.param("a\nb", id="two lines"),
        pytest.param("x" * 70_000, id="huge"),
        pytest.param("tökén", id="not ASCII"),
    ],
)
def test_a_file_that_holds_no_token_is_refused_without_showing_it(
    content: str, argocd: ArgoCdServer, tmp_path: Path
) -> None:
    given = connection_to(argocd, tmp_path)
    Path(given.extra_dejson["token_file"]).write_text(content)

    with (
        Client(read_connection(given)) as client,
        pytest.raises(ArgoCDSettingsError, match="argocd-token") as caught,
    ):
        client.send(calls.user())

    assert not content or content not in str(caught.value)
    assert argocd.requests == []


def test_a_token_file_that_is_not_there_is_named(argocd: ArgoCdServer, tmp_path: Path) -> None:
    given = connection_to(argocd, tmp_path, token_file=str(tmp_path / "gone"))

    with (
        Client(read_connection(given)) as client,
        pytest.raises(ArgoCDSettingsError, match="gone: No such file"),
    ):
        client.send(calls.user())
