"""A service that takes the lines never holds a hook up."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fermata_hooks.audit import HttpSink

CONNECTION = 60.0  # what one would wait that waits for the answer


@pytest.fixture
def deaf() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def lines(count: int) -> list[bytes]:
    return [json.dumps({"n": number}).encode() + b"\n" for number in range(count)]


def test_lines_arrive_in_order_and_in_batches(httpserver: HTTPServer, tmp_path: Path) -> None:
    bodies: list[list[dict[str, int]]] = []
    seen: list[str] = []

    def take(request: Request) -> Response:
        bodies.append(json.loads(request.data))
        seen.append(request.headers["Authorization"])
        return Response("{}", content_type="application/json")

    httpserver.expect_request("/audit", method="POST").respond_with_handler(take)
    token = tmp_path / "token"
    token.write_text("abcdefgh\n")
    token.chmod(0o600)
    sink = HttpSink(httpserver.url_for("/audit"), token)

    for line in lines(250):
        sink.put(line)
    sink.close(patience=30)

    assert [row["n"] for body in bodies for row in body] == list(range(250))
    assert max(len(body) for body in bodies) <= 100
    assert set(seen) == {"Bearer abcdefgh"}
    assert sink.lost == 0


def test_a_batch_that_is_refused_once_is_sent_again(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/", method="POST").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/", method="POST").respond_with_data("{}")
    sink = HttpSink(httpserver.url_for("/"))

    sink.put(lines(1)[0])
    sink.close(patience=30)

    assert sink.lost == 0
    assert len(httpserver.log) == 2


@pytest.mark.slow
def test_one_that_hangs_is_not_waited_for_and_is_told(
    deaf: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink = HttpSink(deaf, timeout=CONNECTION)

    began = time.monotonic()
    for line in lines(3000):
        sink.put(line)
    sink.close()
    closed = time.monotonic() - began

    assert closed < CONNECTION / 2
    assert sink.lost > 2000
    assert "line(s) not taken by" in caplog.text


def test_a_sink_that_was_given_nothing_connects_to_nobody(deaf: str) -> None:
    HttpSink(deaf).close()
