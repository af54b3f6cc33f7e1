"""Wait until no task of the held DAGs runs, or say exactly which ones still do.

By task instances, never by runs: a paused DAG's run with tasks left stays ``running`` for as long
as the DAG is paused (measured on Airflow 2.11 and 3.3), so waiting for runs would never end.
Deferred and rescheduling tasks occupy no worker and are no blockers. A task may still go from
``scheduled`` to ``queued`` in the scheduler's loop that overlaps the pause: it takes two clean
looks, a loop apart.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.airflow_api import TaskInstance
from fermata_hooks.clock import Clock, rfc3339
from fermata_spec.errors import RefusedError
from fermata_spec.plan import OnDeadline
from fermata_spec.report import Blocker
from fermata_spec.units import format_duration

BLOCKING_STATES = ("running", "queued", "restarting")
SCHEDULER_LOOP = 5.0  # seconds between the two looks that say "still"
POLL = 2.0
SAID_EVERY = 15.0  # seconds between progress lines while nothing changes

log = logging.getLogger("fermata.drain")


class TaskInstances(Protocol):
    """What draining asks of Airflow."""

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        """Return the task instances of ``dag_ids`` in one of ``states``, of all runs."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """How the drain ended: ``blockers`` are what ``proceed`` went on in spite of."""

    seconds: float
    blockers: tuple[Blocker, ...] = ()


def drain(  # noqa: PLR0913 - the policy's parts, all by name
    airflow: TaskInstances,
    dag_ids: Sequence[str],
    *,
    deadline: float,
    on_deadline: OnDeadline,
    clock: Clock,
    still_ours: Callable[[], None],
) -> Drained:
    """Return once the DAGs are still; at ``deadline`` seconds do what ``on_deadline`` says.

    ``still_ours`` is asked at each poll and raises when the hold was ended by somebody else:
    then nothing may be applied.

    Raises:
        RefusedError: tasks still ran at the deadline, and the policy is ``fail``.

    """
    started = clock.monotonic()
    still_since: float | None = None
    progress = _Progress(clock)
    while True:
        still_ours()
        blockers = look(airflow, dag_ids)
        now = clock.monotonic()
        waited = now - started
        if blockers:
            still_since = None
        elif still_since is None:
            still_since = now
        elif now - still_since >= SCHEDULER_LOOP:
            return Drained(seconds=waited)
        if waited >= deadline:
            return _at_deadline(blockers, waited, on_deadline)
        progress.say(blockers, waited, deadline)
        wait = SCHEDULER_LOOP if not blockers else POLL
        clock.sleep(min(wait, max(deadline - waited, 0.1)))


def look(airflow: TaskInstances, dag_ids: Sequence[str]) -> tuple[Blocker, ...]:
    """Return the task instances that block right now, oldest first."""
    if not dag_ids:
        return ()
    found = airflow.task_instances(dag_ids=dag_ids, states=BLOCKING_STATES)
    found.sort(key=lambda ti: (ti.since or float("inf"), ti.dag_id, ti.task_id, ti.map_index))
    return tuple(
        Blocker(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=ti.map_index,
            state=ti.state,
            since=rfc3339(ti.since) if ti.since else "",
            owner=ti.owner,
        )
        for ti in found
    )


def describe(blockers: Sequence[Blocker], *, most: int = 5) -> str:
    """Return ``dag.task (running since …, alice)`` for the first ``most``, and how many more."""
    named = []
    for blocker in blockers[:most]:
        index = f"[{blocker.map_index}]" if blocker.map_index >= 0 else ""
        since = f" since {blocker.since}" if blocker.since else ""
        owner = f", {blocker.owner}" if blocker.owner else ""
        named.append(f"{blocker.dag_id}.{blocker.task_id}{index} ({blocker.state}{since}{owner})")
    more = f" and {len(blockers) - most} more" if len(blockers) > most else ""
    return ", ".join(named) + more


def _at_deadline(blockers: Sequence[Blocker], waited: float, on_deadline: OnDeadline) -> Drained:
    if on_deadline == "proceed":
        return Drained(seconds=waited, blockers=tuple(blockers))
    what = describe(blockers) if blockers else "no second look without tasks was possible"
    raise RefusedError(
        f"drain: {len(blockers)} task(s) still active after {format_duration(waited)}: {what}"
    )


class _Progress:
    """Says who blocks: at once when that changes, else every ``SAID_EVERY`` seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: tuple[Blocker, ...] | None = None
        self._at = 0.0

    def say(self, blockers: tuple[Blocker, ...], waited: float, deadline: float) -> None:
        now = self._clock.monotonic()
        if blockers == self._said and now - self._at < SAID_EVERY:
            return
        self._said, self._at = blockers, now
        if blockers:
            log.info(
                "drain: waiting for %d task(s), %s of %s: %s",
                len(blockers),
                format_duration(waited),
                format_duration(deadline),
                describe(blockers),
            )
        else:
            log.info("drain: no task runs; looking again after the scheduler's loop")
