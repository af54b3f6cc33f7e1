"""Any schedule: who starts, goes on, is killed or gets no answer, in any order.

A state machine for Hypothesis over the real code. Each rule is one thing that may happen; the
world checks the properties after each, and at the end everybody is killed and the watch alone
must bring every DAG to what it is due.
"""

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fakes.ledger_world.actors import Actor, How
from fakes.ledger_world.world import LATE, LEASE, World
from fermata_hooks.ledger import CLOCKS_DIFFER, WINDOW, LogMode

MOST_ACTORS = 4
SITUATIONS: list[tuple[LogMode, str]] = [
    ("values", "3.3"),
    ("values", "3.1"),
    ("order", "3.0"),
    ("unreadable", "3.3"),
    ("unreadable", "3.1"),
]
WRONG: list[How] = ["fail", "lose", "late", "refuse", "unreachable", "early"]

some = st.integers(0, 11)
applications = st.sampled_from(["A", "B"])
revisions = st.sampled_from(["r1", "r1", "r2"])
skews = st.sampled_from([0.0, 0.0, 14.0, -14.0])


class Schedules(RuleBasedStateMachine):
    """One or two DAGs, two applications, and everything that may go wrong."""

    ledger_of: Callable[[str], str] = staticmethod(lambda _: "ledger")

    @initialize(
        situation=st.sampled_from(SITUATIONS),
        dag_ids=st.sampled_from(["d", "d", "de"]),
        paused=st.sampled_from(["", "", "", "d"]),
        seed=st.integers(0, 2**16),
    )
    def begin(self, situation: tuple[LogMode, str], dag_ids: str, paused: str, seed: int) -> None:
        mode, dialect = situation
        self.world = World(
            dag_ids, mode=mode, dialect=dialect, paused=paused, ledger_of=type(self).ledger_of
        )
        self.random = Random(seed)  # noqa: S311 - to choose what lands at the end

    def actor(self, which: int) -> Actor:
        alive = self.world.alive()
        return alive[which % len(alive)]

    def there_is_room(self) -> bool:
        return len(self.world.alive()) < MOST_ACTORS

    def somebody_is_there(self) -> bool:
        return bool(self.world.alive())

    def something_is_under_way(self) -> bool:
        return bool(self.world.in_flight())

    @precondition(there_is_room)
    @rule(application=applications, revision=revisions, all_of_them=st.booleans(), skew=skews)
    def hold(self, application: str, revision: str, skew: float, *, all_of_them: bool) -> None:
        dag_ids = sorted(self.world.paused)
        wanted = dag_ids if all_of_them else dag_ids[:1]
        self.world.hold(application, wanted, revision=revision, skew=skew)

    @precondition(there_is_room)
    @rule(application=applications, revision=revisions, waits=st.booleans(), skew=skews)
    def release(self, application: str, revision: str, skew: float, *, waits: bool) -> None:
        self.world.release(application, revision=revision, waits=waits, skew=skew)

    @precondition(there_is_room)
    @rule(gone=st.sampled_from(["", "", "A", "B"]), skew=skews)
    def watch(self, gone: str, skew: float) -> None:
        self.world.watch(*gone, skew=skew)

    @precondition(somebody_is_there)
    @rule(which=some, steps=st.sampled_from([1, 1, 1, 2, 3, 5]))
    def go_on(self, which: int, steps: int) -> None:
        actor = self.actor(which)
        for _ in range(steps):
            if actor.alive:
                actor.go()

    @precondition(somebody_is_there)
    @rule(which=some, kind=st.sampled_from(["answer", "look", "log", "replace", "send"]))
    def go_on_until(self, which: int, kind: str) -> None:
        actor = self.actor(which)
        while actor.awake:
            actor.go()
            if actor.before(kind):
                break

    @precondition(somebody_is_there)
    @rule(which=some)
    def go_on_to_the_end(self, which: int) -> None:
        self.actor(which).on()

    @precondition(somebody_is_there)
    @rule(which=some, how=st.sampled_from(WRONG))
    def go_wrong(self, which: int, how: How) -> None:
        self.actor(which).go(how)

    @precondition(somebody_is_there)
    @rule(which=some)
    def kill(self, which: int) -> None:
        self.actor(which).kill()

    @precondition(somebody_is_there)
    @rule(which=some)
    def terminate(self, which: int) -> None:
        self.actor(which).terminate()

    @rule(which=some, paused=st.booleans(), at_once=st.booleans())
    def person(self, which: int, *, paused: bool, at_once: bool) -> None:
        dag_ids = sorted(self.world.paused)
        request = self.world.person_asks(dag_ids[which % len(dag_ids)], paused=paused)
        if at_once:
            self.world.land(request)

    @precondition(something_is_under_way)
    @rule(which=some)
    def land(self, which: int) -> None:
        requests = self.world.in_flight()
        self.world.land(requests[which % len(requests)])

    @precondition(lambda self: self.world.late)
    @rule()
    def replace_late(self) -> None:
        self.world.replace_late()

    @rule(seconds=st.sampled_from([5.0, WINDOW + 5.0, LATE + WINDOW + CLOCKS_DIFFER + 31.0, LEASE]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if not self.world.broken:
                self.world.rest(lambda: self.random.random() < 0.3)
        finally:
            self.world.end()
