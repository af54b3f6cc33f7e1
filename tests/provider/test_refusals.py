"""What Argo CD refuses, and answers that are none: each a named error of one line."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_connections import FakeConnection
from fakes.argocd_server import ArgoCdServer
from fermata_airflow.argocd import calls
from fermata_airflow.argocd._answers import refusal
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.endpoint import read_connection
from fermata_airflow.exceptions import (
    ArgoCDAuthenticationError,
    ArgoCDBusyError,
    ArgoCDError,
    ArgoCDNoOperationError,
    ArgoCDNotFoundError,
    ArgoCDPermissionError,
    ArgoCDRejectedError,
    ArgoCDRevisionError,
    ArgoCDSettingsError,
    ArgoCDSyncWindowError,
    ArgoCDUnavailableError,
    ArgoCDUnreadableAnswerError,
)

SHOP = Target("shop", "dags")


def test_an_application_that_is_missing_is_told_from_one_that_is_not_permitted(
    argocd: ArgoCdServer, client: Client
) -> None:
    with pytest.raises(ArgoCDNotFoundError, match="shop"):
        client.send(calls.get(SHOP))
    with pytest.raises(ArgoCDPermissionError, match="permission denied"):
        client.send(calls.get(Target("shop")))

    argocd.add("shop")
    argocd.rights.clear()
    with pytest.raises(ArgoCDPermissionError):
        client.send(calls.get(SHOP))


def test_a_project_that_is_not_the_applications_is_not_permitted(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")

    with pytest.raises(ArgoCDPermissionError):
        client.send(calls.get(Target("shop", "other")))


def test_a_revision_that_cannot_be_had_is_named(argocd: ArgoCdServer, client: Client) -> None:
    argocd.add("shop")
    argocd.refuses_revisions = {"nope"}

    with pytest.raises(ArgoCDRevisionError, match="unable to resolve 'nope'"):
        client.send(calls.sync(SHOP, SyncOrder(revision="nope")))


def test_a_revision_under_auto_sync_is_refused(argocd: ArgoCdServer, client: Client) -> None:
    argocd.add("shop", automated=True)

    with pytest.raises(ArgoCDRevisionError, match="auto-sync currently set to main"):
        client.send(calls.sync(SHOP, SyncOrder(revision="c" * 40)))


def test_a_closed_sync_window_is_named(argocd: ArgoCdServer, client: Client) -> None:
    argocd.add("shop")
    argocd.refuses_syncs = "cannot sync: blocked by sync window"

    with pytest.raises(ArgoCDSyncWindowError):
        client.send(calls.sync(SHOP, SyncOrder()))


def test_a_second_operation_and_one_that_is_not_there_are_told(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    with pytest.raises(ArgoCDNoOperationError):
        client.send(calls.terminate(SHOP))

    argocd.begin("shop")
    with pytest.raises(ArgoCDBusyError):
        client.send(calls.sync(SHOP, SyncOrder()))


def test_every_request_that_is_no_get_has_the_one_content_type(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    argocd.begin("shop")

    client.send(calls.terminate(SHOP))
    client.send(calls.patch(SHOP, json.dumps({"spec": {"syncPolicy": {"automated": None}}})))
    client.send(calls.sync(SHOP, SyncOrder()))


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        pytest.param(400, 9, "application is deleting", ArgoCDRejectedError, id="precondition"),
        pytest.param(401, 0, "", ArgoCDAuthenticationError, id="a proxy's 401"),
        pytest.param(403, 0, "<html>", ArgoCDPermissionError, id="a proxy's 403"),
        pytest.param(429, 8, "slow down", ArgoCDUnavailableError, id="too many"),
        pytest.param(500, 13, "internal", ArgoCDUnavailableError, id="internal"),
        pytest.param(502, 0, "<html>", ArgoCDUnavailableError, id="bad gateway"),
        pytest.param(504, 4, "deadline", ArgoCDUnavailableError, id="deadline"),
        pytest.param(302, 0, "", ArgoCDSettingsError, id="redirect"),
    ],
)
def test_an_answer_is_judged_by_its_code_before_its_status(
    status: int, code: int, words: str, kind: type[ArgoCDError]
) -> None:
    body = json.dumps({"code": code, "message": words}) if code else words

    error = refusal(calls.get(SHOP), status, body.encode())

    assert type(error) is kind
    assert "\n" not in str(error)
    assert str(error).startswith("application shop")


def test_long_words_of_argo_cd_are_cut_and_put_on_one_line() -> None:
    body = json.dumps({"code": 9, "message": "line\n" * 500})

    error = refusal(calls.get(SHOP), 400, body.encode())

    assert len(str(error)) < 450


Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers one connection with given bytes, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def answer(content: bytes) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(content)

    def start(content: bytes) -> int:
        threads.append(threading.Thread(target=answer, args=(content,)))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(timeout=10)
    listener.close()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", ArgoCDUnavailableError, id="cut"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>",
            ArgoCDUnreadableAnswerError,
            id="not JSON",
        ),
        pytest.param(b"", ArgoCDUnavailableError, id="nothing"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", ArgoCDUnavailableError, id="not HTTP"),
    ],
)
def test_an_answer_that_is_none_may_have_been_done(
    content: bytes, kind: type[ArgoCDUnavailableError], serve: Serve
) -> None:
    port = serve(content)
    given = FakeConnection("127.0.0.1", "http", port, "token")

    with Client(read_connection(given)) as client, pytest.raises(kind) as caught:
        client.send(calls.get(SHOP))

    assert caught.value.sent
    assert "\n" not in str(caught.value)


def test_an_answer_without_an_end_is_given_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fermata_airflow.argocd.client.check_size.__defaults__", (1000,))
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000)

    with (
        Client(read_connection(FakeConnection("127.0.0.1", "http", port, "token"))) as client,
        pytest.raises(ArgoCDUnreadableAnswerError, match="more than 1000 bytes"),
    ):
        client.send(calls.get(SHOP))


def test_a_server_that_is_not_there_was_not_asked() -> None:
    given = FakeConnection("127.0.0.1", "http", 1, "token")

    with (
        Client(read_connection(given)) as client,
        pytest.raises(ArgoCDUnavailableError) as caught,
    ):
        client.send(calls.get(SHOP))

    assert not caught.value.sent


def test_a_file_of_wrong_certificates_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    given = FakeConnection("h", None, None, "token", {"ca_file": str(wrong)})

    with pytest.raises(ArgoCDSettingsError, match=r"ca\.pem"):
        Client(read_connection(given))
