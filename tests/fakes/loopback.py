"""A server of a test's own on loopback: in a thread, on a free port, for one ``with`` block."""

import threading
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer
from typing import Self


class OnLoopback(ABC):
    """What a fake that speaks HTTP begins with; it says which server is its own."""

    def __init__(self) -> None:
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _server(self) -> ThreadingHTTPServer:
        """Return a server that is bound to a port and serves nothing yet."""

    def __enter__(self) -> Self:
        self._http = self._server()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()

    @property
    def address(self) -> str:
        """The base address."""
        if self._http is None:
            raise RuntimeError("it serves inside a with block only")
        return f"http://127.0.0.1:{self._http.server_address[1]}"
