"""Why a smoke DAG cannot run, why its run does not end, and what it died of."""

from collections.abc import Collection

from fermata_hooks.airflow_api import DagDetails, TaskInstance
from fermata_hooks.redaction import redact_lines
from fermata_hooks.smoke import _probe
from fermata_hooks.smoke._runs import Airflow, SmokeRun
from fermata_hooks.smoke._waiting import task_name, waits_for
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.plan import Plan, SmokeDag
from fermata_spec.report import Check
from fermata_spec.units import format_duration

LOG_LINES = 20
_ERROR_WORDS = ("Error", "Exception", "error:")
_MOST_VERSIONS = 5


def not_startable(dag_id: str, details: DagDetails | None) -> Check | None:
    """Return why the DAG cannot be run at all; None if it can."""
    name = check_name(dag_id)
    if details is None:
        return Check(name=name, verdict="fail", message=f"{dag_id}: not in Airflow")
    dag = details.dag
    if dag.is_stale or dag.has_import_errors:
        why = "cannot be imported" if dag.has_import_errors else "not in the DAG files any more"
        return Check(name=name, verdict="fail", message=f"{dag_id}: {why}")
    if dag.is_paused:
        return Check(name=name, verdict="inconclusive", message=_paused(details))
    return None


def skipped(dag: SmokeDag) -> Check:
    """Return the check of a DAG that is not to be run for now: its reason."""
    message = f"{dag.dag_id}: not run: {dag.skip}"
    return Check(name=check_name(dag.dag_id), verdict="pass", message=message)


def never_started(run: SmokeRun, plan: Plan) -> Check:
    """Return the check of a run for which no time was left."""
    message = (
        f"{run.dag_id}: not begun within {format_duration(plan.smoke.deadline)}: "
        f"{plan.smoke.at_once} at once, and the others took so long"
    )
    return Check(name=check_name(run.dag_id), verdict="inconclusive", message=message)


def ended(
    airflow: Airflow, plan: Plan, run: SmokeRun, *, seconds: float, touched: Collection[str] = ()
) -> Check:
    """Return the check of a run that is over."""
    numbers: dict[str, float | int | str] = {"seconds": round(seconds, 1), "run": run.run_id}
    versions = run.run.version_numbers if run.run else ()
    if versions:
        numbers["versions"] = " ".join(str(number) for number in versions[:_MOST_VERSIONS])
    name = check_name(run.dag_id)
    if run.state != "success":
        message, lines = _cause(airflow, run)
        return Check(name=name, verdict="fail", message=message, numbers=numbers, lines=lines)
    if run.version is not None and versions and max(versions) < run.version:
        message = (
            f"{run.dag_id}: succeeded, but on version {max(versions)} of the DAG, "
            f"and {run.version} was the latest when it began"
        )
        return Check(name=name, verdict="inconclusive", message=message, numbers=numbers)
    commit = run.run.bundle_version if run.run else None
    if commit is not None:
        numbers["commit"] = commit
    if plan.delivery == "git-bundle" and commit not in (None, plan.revision):
        message = f"{run.dag_id}: succeeded, but on commit {commit}, not on this revision"
        return Check(name=name, verdict="inconclusive", message=message, numbers=numbers)
    message = f"{run.dag_id}: success in {format_duration(seconds)}, {_version(run)}"
    passed = Check(name=name, verdict="pass", message=message, numbers=numbers)
    return _with_probes(airflow, plan, run, passed, touched) if run.smoke.probes else passed


def _with_probes(
    airflow: Airflow, plan: Plan, run: SmokeRun, passed: Check, touched: Collection[str]
) -> Check:
    """Return the check of a probe that has run: what its tasks have found counts."""
    probed = _probe.judge(airflow, plan, run, touched)
    message = f"{run.dag_id}: {probed.message}"
    if probed.verdict == "pass":
        message = f"{passed.message}; {probed.message}"
    return Check(
        name=passed.name,
        verdict=probed.verdict,
        message=message,
        numbers={**passed.numbers, **probed.numbers},
        lines=probed.lines,
    )


def _version(run: SmokeRun) -> str:
    """Return on which version of the DAG a run ran, as far as this Airflow tells."""
    if run.run is None or not run.run.version_numbers:
        return "on a version of the DAG that this Airflow does not tell"
    commit = run.run.bundle_version
    at = f" (commit {commit[:12]})" if commit else ""
    return f"on version {max(run.run.version_numbers)} of the DAG{at}"


def overdue(airflow: Airflow, run: SmokeRun, *, seconds: float, no_answer: str = "") -> Check:
    """Return the check of a run that is not over at its deadline.

    It fails if it has begun; one that never did was not run, and is inconclusive.
    """
    after = format_duration(seconds)
    verdict, why = "inconclusive", f"no answer from Airflow: {no_answer}"
    if not no_answer:
        began, why = waits_for(airflow, run)
        verdict = "fail" if began else "inconclusive"
    return Check(
        name=check_name(run.dag_id),
        verdict="fail" if verdict == "fail" else "inconclusive",
        message=f"{run.dag_id}: {run.state} after {after}: {why}",
        numbers={"seconds": round(seconds, 1), "run": run.run_id},
    )


def check_name(dag_id: str) -> str:
    """Return the name of the check of one smoke DAG."""
    return f"smoke {dag_id}"


def _paused(details: DagDetails) -> str:
    dag_id = details.dag.dag_id
    if details.is_paused_upon_creation is False:
        return (
            f"{dag_id}: paused by somebody (the DAG itself says is_paused_upon_creation=False), "
            "and a paused DAG's run stays queued for ever: unpause it"
        )
    return (
        f"{dag_id}: paused, and a paused DAG's run stays queued for ever; Airflow pauses new DAGs "
        "unless they say is_paused_upon_creation=False: say so, and unpause it once"
    )


def _cause(airflow: Airflow, run: SmokeRun) -> tuple[str, tuple[str, ...]]:
    """Return what the run died of in one line, and the end of its first failing task's log."""
    try:
        tasks = airflow.run_task_instances(run.dag_id, run.run_id)
    except (RejectedError, UnavailableError) as exc:
        return f"{run.dag_id}: run {run.state}; its tasks cannot be read: {exc}", ()
    failed = sorted(
        (task for task in tasks if task.state == "failed"),
        key=lambda task: (task.since or float("inf"), task.task_id, task.map_index),
    )
    if not failed:
        return f"{run.dag_id}: run {run.state} without a failed task", ()
    first = failed[0]
    lines = _log(airflow, first)
    said = next((line for line in reversed(lines) if _is_error(line)), lines[-1] if lines else "")
    of = f" of {len(failed)}" if len(failed) > 1 else ""
    head = f"{run.dag_id}: task {task_name(first)} failed{' first' + of if of else ''}"
    return (f"{head}: {said.strip()}" if said else head), lines


def _log(airflow: Airflow, task: TaskInstance) -> tuple[str, ...]:
    try:
        return redact_lines(airflow.log_tail(task, lines=LOG_LINES), most=LOG_LINES)
    except (RejectedError, UnavailableError) as exc:
        return (f"(the log cannot be read: {exc})",)


def _is_error(line: str) -> bool:
    return any(word in line for word in _ERROR_WORDS)
