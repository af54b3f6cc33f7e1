"""One smoke DAG's run: its name, its start, and its end."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.airflow_api import DagDetails, DagRun, Health, Pool, TaskInstance
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.placeholders import filled
from fermata_spec.plan import Plan, SmokeDag

ATTEMPTS = 5  # names that are tried when a run of ours of this sync has failed already
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.~:+-]")  # Airflow refuses what is not in here
_MAX_NAME = 120  # of the application; Airflow's column holds 250
_NOT_FOUND = 404

log = logging.getLogger("fermata.smoke")


class Runs(Protocol):
    """Where the runs of a DAG are asked for, and removed."""

    def runs(self, dag_id: str) -> list[DagRun]:
        """Return all runs of a DAG."""

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Remove a run that has finished."""

    def active_runs(self, dag_ids: Sequence[str]) -> list[DagRun]:
        """Return the runs that are queued or running."""

    def returned(self, dag_id: str, run_id: str, task_id: str) -> str | None:
        """Return the text that a task has returned."""

    def pool(self, name: str) -> Pool | None:
        """Return how full a pool is."""


class Airflow(Protocol):
    """What smoke asks of Airflow."""

    @property
    def history(self) -> Runs:
        """What has run."""

    def health(self) -> Health:
        """Return the health of Airflow's components."""

    def dag_details(self, dag_id: str) -> DagDetails | None:
        """Return the DAG with its serialized form."""

    def trigger(self, dag_id: str, *, run_id: str, conf: Mapping[str, object], note: str) -> DagRun:
        """Start a run, or return the one that has this name."""

    def dag_run(self, dag_id: str, run_id: str) -> DagRun | None:
        """Return a run."""

    def run_task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return the task instances of a run."""

    def log_tail(self, ti: TaskInstance, *, lines: int) -> list[str]:
        """Return the end of a task's log."""

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Set a run's state."""


@dataclass
class SmokeRun:
    """A run of ours. ``began``: monotonic seconds; ``version``: the DAG's latest before it."""

    smoke: SmokeDag
    run_id: str
    began: float
    run: DagRun | None = None
    version: int | None = None

    @property
    def dag_id(self) -> str:
        """The DAG that runs."""
        return self.smoke.dag_id

    @property
    def state(self) -> str:
        """Airflow's word for where the run is."""
        return self.run.state if self.run else "unknown"

    @property
    def finished(self) -> bool:
        """Whether it is over."""
        return self.run is not None and self.run.finished


def run_id(plan: Plan, number: int) -> str:
    """Return ``fermata-<application>-<revision12>-<number>``, in characters that Airflow takes."""
    revision = _ILLEGAL.sub("-", plan.revision)[:12]
    return f"{name_of(plan)}-{revision}-{number}"


def name_of(plan: Plan) -> str:
    """Return what the names of all runs of this application begin with."""
    return f"fermata-{_ILLEGAL.sub('-', plan.application)[:_MAX_NAME]}"


def start(
    airflow: Airflow,
    plan: Plan,
    started: SmokeRun,
    *,
    number: int,
    more: Mapping[str, object] | None = None,
) -> None:
    """Trigger or join the run; one of this sync that has failed already is followed by another.

    A run that failed before is what a killed hook left (it cancels its runs), so its state says
    nothing; one that is under way or has succeeded is joined. ``more`` is added to the conf.
    """
    for attempt in range(ATTEMPTS):
        started.run_id = run_id(plan, number + attempt)
        started.run = airflow.trigger(
            started.dag_id,
            run_id=started.run_id,
            conf={**_conf(plan, started), **(more or {})},
            note=f"Fermata smoke of {plan.application} at {plan.revision}",
        )
        if started.run.state != "failed":
            log.info("smoke: %s: run %s is %s", started.dag_id, started.run_id, started.run.state)
            return


def _conf(plan: Plan, run: SmokeRun) -> dict[str, object]:
    """Return the run's conf with its placeholders replaced."""
    names = {
        "application": plan.application,
        "revision": plan.revision,
        "revision12": plan.revision[:12],
        "namespace": plan.namespace,
        "delivery": plan.delivery,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
    }
    return dict(filled(run.smoke.conf, names))


def cancel(airflow: Airflow, runs: list[SmokeRun]) -> list[str]:
    """Set our unfinished runs to failed, which ends their tasks; return what could not be."""
    left = []
    for run in runs:
        if run.finished:
            continue
        try:
            airflow.set_run_state(run.dag_id, run.run_id, "failed")
        except RejectedError as exc:
            if exc.status != _NOT_FOUND:
                left.append(f"{run.dag_id} {run.run_id}: {exc}")
        except UnavailableError as exc:
            left.append(f"{run.dag_id} {run.run_id}: {exc}")
        else:
            log.info("smoke: %s: run %s cancelled", run.dag_id, run.run_id)
    for problem in left:
        log.warning("smoke: run not cancelled: %s", problem)
    return left
