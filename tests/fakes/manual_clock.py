"""A clock that moves only when somebody sleeps on it."""


class ManualClock:
    """Starts at ``start`` seconds since the epoch; ``naps`` are the sleeps that were asked for."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self.naps: list[float] = []

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return the same seconds: this clock never goes back."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by ``seconds``, at once."""
        self.naps.append(seconds)
        self._now += seconds
