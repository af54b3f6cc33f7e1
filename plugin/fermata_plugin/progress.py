"""How far a render has come, and how long each part took: told only where it takes too long."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fermata_spec.errors import UnavailableError
from fermata_spec.units import format_duration

# Argo CD gives a plugin 60 s, of which cloning, sending and unpacking the checkout take a part.
DEADLINE = 45.0


class Progress:
    """The parts of a render in their order; ``at`` names what is worked on."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []
        self._at = ""

    def begin(self, part: str) -> None:
        """Note that ``part`` begins, and that the one before it is done."""
        self._begun.append((part, time.monotonic()))
        self._at = ""

    def at(self, what: str) -> None:
        """Note what is worked on."""
        self._at = what

    def told(self) -> str:
        """Return the parts with their times: ``reading 0.4s, understanding 41s (dags/a.yaml)``."""
        ends = [*(at for _, at in self._begun[1:]), time.monotonic()]
        parts = [
            f"{part} {format_duration(end - at)}"
            for (part, at), end in zip(self._begun, ends, strict=True)
        ]
        return ", ".join(parts) + (f" ({self._at})" if self._at else "")


@contextmanager
def deadline(seconds: float, progress: Progress) -> Iterator[None]:
    """Raise ``UnavailableError`` in the block after ``seconds``; main thread only.

    An error that says what took the time, instead of being killed without a word.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise UnavailableError(f"not done after {format_duration(seconds)}: {progress.told()}")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
