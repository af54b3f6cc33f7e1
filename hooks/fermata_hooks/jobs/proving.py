"""What verify, smoke and finish share: the two proofs, put into a report."""

import logging
from collections.abc import Callable
from dataclasses import replace

from fermata_hooks.dagset_status import proven_in_this_sync
from fermata_hooks.handoff import Handoff, read_handoff, read_last_pass, write_last_pass
from fermata_hooks.holding import is_in_force
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.runtime import Runtime, take_runtime, write_runtime
from fermata_hooks.smoke import SmokeResult, smoke
from fermata_hooks.verification import Verification, figures_of, verify
from fermata_spec.dagset import DagSetStatus, Figures, change
from fermata_spec.errors import (
    InconclusiveError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from fermata_spec.plan import Plan
from fermata_spec.report import Check, DagOutcome, Report

log = logging.getLogger("fermata.proving")


def handoff_of(plan: Plan, place: Workplace) -> Handoff | None:
    """Return what hold has written down for this revision, if it has."""
    return read_handoff(place.documents, plan.application, plan.revision)


def hold_guard(
    plan: Plan, place: Workplace, handoff: Handoff | None, report: Report, *, must_hold: bool
) -> Callable[[], None]:
    """Return what verify and smoke ask at each look; it raises when the hold is gone.

    Without a hold that must be in force (``must_hold``: from the start; else only if it is there
    now) nothing is asked. By hand, after a release, that is noted and no more.
    """

    def in_force() -> bool:
        return is_in_force(place.ledger, plan.application, plan.revision)

    def ask() -> None:
        if not in_force():
            raise InconclusiveError(
                f"{plan.application}: the hold of {plan.revision[:12]} is not in force any more "
                "(its lease, a person, SyncFail or an earlier attempt ended it): its DAGs may run"
            )

    if handoff is None or not handoff.held:
        return lambda: None
    if must_hold or in_force():
        return ask
    message = "no hold is in force: DAGs may have run meanwhile"
    report.checks.append(Check(name="hold", verdict="pass", message=message))
    return lambda: None


def prove(  # noqa: PLR0913 - what is proven, against what, by name
    plan: Plan,
    place: Workplace,
    report: Report,
    handoff: Handoff | None,
    still_held: Callable[[], None],
    *,
    force: bool = False,
) -> Verification:
    """Verify, and put the outcome into ``report``.

    ``force``: every DAG of the plan, whatever was proven before.
    """
    status = place.dagsets.read(plan.application)
    if force:
        handoff, status = touching_all(plan, handoff), DagSetStatus()
    elif not is_touched(plan, place, handoff):
        message = "no DAG is touched: nothing to prove"
        if handoff is not None and handoff.affected:
            message = "proven already in this sync: nothing to prove again"
        done = Verification(verdict="pass", message=message, touched=False)
        report.verdict, report.message = done.verdict, done.message
        return done
    done = verify(
        place.airflow,
        plan,
        handoff=handoff,
        status=status,
        clock=place.clock,
        still_held=still_held,
        last=read_last_pass(place.documents, plan.application) if handoff is None else None,
    )
    report.checks += done.checks
    report.dags += done.dags
    report.verdict, report.message = done.verdict, done.message
    return replace(done, runtime=_note(plan, place, done.seen)) if done.verdict == "pass" else done


def _note(plan: Plan, place: Workplace, seen: Handoff | None) -> Runtime:
    """Write down how Airflow is, and what it is made of; a pass does not depend on it."""
    runtime: Runtime = {}
    try:
        runtime = take_runtime(place.airflow)
        if seen is not None:
            write_last_pass(place.documents, seen)
        write_runtime(place.documents, plan.application, runtime)
    except (RejectedError, UnavailableError, SettingsError) as exc:
        log.info("%s: not noted how Airflow is: %s", plan.application, exc)
    return runtime


def touching_all(plan: Plan, handoff: Handoff | None) -> Handoff | None:
    """Return the baseline of hold, as if the change had touched every DAG of ``plan``.

    Of a DAG that the change did not touch the text was there before: by itself it proves nothing
    of what the file imports.
    """
    if handoff is None:
        return None
    affected = {*handoff.affected, *plan.digests()}
    untouched = plan.digests().keys() - {*handoff.affected}
    return replace(
        handoff,
        affected=tuple(sorted(affected)),
        shown=tuple(sorted({*handoff.shown, *untouched})),
    )


def is_touched(plan: Plan, place: Workplace, handoff: Handoff | None) -> bool:
    """Return whether there is something to prove; asks the ``DagSet``'s status only."""
    status = place.dagsets.read(plan.application)
    if proven_in_this_sync(plan, status):
        return False
    if handoff is not None:
        return bool(handoff.affected)
    return bool(change(plan, status).affected)


def run_smoke_dags(
    plan: Plan,
    place: Workplace,
    report: Report,
    handoff: Handoff | None,
    still_held: Callable[[], None],
) -> SmokeResult:
    """Run the smoke DAGs, and put the outcome into ``report``."""
    done = smoke(
        place.airflow,
        plan,
        sync=handoff.started if handoff else None,
        clock=place.clock,
        termination=place.termination,
        still_held=still_held,
        touched=handoff.affected if handoff else (),
    )
    report.checks += done.checks
    if done.ran:
        report.dags += [
            DagOutcome(
                dag_id=dag.dag_id, done="smoke failed" if _failed(dag.dag_id, done) else "ran"
            )
            for dag in plan.smoke.dags
            if not dag.skip
        ]
        report.dags += [
            DagOutcome(dag_id=dag.dag_id, done="not run", why=dag.skip)
            for dag in plan.smoke.dags
            if dag.skip
        ]
    report.verdict, report.message = done.verdict, done.message
    return done


def figures(report: Report) -> Figures | None:
    """Return how many DAGs there are of each sort, by the checks in ``report``.

    None: Airflow was not looked at.
    """
    return figures_of(report.checks)


def _failed(dag_id: str, done: SmokeResult) -> bool:
    return dag_id in done.failed
