"""SIGTERM as Kubernetes sends it: leave soon, but not in the middle of the book-keeping.

Python as PID 1 ignores SIGTERM unless a handler is installed. Ours raises ``TerminatedError`` in
the main thread wherever it is, so that even a request that hangs is left; inside ``shield()`` it
waits until the block is done, because a pause that was sent must be written down first.

The handler takes no lock, so that it cannot wait for the very code that it interrupts: with a
``threading.Event`` a signal that comes as somebody begins to wait for it hangs for ever (seen).
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fermata_spec.errors import TerminatedError

NOTICE = 0.2  # seconds within which a sleep inside a shield, or in a thread, sees a SIGTERM


class Termination:
    """Whether SIGTERM came; made once by the outermost frame, and passed down."""

    def __init__(self) -> None:
        self._came = False
        self._shields = 0

    @property
    def requested(self) -> bool:
        """Whether SIGTERM has come (asked inside ``shield`` before each new request)."""
        return self._came

    def install(self) -> None:
        """Handle SIGTERM from now on; main thread only."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def request(self) -> None:
        """Behave as if SIGTERM had come, without a signal."""
        self._came = True

    def acknowledge(self) -> None:
        """Take a SIGTERM as heard: what follows is the unwinding, which only another one ends."""
        self._came = False

    def check(self) -> None:
        """Raise ``TerminatedError`` if SIGTERM has come and no shield is up."""
        if self._came and not self._shields:
            raise TerminatedError("terminated by SIGTERM")

    def wait(self, seconds: float) -> None:
        """Sleep for ``seconds``; raise ``TerminatedError`` as soon as SIGTERM has come."""
        ends = time.monotonic() + seconds
        while not self._came and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, NOTICE))
        self.check()

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let the block finish; SIGTERM takes effect when the outermost one is left."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self.check()

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._came = True
        self.check()
