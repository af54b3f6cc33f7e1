"""What hold does about what Airflow must offer: nothing is paused for a change that cannot run."""

import logging

from fermata_hooks.expectations import check_expectations
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.plan import Plan
from fermata_spec.report import Report, error_for, overall

log = logging.getLogger("fermata.expects")


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
