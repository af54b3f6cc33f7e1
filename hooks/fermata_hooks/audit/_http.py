"""Lines to an HTTP service as well: in batches, by a thread, and never in anybody's way.

The lines are on a file or a stream already. The queue is bounded; what does not fit, or is not
taken in time, is counted and told. Closing waits for two seconds at most.
"""

import json
import logging
import queue
import threading
import time
from pathlib import Path

from fermata_hooks.clock import SystemClock
from fermata_hooks.exchange import Request, Transport, bearer, read_secret
from fermata_hooks.termination import Termination
from fermata_spec.errors import FermataError

QUEUE = 1000  # lines
BATCH = 100
TIMEOUT = 2.0  # seconds for one request
PATIENCE = 2.0  # seconds that closing may take
FIRST_PAUSE = 0.1  # seconds before the second attempt; doubled each time
LONGEST_PAUSE = 5.0

log = logging.getLogger("fermata.audit")


class HttpSink:
    """``POST`` of a JSON list of lines to ``url``; with a bearer token if there is a file of one.

    A batch is repeated until it is taken: the service may see a line twice, and tells by its hash.
    """

    def __init__(
        self, url: str, token_file: Path | None = None, *, timeout: float = TIMEOUT
    ) -> None:
        self._token_file = token_file
        clock = SystemClock(Termination())
        self._transport = Transport(url, service="Audit", clock=clock, timeout=timeout)
        self._queue: queue.Queue[bytes] = queue.Queue(QUEUE)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._why = ""
        self.lost = 0

    def put(self, line: bytes) -> None:
        """Take a line; never waits."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self.lost += 1

    def close(self, patience: float = PATIENCE) -> None:
        """Wait for what is still to be sent, but not for long; say what was not."""
        if self._thread is None:
            return
        self._closing.set()
        self._thread.join(patience)
        if self._thread.is_alive():
            self.lost += max(1, self._queue.qsize())
        if self.lost:
            log.warning(
                "audit: %d line(s) not taken by %s: %s", self.lost, self._transport.url, self._why
            )

    def _run(self) -> None:
        while batch := self._next():
            self._deliver(batch)

    def _next(self) -> list[bytes]:
        """Return the next lines; none when the sink is closing and nothing is left."""
        batch: list[bytes] = []
        while not batch:
            try:
                batch.append(self._queue.get(timeout=0.05))
            except queue.Empty:
                if self._closing.is_set():
                    return []
        while len(batch) < BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _deliver(self, batch: list[bytes]) -> None:
        pause = FIRST_PAUSE
        ends: float | None = None
        while True:
            try:
                self._send(batch)
            except FermataError as exc:
                self._why = str(exc)
            else:
                return
            if self._closing.is_set():
                ends = ends or time.monotonic() + PATIENCE
                if time.monotonic() > ends:
                    self.lost += len(batch)
                    return
            self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _send(self, batch: list[bytes]) -> None:
        headers = {}
        if self._token_file is not None:
            headers = bearer(read_secret(self._token_file, "audit token file"))
        body = [json.loads(line) for line in batch]
        self._transport.send(Request(method="POST", path="", body=body, headers=headers))
