"""What gives no answer is told of once, and once more when it answers again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fermata_hooks.clock import Clock
from fermata_spec.errors import FermataError, RejectedError, SettingsError, UnavailableError
from fermata_spec.units import format_duration

log = logging.getLogger("fermata.watch")


class Outages:
    """Since when which of our neighbours cannot be worked with, and why."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self.why: dict[str, FermataError] = {}

    @contextmanager
    def of(self, neighbour: str) -> Iterator[None]:
        """Do something with ``neighbour``; an expected failure is noted, told once, and raised."""
        try:
            yield
        except (UnavailableError, RejectedError, SettingsError) as exc:
            self._note(neighbour, exc)
            raise
        self._over(neighbour)

    @contextmanager
    def tolerated(self, neighbour: str) -> Iterator[None]:
        """Do as ``of`` does, and go on after a failure: what was to be done waits for next time."""
        try:
            with self.of(neighbour):
                yield
        except (UnavailableError, RejectedError, SettingsError):
            return

    def since(self, neighbour: str) -> float | None:
        """Return since when ``neighbour`` cannot be worked with; None: it can."""
        return self._since.get(neighbour)

    def _note(self, neighbour: str, exc: FermataError) -> None:
        if neighbour not in self._since:
            self._since[neighbour] = self._clock.monotonic()
            what = "unavailable" if isinstance(exc, UnavailableError) else "refuses"
            log.warning("%s: %s, tried again each period: %s", neighbour, what, exc)
        self.why[neighbour] = exc

    def _over(self, neighbour: str) -> None:
        since = self._since.pop(neighbour, None)
        if since is not None:
            lasted = format_duration(self._clock.monotonic() - since)
            log.info("%s: available again after %s", neighbour, lasted)
            self.why.pop(neighbour, None)
