"""SyncFail, and people at 3 a.m.: put every DAG back as it was.

It ends the application's hold and settles what the ledger owes: DAGs that we paused, and no other,
go on; a person's pause is kept. Running it twice is harmless: what is settled has no line any
more. It never unpauses a DAG without a line, and never ends a hold that a newer revision joined.
"""

from collections.abc import Collection
from pathlib import Path

import click

from fermata_hooks.clock import rfc3339
from fermata_hooks.dagset_status import conclude
from fermata_hooks.holding import (
    Patience,
    Released,
    Stagger,
    keep_hold,
    let_go_staggered,
    let_some_go,
    preview_release,
    read_status,
    release_everything,
    release_hold,
    release_staggered,
    with_earlier,
    would_settle,
)
from fermata_hooks.jobs.held_selection import held_by, select_held
from fermata_hooks.jobs.options import (
    dry_run_option,
    format_option,
    optional_plan_option,
    select_option,
)
from fermata_hooks.jobs.resuming import GOES_ON, foretell, with_starts
from fermata_hooks.jobs.rollback import run_rollback
from fermata_hooks.jobs.workplace import Workplace, open_workplace, published, run_hook
from fermata_hooks.reporting import Format
from fermata_hooks.resumption import Resumption
from fermata_spec.deadlines import changing_deadline, staggering
from fermata_spec.errors import FermataError, InconclusiveError, RefusedError, SettingsError
from fermata_spec.plan import HoldPolicy, Plan, ReleasePolicy
from fermata_spec.report import Check, DagOutcome, Report


@click.command()
@optional_plan_option("ends the hold of its revision")
@click.option("--application", metavar="NAME", help="End this application's hold, whatever it is.")
@click.option("--all", "everything", is_flag=True, help="End the holds of all applications.")
@select_option("By hand: give back these of the held DAGs, and leave the others held")
@dry_run_option
@format_option
def release(  # noqa: PLR0913 - an option each
    plan_path: Path | None,
    application: str | None,
    *,
    everything: bool,
    expressions: tuple[str, ...],
    dry_run: bool,
    form: Format,
) -> None:
    """Put every DAG back as it was before the hold (SyncFail, or by hand)."""
    if application is not None or everything:
        if application is not None and everything:
            raise SettingsError("--application and --all: give one of them")
        _by_hand(application, form, expressions, dry_run=dry_run)
    elif expressions:
        raise SettingsError("--select: give --application or --all with it")
    elif plan_path is None:
        raise SettingsError("which hold? give --plan, --application or --all")
    else:
        run_hook("release", plan_path, form, preview if dry_run else after_failure, dry_run=dry_run)


def after_failure(plan: Plan, place: Workplace, report: Report) -> None:
    """End the hold of a sync that failed; fill ``report`` and say so in ``DagSet.status``.

    A hold that ``finish`` has kept (``on_failure``) stays: its lease, a person or the next sync
    ends it.
    """
    holds, lines = read_status(place.ledger)
    ours = next((one for one in holds if one.application == plan.application), None)
    if ours and ours.kept and ours.revision == plan.revision:
        report.verdict = "pass"
        report.message = f"kept held until {rfc3339(ours.expires)}: {ours.kept}"
        if plan.rollback.enabled:
            _take_back(plan, place, report)
        return
    if ours or lines:
        run_release(plan, place, report)
    else:
        report.verdict, report.message = "pass", "nothing was held"
    status = place.dagsets.read(plan.application)
    if status.phase == "Syncing" and status.revision == plan.revision:
        message = f"the sync of {plan.revision[:12]} failed; {report.message}"
        conclude(place.dagsets, plan, verdict="fail", message=message)


def _take_back(plan: Plan, place: Workplace, report: Report) -> None:
    """Roll the failed revision back in git; the hold stays, whatever comes of it.

    That a rule forbids it is an answer and no failure of this hook: the report has it.
    """
    part = Report(hook="rollback", application=plan.application, revision="", started="")
    try:
        run_rollback(plan, place, part)
    except RefusedError as exc:
        part.message = str(exc)
    except FermataError as exc:
        part.message = str(exc)
        raise type(exc)(f"{report.message}; {exc}") from exc
    finally:
        report.checks += part.checks
        report.message += f"; rollback: {part.message}"


def keep_after_failure(
    plan: Plan, place: Workplace, report: Report, failed: Collection[str]
) -> None:
    """Do what ``on_failure`` says after a failed verify or smoke; fill ``report``.

    ``quarantine`` keeps the ``failed`` DAGs of the hold and gives the others back, ``keep`` keeps
    all. Raises what ``run_release`` raises.
    """
    quarantined = plan.hold.on_failure == "quarantine"
    if plan.hold.on_failure == "resume" or (quarantined and not failed):
        run_release(plan, place, report)
        return
    reason = f"{plan.revision[:12]} failed; on_failure: {plan.hold.on_failure}"
    if not quarantined:
        _keep(plan, place, report, reason)
        return
    owed = would_settle(place.ledger, plan.application, revision=plan.revision, keep=failed)
    foreseen, refused = foretell(place, report, owed, plan.release)
    if refused:
        _keep(plan, place, report, f"{reason}; {refused}")
    else:
        _keep(plan, place, report, reason, keep=failed, foreseen=foreseen)


def run_release(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what resuming starts, end the hold of ``plan``'s revision, settle, and fill ``report``.

    Raises:
        RefusedError: it starts more than the policy allows; the DAGs are kept held.
        InconclusiveError: a DAG is not back yet, and the report says which and why.
        UnavailableError: Airflow or the store did not answer until the deadline.

    """
    owed = would_settle(place.ledger, plan.application, revision=plan.revision)
    foreseen, refused = foretell(place, report, owed, plan.release)
    if refused:
        _keep(plan, place, report, refused)
        raise RefusedError(f"{plan.application}: {report.message}")
    fill(report, _go_on(plan, place), foreseen)


def _go_on(plan: Plan, place: Workplace) -> Released:
    """End the hold of ``plan``'s revision and settle, as fast as the policy says."""
    holding, application, revision = place.holding, plan.application, plan.revision
    patience = _patience(plan)
    if not plan.release.stagger:
        return release_hold(holding, application, revision=revision, patience=patience)
    return release_staggered(
        holding, application, revision=revision, patience=patience, stagger=_stagger(plan)
    )


def _stagger(plan: Plan) -> Stagger:
    return Stagger(seconds=plan.release.stagger, within=staggering(plan.release))


def preview(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what ``run_release`` would do; change nothing."""
    _preview(place, report, plan.application, plan.revision, plan.release)


def _preview(  # noqa: PLR0913 - what would be released, by name
    place: Workplace,
    report: Report,
    application: str | None,
    revision: str | None,
    policy: ReleasePolicy,
    *,
    dag_ids: Collection[str] | None = None,
) -> None:
    outcomes = preview_release(place.holding, application, revision=revision, dag_ids=dag_ids)
    going_on = [one.dag_id for one in outcomes if one.done in GOES_ON]
    foreseen, refused = foretell(place, report, going_on, policy)
    report.dags += with_starts(outcomes, foreseen)
    report.verdict = "pass"
    would = f"{len(report.dags)} DAG(s) would be settled"
    report.message = f"dry run: {f'would be refused: {refused}' if refused else would}"


def _keep(  # noqa: PLR0913 - what is kept and why, by name
    plan: Plan,
    place: Workplace,
    report: Report,
    reason: str,
    *,
    keep: Collection[str] | None = None,
    foreseen: Resumption | None = None,
) -> None:
    """Keep the hold, or those of its DAGs, for a lease more; settle the others."""
    earlier: list[DagOutcome] = []
    if keep is not None and plan.release.stagger:
        earlier = let_go_staggered(
            place.holding,
            plan.application,
            revision=plan.revision,
            patience=_patience(plan),
            stagger=_stagger(plan),
            keep=keep,
        )
    until = rfc3339(place.clock.now() + plan.hold.lease)
    released = keep_hold(
        place.holding,
        plan.application,
        revision=plan.revision,
        reason=reason,
        keep=keep,
        lease=plan.hold.lease,
        patience=_patience(plan),
    )
    try:
        fill(report, with_earlier(released, earlier), foreseen)
    finally:
        report.message = f"kept held until {until}: {reason}; {report.message}"


def fill(report: Report, released: Released, foreseen: Resumption | None = None) -> None:
    """Put what was released into ``report``; raise if a DAG is not back yet.

    ``foreseen`` is what letting these DAGs go on starts.

    Raises:
        InconclusiveError: DAGs wait for a late request, are gone, or Airflow refused.

    """
    settled = released.settled
    report.dags += with_starts(settled.outcomes, foreseen or Resumption())
    if released.newer:
        message = f"left to {released.newer[:12]}, which has joined the hold"
    elif released.ended or settled.outcomes:
        message = f"{len(settled.outcomes)} DAG(s) settled"
    else:
        message = "nothing was held"
    unsettled = [
        f"{len(dag_ids)} {what}: {', '.join(dag_ids[:5])}"
        for what, dag_ids in (
            ("wait for a late request", settled.waiting),
            ("gone from Airflow", settled.gone),
            ("refused by Airflow", settled.refused),
        )
        if dag_ids
    ]
    until = f" (until {rfc3339(settled.waits_until)})" if settled.waits_until else ""
    report.message = "; ".join([message, *unsettled]) + until
    report.verdict = "inconclusive" if unsettled else "pass"
    report.checks.append(
        Check(
            name="release",
            verdict=report.verdict,
            message=report.message,
            numbers={"settled": len(settled.outcomes), "event log": settled.log_mode or "not read"},
        )
    )
    if unsettled:
        raise InconclusiveError(f"{report.application}: {report.message}")


def _patience(plan: Plan) -> Patience:
    return Patience(
        deadline=changing_deadline(plan.hold.late), for_late_requests=True, lease=plan.hold.lease
    )


def _by_hand(
    application: str | None, form: Format, expressions: Collection[str], *, dry_run: bool
) -> None:
    """End the hold of one application (None: of all), or let some of its DAGs go on.

    Without a plan.
    """
    place = open_workplace(late=HoldPolicy().late)
    report = Report(
        hook="release", application=application or "all applications", revision="", started=""
    )
    with published(report, place, form, dry_run=dry_run):
        some = select_held(place, application, expressions) if expressions else None
        if dry_run:
            _preview(place, report, application, None, ReleasePolicy(), dag_ids=some)
            return
        owed = would_settle(place.ledger, application) if some is None else some
        foreseen, _ = foretell(place, report, owed, ReleasePolicy())
        fill(report, _end(place, application, some), foreseen)
        if some is not None:
            still = len(held_by(place, application))
            report.message += f"; {still} DAG(s) stay held"


def _end(place: Workplace, application: str | None, some: Collection[str] | None) -> Released:
    patience = Patience(deadline=changing_deadline(place.late), for_late_requests=True)
    if some is not None:
        return let_some_go(place.holding, application, some, patience=patience)
    if application is None:
        return release_everything(place.holding, patience=patience)
    return release_hold(place.holding, application, revision=None, patience=patience)
