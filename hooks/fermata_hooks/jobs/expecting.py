"""What hold does about what Airflow must offer: nothing is paused for a change that cannot run."""

import logging

from fermata_hooks.expectations import check_expectations
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.runtime import changes, read_runtime, take_runtime
from fermata_spec.plan import Plan
from fermata_spec.report import Check, Report, error_for, overall

MOST_SAID = 10  # changes of Airflow itself

log = logging.getLogger("fermata.expects")


def name_runtime_changes(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what of Airflow itself is not as it was at the last pass; asks nothing before one."""
    before = read_runtime(place.documents, plan.application)
    if before is None:
        return
    said = list(changes(before, take_runtime(place.airflow)))
    message = "Airflow itself is as at the last pass"
    if said:
        more = f" and {len(said) - MOST_SAID} more" if len(said) > MOST_SAID else ""
        message = f"since the last pass, without a commit: {'; '.join(said[:MOST_SAID])}{more}"
        log.warning("%s", message)
    numbers = {"changed": len(said)}
    report.checks.append(Check(name="runtime", verdict="pass", message=message, numbers=numbers))


def require_expected(plan: Plan, place: Workplace, report: Report) -> None:
    """Put what was found into ``report``.

    Raises:
        RefusedError: something is absent, or of another version.
        InconclusiveError: something could not be told, and ``unseen`` is ``refuse``.

    """
    checks = check_expectations(place.airflow, plan.expects)
    if not checks:
        return
    report.checks += checks
    verdict = overall(checks)
    said = "; ".join(check.message for check in checks if check.verdict == verdict)
    if verdict == "inconclusive" and plan.expects.unseen == "warn":
        log.warning("expects: %s", said)
    elif error := error_for(verdict, f"expects: {said}; nothing was paused"):
        raise error
