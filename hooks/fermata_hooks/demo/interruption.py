"""Ctrl-C, SIGTERM and a closed terminal, at any moment: unwind once, and then let it be undone.

The first signal raises wherever the demo is. Later ones do nothing: what is being undone has
deadlines of its own, and cutting it short is what would leave something behind.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fermata_hooks.demo.processes import INTERRUPTIONS
from fermata_spec.errors import TerminatedError


class Interruption:
    """Whether a signal came; ``check`` raises again in case the exception got lost.

    Python drops an exception that is raised in a destructor or a callback, and a signal may come
    just then.
    """

    def __init__(self) -> None:
        self._came: signal.Signals | None = None

    def check(self) -> None:
        """Raise if a signal has come."""
        if self._came is not None:
            raise self._error()

    def over(self) -> None:
        """Take no notice of signals from now on: nothing is going to be undone any more."""
        for number in INTERRUPTIONS:
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._came is not None:
            return
        self._came = signal.Signals(number)
        os.write(sys.stderr.fileno(), b"\nstopping what was started\n")  # no buffer to collide with
        raise self._error()

    def _error(self) -> BaseException:
        if self._came is signal.SIGINT:
            return KeyboardInterrupt()
        return TerminatedError(f"terminated by {self._came.name if self._came else 'nobody'}")

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals in the block; main thread only."""
        before = {number: signal.signal(number, self._on_signal) for number in INTERRUPTIONS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
