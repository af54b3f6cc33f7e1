"""Who blocks: the task instances that a drain waits for, as a report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from fermata_hooks.airflow_api import TaskInstance
from fermata_hooks.clock import rfc3339
from fermata_spec.report import Blocker
from fermata_spec.units import format_duration

BLOCKING_STATES = ("running", "queued", "restarting")
WAITING_STATES = ("deferred", "up_for_reschedule", "awaiting_input")
FROZEN_STATES = frozenset({"up_for_reschedule"})
"""A paused DAG's task never leaves these (measured on 2.11.2 and 3.3.2); a deferred one does."""


class TaskInstances(Protocol):
    """What looking for blockers asks of Airflow."""

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        """Return the task instances of ``dag_ids`` in one of ``states``, of all runs."""


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """Which task instances count.

    ``owners`` are those of each DAG, where known. ``exclude_run``: DAG id and run id of the run
    that started this sync and waits for it, if it has named itself.
    """

    dag_ids: Sequence[str]
    owners: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wait_for_deferred: bool = False
    exclude_run: tuple[str, str] | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The states that block."""
        return BLOCKING_STATES + (WAITING_STATES if self.wait_for_deferred else ())


def look(airflow: TaskInstances, tasks: Tasks) -> tuple[Blocker, ...]:
    """Return the task instances that block right now, oldest first."""
    if not tasks.dag_ids:
        return ()
    found = [
        ti
        for ti in airflow.task_instances(dag_ids=tasks.dag_ids, states=tasks.states)
        if (ti.dag_id, ti.run_id) != tasks.exclude_run
    ]
    found.sort(key=lambda ti: (ti.since or float("inf"), ti.dag_id, ti.task_id, ti.map_index))
    return tuple(
        Blocker(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=ti.map_index,
            state=ti.state,
            since=rfc3339(ti.since) if ti.since else "",
            owner=", ".join(tasks.owners.get(ti.dag_id, ())),
        )
        for ti in found
    )


def with_usual(blocker: Blocker, usual: float | None, *, since: float | None) -> Blocker:
    """Return the blocker with its usual duration, and for a running one its expected end."""
    if usual is None:
        return blocker
    ends = rfc3339(since + usual) if since is not None and blocker.state == "running" else ""
    return replace(blocker, usual=round(usual, 1), expected=ends)


def describe(blockers: Sequence[Blocker], *, most: int = 5) -> str:
    """Return ``dag.task (running since …, alice)`` for the first ``most``, and how many more."""
    named = [f"{_name(blocker)} ({', '.join(_facts(blocker))})" for blocker in blockers[:most]]
    more = f" and {len(blockers) - most} more" if len(blockers) > most else ""
    return ", ".join(named) + more


def _name(blocker: Blocker) -> str:
    index = f"[{blocker.map_index}]" if blocker.map_index >= 0 else ""
    return f"{blocker.dag_id}.{blocker.task_id}{index}"


def _facts(blocker: Blocker) -> list[str]:
    facts = [blocker.state + (f" since {blocker.since}" if blocker.since else "")]
    if blocker.owner:
        facts.append(blocker.owner)
    if blocker.state in FROZEN_STATES:
        facts.append("goes on only after the hold")
    if blocker.usual is not None:
        facts.append(f"usually {format_duration(blocker.usual)}")
    if blocker.expected:
        facts.append(f"expected to end {blocker.expected}")
    return facts
