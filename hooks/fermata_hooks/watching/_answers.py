"""What a kubelet and Prometheus ask: alive, ready, metrics."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import NamedTuple

from fermata_hooks.watching._metrics import CONTENT_TYPE
from fermata_spec.errors import SettingsError

PATIENCE = 10.0  # seconds for a client to say what it wants

Question = Callable[[], str]


class Address(NamedTuple):
    """Where to listen; an empty host is every address of the machine."""

    host: str
    port: int


class Questions(NamedTuple):
    """``alive`` and ``ready`` return what is wrong, empty: nothing; ``metrics`` all numbers."""

    alive: Question
    ready: Question
    metrics: Callable[[], bytes]


def parse_address(text: str) -> Address:
    """Return ``:8080``, ``127.0.0.1:8080`` or ``[::1]:8080`` as an address.

    Raises:
        SettingsError: it is none.

    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - ports end there
        raise SettingsError(f"--listen: {text!r} is not HOST:PORT, such as :8080")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


@contextmanager
def answering(address: Address, questions: Questions) -> Iterator[int]:
    """Answer while the block runs; yield the port.

    Raises:
        SettingsError: nobody may listen there, or somebody does already.

    """
    try:
        server = _Server(address, questions)
    except OSError as exc:
        shown = f"{address.host}:{address.port}"
        raise SettingsError(f"--listen: {shown}: {exc.strerror or exc}") from exc
    thread = threading.Thread(target=server.serve_forever, name="answers", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: Address, questions: Questions) -> None:
        self.questions = questions
        everywhere = not address.host and socket.has_dualstack_ipv6()
        is_ipv6 = everywhere or ":" in address.host
        self.address_family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        self._everywhere = everywhere
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        """Listen to IPv4 too where every address is meant: a kubelet may use either."""
        if self._everywhere:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)  # HTTPServer's own asks the DNS for the machine's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer ``/livez``, ``/readyz`` or ``/metrics``."""
        questions = self.server.questions
        match self.path.partition("?")[0]:
            case "/livez":
                self._answer(questions.alive())
            case "/readyz":
                self._answer(questions.ready())
            case "/metrics":
                self._write(HTTPStatus.OK, questions.metrics(), CONTENT_TYPE)
            case _:
                self._write(HTTPStatus.NOT_FOUND, b"/livez, /readyz, /metrics\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a kubelet asks every few seconds."""

    def _answer(self, problem: str) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
        self._write(status, f"{problem or 'ok'}\n".encode())

    def _write(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
