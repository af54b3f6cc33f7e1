"""What a release says before it lets DAGs go on, and the limit that may keep it from that."""

import logging
from collections.abc import Collection
from dataclasses import replace

from fermata_hooks.holding import left_paused
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.resumption import Resumption, foresee
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.plan import ReleasePolicy
from fermata_spec.report import Check, DagOutcome, Report

GOES_ON = ("running again", "would run again")
_MOST_LINES = 20  # DAGs told of one by one in the log; the report has all

log = logging.getLogger("fermata.release")


def foretell(
    place: Workplace, report: Report, dag_ids: Collection[str], policy: ReleasePolicy
) -> tuple[Resumption, str]:
    """Say what resuming ``dag_ids`` starts, in the log and as a check of ``report``.

    DAGs that a person has paused meanwhile stay paused, and start nothing. Returns it with the
    reason for not resuming; empty: resume. What cannot be found out is a reason only where the
    policy refuses.

    Raises:
        UnavailableError: the policy refuses above a limit, and Airflow did not answer.

    """
    strict = policy.limit is not None and policy.over_limit == "refuse"
    try:
        foreseen = foresee(place.airflow, dag_ids)
        starting = [start.dag_id for start in foreseen.starts]
        foreseen = foreseen.without(left_paused(place.holding, starting))
    except (RejectedError, UnavailableError) as exc:
        if strict and isinstance(exc, UnavailableError):
            raise
        said = f"what resuming starts is not known: {exc}"
        log.warning("%s", said)
        report.checks.append(Check(name="resuming", verdict="inconclusive", message=said))
        return Resumption(), said if strict else ""
    over = policy.limit is not None and foreseen.runs > policy.limit
    said = f"{foreseen}, the limit is {policy.limit}" if over else str(foreseen)
    if foreseen.starts:
        _tell(report, foreseen, said, over=over)
    return foreseen, said if over and strict else ""


def with_starts(outcomes: Collection[DagOutcome], foreseen: Resumption) -> list[DagOutcome]:
    """Return the outcomes, those of DAGs that go on with what that starts."""
    starts = {start.dag_id: f"starts {start}" for start in foreseen.starts}
    return [
        replace(one, why="; ".join(filter(None, (one.why, starts[one.dag_id]))))
        if one.done in GOES_ON and one.dag_id in starts
        else one
        for one in outcomes
    ]


def _tell(report: Report, foreseen: Resumption, said: str, *, over: bool) -> None:
    log.log(logging.WARNING if over else logging.INFO, "%s", said)
    for start in foreseen.starts[:_MOST_LINES]:
        log.info("%s: starts %s", start.dag_id, start)
    if len(foreseen.starts) > _MOST_LINES:
        log.info("… and %d more DAG(s)", len(foreseen.starts) - _MOST_LINES)
    numbers = {"runs": foreseen.runs, "dags": len(foreseen.starts)}
    report.checks.append(Check(name="resuming", verdict="pass", message=said, numbers=numbers))
