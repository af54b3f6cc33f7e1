"""What the change has made of the DAGs: tasks, schedules, owners, retries, old against new.

For people, with one warning: a run that was under way goes on with the new code, so a task that is
gone will not be run in it any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from fermata_hooks.airflow_api import Dag, DagRun, TaskInstance
from fermata_hooks.handoff import Shape, Tasks, shapes
from fermata_hooks.verification._finding import Finding, Light, count, names
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.report import Check, Verdict

CHECK = "structure"
MOST_RUNS = 20  # unfinished runs that are looked into
_LINES = 40


class Runs(Protocol):
    """Where the runs that are under way are asked for."""

    def active_runs(self, dag_ids: Sequence[str]) -> list[DagRun]:
        """Return the runs that are queued or running."""


class Airflow(Protocol):
    """What comparing asks of Airflow."""

    @property
    def structures(self) -> Tasks:
        """What DAGs are made of."""

    @property
    def history(self) -> Runs:
        """What runs."""

    def run_task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return the task instances of a run."""


def compare(airflow: Airflow, before: Mapping[str, Shape], rows: Mapping[str, Dag]) -> Finding:
    """Return what has changed since ``before``; asks Airflow, once a DAG and run."""
    after = shapes(airflow.structures, before, rows)
    both = {dag_id: (before[dag_id], after[dag_id]) for dag_id in sorted(before.keys() & after)}
    lines = [
        f"{dag_id}: {', '.join(said)}"
        for dag_id, (old, new) in both.items()
        if (said := list(changes(old, new)))
    ]
    gone = {
        dag_id: removed
        for dag_id, (old, new) in both.items()
        if (removed := old.tasks.keys() - new.tasks.keys())
    }
    numbers: dict[str, float | int | str] = {
        "compared": len(both),
        "changed": len(lines),
        "tasks_added": sum(len(n.tasks.keys() - o.tasks.keys()) for o, n in both.values()),
        "tasks_removed": sum(len(removed) for removed in gone.values()),
    }
    message = names(lines, most=3) or f"{count(len(both), 'DAG')} compared, no difference"
    verdict: Verdict = "pass"
    try:
        needed = _needed(airflow, gone)
    except (RejectedError, UnavailableError) as exc:
        needed, verdict = [], "inconclusive"
        message = f"whether a run needs what is gone is not known: {exc}; {message}"
    if needed:
        verdict = "fail"
        message = f"gone, and a run under way needs it: {names(needed, most=3)}; {message}"
    check = Check(
        name=CHECK,
        verdict=verdict,
        message=message,
        numbers=numbers,
        lines=tuple(lines[:_LINES]) if len(lines) > 1 else (),
    )
    return Finding(check, Light.GREEN)


def changes(old: Shape, new: Shape) -> Iterator[str]:
    """Yield what has changed between two shapes of one DAG, in words."""
    if old.schedule != new.schedule:
        yield f"schedule {old.schedule or 'none'} is {new.schedule or 'none'}"
    if removed := sorted(old.tasks.keys() - new.tasks.keys()):
        yield f"without {names(removed)}"
    if added := sorted(new.tasks.keys() - old.tasks.keys()):
        yield f"with {names(added)}"
    for task in sorted(old.tasks.keys() & new.tasks.keys()):
        (owner, retries), (new_owner, new_retries) = old.tasks[task], new.tasks[task]
        if owner != new_owner:
            yield f"{task} owned by {new_owner}, not {owner}"
        if retries != new_retries:
            yield f"{task} with {new_retries} retries, not {retries}"


def _needed(airflow: Airflow, gone: Mapping[str, set[str]]) -> list[str]:
    """Return the tasks that are gone although a run that is under way has not done them."""
    if not gone:
        return []
    found = []
    for run in airflow.history.active_runs(sorted(gone))[:MOST_RUNS]:
        tasks = airflow.run_task_instances(run.dag_id, run.run_id)
        found += [
            f"{task.dag_id}.{task.task_id} in {task.run_id} ({task.state})"
            for task in tasks
            if task.task_id in gone[run.dag_id] and not _is_done(task)
        ]
    return found


def _is_done(task: TaskInstance) -> bool:
    return task.finished and task.state != "removed"
