"""Old smoke runs: kept to a set number, so that a probe's history stays one that people read."""

import logging
import re

from fermata_hooks.smoke._runs import Airflow, name_of
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.plan import Plan
from fermata_spec.report import Check

CHECK = "smoke runs"
MOST = 50  # runs that one sync removes

log = logging.getLogger("fermata.smoke")


def tidy(airflow: Airflow, plan: Plan) -> list[Check]:
    """Remove this application's finished runs beyond ``smoke.keep``, the oldest first.

    Nothing depends on it: what cannot be removed is said, and passes.
    """
    keep = plan.smoke.keep
    if keep is None:
        return []
    removed, problem = 0, ""
    try:
        for dag in plan.smoke.dags:
            for run_id in _old(airflow, plan, dag.dag_id, keep)[: MOST - removed]:
                airflow.history.delete_run(dag.dag_id, run_id)
                removed += 1
    except (RejectedError, UnavailableError) as exc:
        problem = f"; not all could be removed (needs can_delete on DAG Runs): {exc}"
        log.info("smoke: old runs stay: %s", exc)
    numbers: dict[str, float | int | str] = {"removed": removed, "keep": keep}
    message = f"{removed} old run(s) removed, {keep} kept for each smoke DAG{problem}"
    return [Check(name=CHECK, verdict="pass", message=message, numbers=numbers)]


def _old(airflow: Airflow, plan: Plan, dag_id: str, keep: int) -> list[str]:
    """Return the ids of the runs to remove; the names of another application's do not match."""
    ours = re.compile(rf"{re.escape(name_of(plan))}-[^-]{{1,12}}-\d+")
    finished = [
        run for run in airflow.history.runs(dag_id) if run.finished and ours.fullmatch(run.run_id)
    ]
    finished.sort(key=lambda run: (run.start or 0.0, run.run_id), reverse=True)
    return [run.run_id for run in reversed(finished[keep:])]
