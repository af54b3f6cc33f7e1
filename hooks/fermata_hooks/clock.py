"""Time as an argument: what reads the clock or sleeps takes a ``Clock``, so that no test sleeps."""

import time
from datetime import UTC, datetime
from typing import Protocol

from fermata_hooks.termination import Termination


class Clock(Protocol):
    """What the hooks ask of time; everything in seconds."""

    def now(self) -> float:
        """Return the seconds since the epoch, for records that others read."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines."""

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise ``TerminatedError`` as soon as SIGTERM arrives."""


class SystemClock:
    """The machine's clock; a SIGTERM ends a sleep at once (``TerminatedError``)."""

    def __init__(self, termination: Termination) -> None:
        self._termination = termination

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise ``TerminatedError`` as soon as SIGTERM arrives."""
        self._termination.wait(seconds)


def rfc3339(seconds: float) -> str:
    """Return ``seconds`` since the epoch as ``2026-11-24T13:08:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
