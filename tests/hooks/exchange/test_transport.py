"""One exchange is bounded in time and size, and takes nothing from the machine around it."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from fakes.manual_clock import ManualClock
from fermata_hooks.clock import SystemClock
from fermata_hooks.exchange import NotSentError, Request, Transport
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

GET = Request(method="GET", path="/x")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Talk = Callable[[socket.socket, threading.Event], None]


@contextmanager
def raw_server(talk: Talk) -> Iterator[str]:
    """Yield the address of a server that answers every connection with ``talk``.

    The event is set when the test is over.
    """
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            while not over.is_set():
                connection, _ = listening.accept()
                with connection:
                    if not over.is_set():
                        connection.recv(2**16)
                        talk(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


@contextmanager
def transport(url: str, *, timeout: float = 5.0) -> Iterator[Transport]:
    clock = SystemClock(Termination())
    made = Transport(url, service="Airflow", clock=clock, timeout=timeout)
    try:
        yield made
    finally:
        made.close()


def say_nothing(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def test_a_server_that_says_nothing_is_given_up() -> None:
    with (
        raw_server(say_nothing) as url,
        transport(url, timeout=0.2) as to,
        pytest.raises(UnavailableError, match=rf"^GET {url}/x: no answer within 0.2s$"),
    ):
        to.send(GET)


def test_a_server_that_trickles_is_given_up() -> None:
    def trickle(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while not over.wait(0.05):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    with (
        raw_server(trickle) as url,
        transport(url, timeout=0.3) as to,
        pytest.raises(UnavailableError, match=r"no complete answer within 0\.3s \(\d bytes came\)"),
    ):
        to.send(GET)


def test_an_answer_that_breaks_off_is_none() -> None:
    def break_off(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")

    with (
        raw_server(break_off) as url,
        transport(url) as to,
        pytest.raises(UnavailableError, match=rf"^GET {url}/x: no answer: "),
    ):
        to.send(GET)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", id="a bad chunk"),
        pytest.param(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", id="no gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000, id="an endless header"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    with (
        raw_server(lambda connection, _: connection.sendall(answer)) as url,
        transport(url) as to,
        pytest.raises(UnavailableError, match=rf"^GET {url}/x: no answer") as caught,
    ):
        to.send(GET)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_an_answer_that_unfolds_is_bounded(httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    httpserver.expect_request("/x").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})

    with (
        transport(httpserver.url_for("")) as to,
        pytest.raises(RejectedError, match="larger than 1000 bytes"),
    ):
        to.send(Request(method="GET", path="/x", limit=1000))


def test_no_one_listening_means_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with (
        transport(f"http://127.0.0.1:{port}") as to,
        pytest.raises(NotSentError, match=r"no connection: Connection refused$"),
    ):
        to.send(GET)


def test_a_server_without_tls_is_not_an_unavailable_one(httpserver: HTTPServer) -> None:
    with (
        transport(httpserver.url_for("").replace("http:", "https:")) as to,
        pytest.raises(RejectedError, match=r"^GET https://.*/x: TLS: "),
    ):
        to.send(GET)


@pytest.mark.parametrize(
    "address", ["http://a..b", f"http://{'a' * 70}.example", "http://xn--a.example:99999"]
)
def test_an_address_that_nobody_can_call_is_refused_at_once(address: str) -> None:
    with pytest.raises(SettingsError), transport(address) as to:
        to.send(GET)


def test_nothing_is_taken_from_the_machine(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="ascii") as file:  # noqa: PTH123 - a fixture's object
        file.write("machine localhost login ann password hush\n")
    monkeypatch.setenv("NETRC", netrc)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    httpserver.expect_request("/x").respond_with_json({})

    with transport(httpserver.url_for("")) as to:
        to.send(GET)

    asked, _ = httpserver.log[0]
    assert "Authorization" not in asked.headers


def test_cookies_are_not_kept(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_json({}, headers={"Set-Cookie": "session=ann"})

    with transport(httpserver.url_for("")) as to:
        to.send(GET)
        to.send(GET)

    assert all("Cookie" not in asked.headers for asked, _ in httpserver.log)


def test_many_threads_may_send_at_once(httpserver: HTTPServer) -> None:
    def echo(asked: Asked) -> Response:
        return Response(asked.args["number"], content_type="application/json")

    httpserver.expect_request("/x").respond_with_handler(echo)

    def ask(number: int) -> object:
        request = Request(method="GET", path="/x", query=[("number", str(number))])
        return to.send(request).json()

    with transport(httpserver.url_for("")) as to, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(64)))

    assert answers == list(range(64))
    assert to.calls == {"airflow GET": 64}


def test_the_time_of_a_server_that_tells_none_is_ours(clock: ManualClock) -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with raw_server(lambda connection, _: connection.sendall(answer)) as url:
        to = Transport(url, service="Airflow", clock=clock, timeout=5)
        assert to.send(GET).at == clock.now()
        to.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
