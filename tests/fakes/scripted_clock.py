"""A manual clock on which things happen: at set times, and at every nap."""

from collections.abc import Callable

from fakes.manual_clock import ManualClock


class ScriptedClock(ManualClock):
    """``after`` sets what happens when; ``each_nap`` is called whenever time has moved."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        super().__init__(start)
        self.started = start
        self.each_nap: Callable[[], object] = lambda: None
        self._script: list[tuple[float, Callable[[], object]]] = []

    @property
    def elapsed(self) -> float:
        """Return the seconds since the clock was made."""
        return self.now() - self.started

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let ``action`` happen ``seconds`` from now."""
        self._script.append((self.now() + seconds, action))
        self._script.sort(key=lambda entry: entry[0])

    def sleep(self, seconds: float) -> None:
        """Move on by ``seconds``, through everything that happens meanwhile."""
        ends = self.now() + seconds
        while self._script and self._script[0][0] <= ends:
            at, action = self._script.pop(0)
            super().sleep(max(at - self.now(), 0.0))
            action()
        super().sleep(ends - self.now())
        self.each_nap()
