"""Any schedule: who starts, goes on, is killed or gets no answer, in any order.

One table says what may happen; whoever drives a schedule chooses from it: Hypothesis (which
shortens what it finds), or plain dice (which are ten times as fast). The world checks the
properties after each step; at the end everybody is killed, and the watch alone must bring every
DAG to what it is due.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from fakes.ledger_world.actors import Actor, How, Kind
from fakes.ledger_world.world import LATE, LEASE, World
from fermata_hooks.ledger import CLOCKS_DIFFER, WINDOW, LogMode

T = TypeVar("T")

MOST_ACTORS = {False: 4, True: 2}  # in a narrow schedule there is little else
STEPS = 50
SOME = tuple(range(12))
BOTH = (True, False)
REVISIONS = ("r1", "r1", "r1", "r2")
SKEWS = (0.0, 0.0, 0.0, 9.0, -9.0, 500.0, -500.0)

SITUATIONS: tuple[tuple[LogMode, str], ...] = (
    *(("values", "3.3"), ("values", "3.3"), ("values", "3.1"), ("values", "2.11")),
    *(("order", "3.0"), ("unreadable", "3.3"), ("unreadable", "3.1")),
)
TABLE: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "hold": {
        "application": "AB",
        "revision": REVISIONS,
        "all_of_them": BOTH,
        "skew": SKEWS,
    },
    "release": {"application": "AB", "revision": REVISIONS, "waits": BOTH, "skew": SKEWS},
    "watch": {"gone": ("", "A", "B"), "settles": BOTH, "skew": SKEWS},
    "go_on": {"which": SOME, "steps": tuple(range(1, 13))},
    "go_on_until": {
        "which": SOME,
        "kind": ("answer", "answer", "look", "log", "replace", "send", "read"),
        "beyond": BOTH,
    },
    "go_on_to_the_end": {"which": SOME},
    "go_wrong": {
        "which": SOME,
        "how": ("fail", "lose", "lose", "late", "refuse", "unreachable", "early"),
    },
    "end": {"which": SOME, "gently": (False, False, True)},
    "person": {"which": SOME, "paused": BOTH, "at_once": (True, True, False)},
    "land": {"which": SOME},
    "time_passes": {
        "seconds": (
            *(5.0, WINDOW + 5.0, LATE / 2, LATE - 50.0),
            *(LATE + WINDOW + CLOCKS_DIFFER + 31.0, LEASE),
        )
    },
}
NOISE = ("go_wrong", "end", "person", "land", "time_passes")
DICE = (
    *("hold", "hold", "release", "watch"),
    *("go_on", "go_on", "go_on", "go_on_until", "go_on_until"),
    *("go_on_to_the_end", "go_on_to_the_end", "go_on_to_the_end"),
    *NOISE,
)


class Choose(Protocol):
    """Whoever drives a schedule."""

    def __call__(self, choices: Sequence[T], /) -> T:
        """Return one of ``choices``."""


class Schedule:
    """One or two DAGs, two applications, and everything that may go wrong."""

    def __init__(self, choose: Choose, *, ledger_of: Callable[[str], str] | None = None) -> None:
        """Begin with nothing, or in the middle of something.

        A narrow schedule has one DAG, few actors and clocks that agree: it goes deeper.
        """
        mode, dialect = choose(SITUATIONS)
        self._narrow = choose(BOTH)
        dag_ids = "d" if self._narrow else choose(("d", "d", "de"))
        self._ledger_of = ledger_of or (lambda _: "ledger")
        self.world = World(
            dag_ids,
            mode=mode,
            dialect=dialect,
            paused="" if self._narrow else choose(("", "", "", "d")),
            ledger_of=self._ledger_of,
        )
        self._landing = Random(choose(range(100)))  # noqa: S311 - what lands at the very end
        self._noise = [name for name in NOISE if choose(BOTH)]
        self._begin(choose(range(6)), dag_ids)

    def _begin(self, already: int, dag_ids: str) -> None:
        if not already:
            return
        hold = self.world.hold("A", dag_ids)
        while hold.awake and (already > 2 or not hold.before("answer")):
            hold.go()
        if already < 3 and hold.awake:
            hold.go("go" if already == 1 else "lose")
        if already > 4:
            self.world.release("A")

    def go_on_by(self, choose: Choose) -> None:
        """Let one more thing happen, if it makes sense now."""
        name = choose(DICE)
        if (name in NOISE and name not in self._noise) or not self._may(name):
            return
        chosen = {what: choose(choices) for what, choices in TABLE[name].items()}
        if self._narrow and "skew" in chosen:
            chosen["skew"] = 0.0
        getattr(self, name)(**chosen)

    def come_to_rest(self) -> None:
        """End the schedule; nothing of it stays behind."""
        try:
            if not self.world.broken and self.world.crashed is None:
                self.world.rest(lambda: self._landing.random() < 0.3)
        finally:
            self.world.end()

    def _may(self, name: str) -> bool:
        if name in ("hold", "release", "watch"):
            return len(self.world.alive()) < MOST_ACTORS[self._narrow]
        if name == "land":
            return bool(self.world.in_flight() or self.world.late)
        return name in ("person", "time_passes") or bool(self.world.alive())

    def _actor(self, which: int) -> Actor:
        alive = self.world.alive()
        return alive[which % len(alive)]

    # What may happen.

    def hold(self, application: str, revision: str, skew: float, *, all_of_them: bool) -> None:
        dag_ids = sorted(self.world.paused)
        wanted = dag_ids if all_of_them else dag_ids[:1]
        self.world.hold(application, wanted, revision=revision, skew=skew)

    def release(self, application: str, revision: str, skew: float, *, waits: bool) -> None:
        self.world.release(application, revision=revision, waits=waits, skew=skew)

    def watch(self, gone: str, skew: float, *, settles: bool) -> None:
        if settles:
            self.world.watch(*gone, skew=skew)
        else:
            self.world.end_holds(*gone, skew=skew)

    def go_on(self, which: int, steps: int) -> None:
        actor = self._actor(which)
        for _ in range(steps):
            if actor.alive:
                actor.go()

    def go_on_until(self, which: int, kind: Kind, *, beyond: bool) -> None:
        actor = self._actor(which)
        while actor.awake and not actor.before(kind):
            actor.go()
        if beyond and actor.awake:
            actor.go()

    def go_on_to_the_end(self, which: int) -> None:
        self._actor(which).on()

    def go_wrong(self, which: int, how: How) -> None:
        self._actor(which).go(how)

    def end(self, which: int, *, gently: bool) -> None:
        if gently:
            self._actor(which).terminate()
        else:
            self._actor(which).kill()

    def person(self, which: int, *, paused: bool, at_once: bool) -> None:
        dag_ids = sorted(self.world.paused)
        request = self.world.person_asks(dag_ids[which % len(dag_ids)], paused=paused)
        if at_once:
            self.world.land(request)

    def land(self, which: int) -> None:
        requests = self.world.in_flight()
        if self.world.late and not (requests and which % 2):
            self.world.replace_late()
        else:
            self.world.land(requests[which % len(requests)])

    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)


def roll(seed: int, *, ledger_of: Callable[[str], str] | None = None) -> None:
    """Run the schedule that the dice of this ``seed`` say; raise ``BrokenError`` if it breaks."""
    dice = Random(seed)  # noqa: S311 - the same schedule for the same seed
    schedule = Schedule(dice.choice, ledger_of=ledger_of)
    try:
        for _ in range(STEPS):
            schedule.go_on_by(dice.choice)
    finally:
        schedule.come_to_rest()
