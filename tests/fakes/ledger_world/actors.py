"""An actor: real code in a thread that runs only while it holds the baton."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from fermata_hooks.airflow_api import NotSentError
from fermata_hooks.termination import Termination
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

if TYPE_CHECKING:
    from fakes.ledger_world.world import World

T = TypeVar("T")
Kind = Literal["read", "replace", "look", "log", "send", "answer", "sleep"]
How = Literal["go", "fail", "lose", "late", "refuse", "unreachable", "early"]

HANGS_AFTER = 20.0  # seconds of real time: an actor that does not come back is a bug of the test


class Killed(BaseException):
    """The process is gone; no code of it runs any more."""


@dataclass(frozen=True)
class Call:
    """What an actor is parked before; ``wake``: until when it sleeps."""

    kind: Kind
    about: str = ""
    wake: float = 0.0


class Actor:
    """One process: ``body`` in a thread, from one call of a port to the next."""

    def __init__(self, world: "World", name: str, body: Callable[["Actor"], object]) -> None:
        self.name = name
        self.termination = Termination()
        self.call: Call | None = None
        self.result: object = None
        self.error: BaseException | None = None
        self.looked: dict[str, int] = {}  # when it last read a DAG's state
        self.application = ""
        self.token = ""
        self.wanted: Collection[str] = ()
        self.had_hold = False
        self.lost_hold = False
        self.skew = 0.0
        self._world = world
        self._body = body
        self._how: How = "go"
        self._baton, self._parked = threading.Lock(), threading.Lock()
        self._baton.acquire()
        self._parked.acquire()
        self._dying = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._wait()

    # What the test does with it.

    @property
    def alive(self) -> bool:
        """Whether it is parked somewhere."""
        return self.call is not None

    @property
    def awake(self) -> bool:
        """Whether it is parked, and not because it sleeps."""
        return self.call is not None and self.call.kind != "sleep"

    def before(self, *kinds: str) -> bool:
        """Return whether it is parked before a call of one of these kinds."""
        return self.call is not None and self.call.kind in kinds

    def go(self, how: How = "go") -> "Actor":
        """Let it make the call that it is parked before, and run to the next one."""
        assert self.call is not None, f"{self.name} has ended"
        if self.call.kind == "sleep":
            self._world.wake(self.call.wake)
        self._how = how
        self._baton.release()
        self._wait()
        self._world.check(f"{self.name} {how}")
        return self

    def until(self, *kinds: Kind, times: int = 1) -> "Actor":
        """Go on until it is parked before a call of one of these kinds (the ``times``-th)."""
        while True:
            if self.before(*kinds):
                times -= 1
                if not times:
                    return self
            assert self.alive, f"{self.name} ended before {kinds}: {self.error or self.result}"
            self.go()

    def on(self) -> "Actor":
        """Go on until it ends or wants to sleep."""
        while self.awake:
            self.go()
        return self

    def finish(self, *, most: int = 500) -> "Actor":
        """Go on until it ends; an error that nobody expects is raised."""
        self.run(most=most)
        if self.error is not None:
            raise self.error
        return self

    def run(self, *, most: int = 500) -> "Actor":
        """Go on until it ends, well or with one of our errors (in ``error``)."""
        for _ in range(most):
            if not self.alive:
                return self
            self.go()
        raise AssertionError(f"{self.name} does not come to an end: {self.call}")

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more; what it has sent may still land."""
        if self.call is None:
            return
        self._world.abandoned(self)
        self._dying = True
        self._baton.release()
        self._wait()

    def terminate(self) -> "Actor":
        """SIGTERM: it finishes its book-keeping when it goes on."""
        self.termination.request()
        return self

    # What the ports do for it, in its own thread.

    def park(self, call: Call, perform: Callable[[How], T]) -> T:
        """Wait for the baton, then make the call as the test says."""
        if self._dying:
            raise Killed
        self.call = call
        self._parked.release()
        self._baton.acquire()
        self.call = None
        if self._dying:
            raise Killed
        return perform(self._how)

    def _run(self) -> None:
        try:
            self.result = self._body(self)
        except (FermataError, Killed) as exc:
            self.error = exc
        except BaseException as exc:  # noqa: BLE001 - the test's own thread raises it
            self.error = exc
            self._world.crashed = exc
        self.call = None
        self._parked.release()

    def _wait(self) -> None:
        assert self._parked.acquire(timeout=HANGS_AFTER), f"{self.name} hangs"
        if self._world.crashed is not None:
            raise self._world.crashed


def failed(how: How) -> None:
    """Raise what a port raises when a call did not happen."""
    if how == "unreachable":
        raise NotSentError("no connection")
    if how == "refuse":
        raise RejectedError("403: forbidden", status=403)
    if how == "fail":
        raise UnavailableError("503: try again")
