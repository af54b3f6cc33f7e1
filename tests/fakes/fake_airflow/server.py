"""Real HTTP on loopback in front of the fake: parses, orders faults about, writes answers."""

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fakes.fake_airflow.faults import Fault
from fakes.fake_airflow.routes import Reply, Routes, WireRequest

if TYPE_CHECKING:
    from fakes.fake_airflow.state import FakeAirflow

WAIT_LIMIT = 30.0  # seconds that a held answer is held at most, should a test forget it


class Server:
    """A server in a thread; a fresh port for each start."""

    def __init__(self, airflow: "FakeAirflow") -> None:
        self._airflow = airflow
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._http is None:
            raise RuntimeError("the fake serves inside a with block only")
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Listen."""
        self._http = _Http(self._airflow)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and close what is open."""
        if self._http is None or self._thread is None:
            return
        self._http.shutdown()
        self._thread.join()
        self._http.close_connections()
        self._http.server_close()
        bugs, self._http = self._http.bugs, None
        if bugs:
            raise RuntimeError(f"the fake Airflow has a bug: {bugs[0]!r}") from bugs[0]


class _Http(ThreadingHTTPServer):
    request_queue_size = 64  # with the usual 5, eight clients at once lose a second each
    daemon_threads = False
    block_on_close = True

    def __init__(self, airflow: "FakeAirflow") -> None:
        super().__init__((airflow.host, 0), _Handler)
        self.airflow = airflow
        self.routes = Routes(airflow)
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self.bugs: list[BaseException | None] = []

    def process_request(self, request: object, client_address: object) -> None:
        if isinstance(request, socket.socket):
            with self._open_lock:
                self._open.add(request)
                self.airflow.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]

    def close_connections(self) -> None:
        """Close connections that clients keep open, so that their threads end."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Keep a bug of the fake for ``stop``; a client that leaves early is no bug."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.bugs.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # an answer leaves in one piece; in two, the client's kernel waits 40 ms
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: ``FakeAirflow.requests`` has it."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Write the status line, without http.server's own Date and Server."""
        self.send_response_only(code, message)

    def _serve(self) -> None:
        request = self._read()
        airflow = self.server.airflow
        with airflow.lock:
            airflow.requests.append(f"{self.command} {self.path}")
            airflow.headers.append(request.headers)
        fault = airflow.faults.take(self.command, self.path)
        if fault is None:
            self._write(self._effect(request)())
        else:
            self._go_wrong(fault, request)

    def _read(self) -> WireRequest:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        return WireRequest(
            method=self.command,
            segments=tuple(unquote(part) for part in parts.path.split("/")[1:]),
            path=parts.path,
            query=parts.query,
            headers={name.title(): value for name, value in self.headers.items()},
            body=body,
        )

    def _effect(self, request: WireRequest) -> Callable[[], Reply]:
        def effect() -> Reply:
            with self.server.airflow.lock:
                return self.server.routes.answer(request)

        return effect

    def _go_wrong(self, fault: Fault, request: WireRequest) -> None:
        reply = None
        if fault.effect == "now" or fault.answer == "real":
            reply = self._effect(request)()
        elif fault.effect == "later":
            self.server.airflow.faults.put_off(self._effect(request))
        if fault.wait is not None:
            fault.wait.wait(WAIT_LIMIT)
        if fault.answer == "real" and reply is not None:
            self._write(reply)
        elif isinstance(fault.answer, int):
            self._write(Reply(fault.answer, fault.body, dict(fault.headers)))
        else:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        airflow = self.server.airflow
        self.send_response(reply.status)
        if airflow.sends_date:
            self.send_header("Date", formatdate(airflow.now(), usegmt=True))
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        if airflow.release.generation == 2:  # gunicorn's workers end each connection
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
