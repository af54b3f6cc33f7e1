"""Whether the smoke DAGs can do what they are for: run when asked, and only then."""

from fermata_plugin.formats.found import FoundDag
from fermata_plugin.loading import Loaded
from fermata_spec.kinds import nearest
from fermata_spec.problems import Problem


def check_smoke(loaded: Loaded, problems: list[Problem]) -> None:
    """Report smoke DAGs that do not exist, that run by themselves, or that would stay paused."""
    dags = {dag.dag_id: dag for found in loaded.found for dag in found.dags}
    for index, run in enumerate(loaded.config.smoke.dags):
        dag = dags.get(run.dag_id)
        if dag is not None:
            _check(dag, index, loaded)
        elif _all_ids_are_known(loaded, problems):
            told = f"{run.dag_id}: no file defines such a DAG{nearest(run.dag_id, sorted(dags))}"
            _report(loaded, index, "unknown-smoke-dag", told)


def _check(dag: FoundDag, index: int, loaded: Loaded) -> None:
    schedule = dag.settings.get("schedule")
    if schedule is not None and str(schedule).strip().lower() != "none":
        told = (
            f"{dag.dag_id} has the schedule {schedule!r}: a smoke DAG runs when a sync asks it to"
        )
        _report(loaded, index, "smoke-scheduled", told)
    if dag.settings.get("is_paused_upon_creation") is True:
        told = f"{dag.dag_id} is paused upon creation: a smoke DAG that is paused proves nothing"
        _report(loaded, index, "smoke-paused", told)


def _all_ids_are_known(loaded: Loaded, problems: list[Problem]) -> bool:
    """Whether every DAG id is; opaque files and computed ids may hide others."""
    hidden = any(problem.rule == "dag-id-computed" for problem in problems)
    return not hidden and all(found.meaning != "opaque" for found in loaded.found)


def _report(loaded: Loaded, index: int, rule: str, message: str) -> None:
    loaded.file.report(("smoke", "dags", index, "dag_id"), rule, message)
