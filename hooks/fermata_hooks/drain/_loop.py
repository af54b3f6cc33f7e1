"""Look until it is still, or until the policy says that waiting has no point."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fermata_hooks.clock import Clock
from fermata_hooks.drain._blockers import (
    FROZEN_STATES,
    TaskInstances,
    Tasks,
    describe,
    look,
    with_usual,
)
from fermata_hooks.drain._usual import History, UsualDurations
from fermata_spec.plan import OnDeadline
from fermata_spec.report import Blocker
from fermata_spec.units import format_duration

SCHEDULER_LOOP = 5.0  # seconds between the two looks that say "still"
FASTEST, SLOWEST = 2.0, 10.0  # seconds between looks, growing with the time that has passed
SAID_EVERY = 15.0  # seconds between progress lines while nothing changes

log = logging.getLogger("fermata.drain")


class Airflow(TaskInstances, Protocol):
    """What draining asks of Airflow."""

    @property
    def history(self) -> History:
        """Where durations of the past are found."""

    def server_time(self) -> float:
        """Return the time by Airflow's clock."""


@dataclass(frozen=True, kw_only=True)
class DrainOrder:
    """What to wait for, and for how long, in seconds.

    At ``deadline`` ``fail`` and ``proceed`` give up. ``extend`` goes on, at most to
    ``extend_to``, as long as no blocker is expected to take longer than that.
    """

    tasks: Tasks
    deadline: float
    on_deadline: OnDeadline = "fail"
    extend_to: float = 0.0

    @property
    def bound(self) -> float:
        """When the drain ends in any case."""
        return max(self.extend_to, self.deadline) if self._extends else self.deadline

    @property
    def _extends(self) -> bool:
        return self.on_deadline == "extend"


@dataclass(frozen=True, kw_only=True)
class Drained:
    """How the drain ended after so many ``seconds``.

    ``unfinished``: why it gave up, with the tasks that still ran; empty if all is still.
    ``blockers`` are those tasks.
    """

    seconds: float
    unfinished: str = ""
    blockers: tuple[Blocker, ...] = ()


def drain(
    airflow: Airflow, order: DrainOrder, *, clock: Clock, still_ours: Callable[[], None]
) -> Drained:
    """Return once the DAGs are still, or when the order says to wait no longer.

    A task may still go from ``scheduled`` to ``queued`` in the scheduler's loop that overlaps the
    pause: it takes two clean looks, a loop apart. Without any DAG there is nothing to look at.
    ``still_ours`` is asked at each look and raises when the hold was ended by somebody else: then
    nothing may be applied.
    """
    return _Drain(airflow, order, clock, still_ours).run()


class _Drain:
    def __init__(
        self, airflow: Airflow, order: DrainOrder, clock: Clock, still_ours: Callable[[], None]
    ) -> None:
        self._airflow = airflow
        self._order = order
        self._clock = clock
        self._still_ours = still_ours
        self._usual = UsualDurations(airflow.history)
        self._progress = _Progress(clock)
        self._started = clock.monotonic()
        self._still_since: float | None = None
        self._seen: tuple[Blocker, ...] = ()

    def run(self) -> Drained:
        while True:
            self._still_ours()
            blockers = self._look()
            waited = self._clock.monotonic() - self._started
            if not self._order.tasks.dag_ids or self._is_still(blockers):
                return Drained(seconds=waited)
            if why := self._gives_up(blockers, waited):
                return Drained(seconds=waited, unfinished=why, blockers=blockers)
            self._progress.say(blockers, waited, self._limit(waited))
            self._clock.sleep(self._pause(blockers, waited))

    def _look(self) -> tuple[Blocker, ...]:
        """Look, and say of blockers that were there at the last look what is usual for them."""
        found = look(self._airflow, self._order.tasks)
        persistent = {_identity(blocker) for blocker in self._seen}
        self._seen = found
        return tuple(
            self._with_usual(blocker) if _identity(blocker) in persistent else blocker
            for blocker in found
        )

    def _with_usual(self, blocker: Blocker) -> Blocker:
        now = self._airflow.server_time()
        usual = self._usual.of(blocker.dag_id, blocker.task_id, now=now)
        return with_usual(blocker, usual, since=_seconds(blocker.since))

    def _is_still(self, blockers: Sequence[Blocker]) -> bool:
        now = self._clock.monotonic()
        if blockers:
            self._still_since = None
        elif self._still_since is None:
            self._still_since = now
        return self._still_since is not None and now - self._still_since >= SCHEDULER_LOOP

    def _gives_up(self, blockers: Sequence[Blocker], waited: float) -> str:
        """Return why to wait no longer; empty to go on."""
        active = f"{len(blockers)} task(s) still active after {format_duration(waited)}"
        if blockers and all(blocker.state in FROZEN_STATES for blocker in blockers):
            return f"{active}: {describe(blockers)}"
        if waited < self._order.deadline:
            return ""
        if not blockers and waited >= self._order.bound:
            return f"{active}: no second look without tasks was possible"
        if waited >= self._order.bound:
            return f"{active}: {describe(blockers)}"
        if hopeless := [blocker for blocker in blockers if self._is_hopeless(blocker, waited)]:
            bound = format_duration(self._order.bound)
            return f"{active}, not to end within {bound}: {describe(hopeless)}"
        return ""

    def _is_hopeless(self, blocker: Blocker, waited: float) -> bool:
        """Return whether the blocker is expected to run beyond the bound, by Airflow's clock."""
        ends = _seconds(blocker.expected)
        left = self._order.bound - waited
        return ends is not None and ends - self._airflow.server_time() > left

    def _limit(self, waited: float) -> float:
        return self._order.deadline if waited < self._order.deadline else self._order.bound

    def _pause(self, blockers: Sequence[Blocker], waited: float) -> float:
        wait = min(max(FASTEST, waited / 20), SLOWEST) if blockers else SCHEDULER_LOOP
        return min(wait, max(self._limit(waited) - waited, 0.1))


class _Progress:
    """Says who blocks: at once when that changes, else every ``SAID_EVERY`` seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: tuple[Blocker, ...] | None = None
        self._at = 0.0

    def say(self, blockers: tuple[Blocker, ...], waited: float, limit: float) -> None:
        now = self._clock.monotonic()
        if blockers == self._said and now - self._at < SAID_EVERY:
            return
        self._said, self._at = blockers, now
        if not blockers:
            log.info("drain: no task runs; looking again after the scheduler's loop")
            return
        log.info(
            "drain: waiting for %d task(s), %s of %s: %s",
            len(blockers),
            format_duration(waited),
            format_duration(limit),
            describe(blockers),
        )


def _identity(blocker: Blocker) -> tuple[str, str, str, int]:
    return blocker.dag_id, blocker.run_id, blocker.task_id, blocker.map_index


def _seconds(text: str) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
