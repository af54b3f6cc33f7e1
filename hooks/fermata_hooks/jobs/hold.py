"""PreSync: pause the DAGs that the change touches, then wait until none of their tasks runs.

It changes ``is_paused`` of the selected DAGs, the ledger, the handoff and ``DagSet.status``.
Running it twice is harmless: it joins the open hold, and never overwrites what a DAG was. It never
unpauses, not even when it fails: that is for ``release``, ``finish`` and ``watch``.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from fermata_hooks.agenda import Denial
from fermata_hooks.airflow_api import Dag
from fermata_hooks.dagset_status import syncing
from fermata_hooks.drain import Drained, DrainOrder, Tasks, drain
from fermata_hooks.handoff import read_handoff, take_baseline, write_handoff
from fermata_hooks.holding import HeldDags, HoldOrder, hold_dags, read_status, require_ours
from fermata_hooks.jobs.expecting import name_runtime_changes, require_expected
from fermata_hooks.jobs.guarding import DeniedError, Guards, require_allowed, write_down
from fermata_hooks.jobs.options import (
    dry_run_option,
    format_option,
    plan_option,
    select_option,
)
from fermata_hooks.jobs.own_sync import OwnSync, older_render, own_sync
from fermata_hooks.jobs.trailing import MOST_DAGS
from fermata_hooks.jobs.workplace import Workplace, run_hook
from fermata_hooks.reporting import Format
from fermata_hooks.selection import Selection, is_first_deployment, select
from fermata_spec.dagset import Change, DagSetStatus, change
from fermata_spec.deadlines import changing_deadline
from fermata_spec.errors import RefusedError, RejectedError, SettingsError, UnavailableError
from fermata_spec.plan import Plan
from fermata_spec.report import Check, DagOutcome, Report
from fermata_spec.selectors import AFFECTED, Wanted, parse_selectors
from fermata_spec.units import format_duration

DENIED_BY_DRAIN = "drain-deadline"


@click.command()
@plan_option
@select_option("Hold these DAGs in place of the plan's: affected, all")
@dry_run_option
@format_option
def hold(plan_path: Path, *, expressions: tuple[str, ...], dry_run: bool, form: Format) -> None:
    """Pause the DAGs that a change touches, and let their tasks finish (PreSync)."""
    try:
        wanted = parse_selectors(expressions) if expressions else None
    except ValueError as exc:
        raise SettingsError(f"--select: {exc}") from exc
    action = preview_hold if dry_run else run_hold
    run_hook(
        "hold",
        plan_path,
        form,
        lambda plan, place, report: action(plan, place, report, wanted),
        dry_run=dry_run,
    )


def run_hold(plan: Plan, place: Workplace, report: Report, wanted: Wanted | None = None) -> None:
    """Hold what ``plan`` touches, or what is ``wanted`` instead, and drain it; fill ``report``.

    Raises:
        SettingsError: a selector names what nobody knows, or a policy cannot be read; nothing is
            paused.
        InconclusiveError: it cannot be told whether Airflow offers what is wanted; likewise.
        RefusedError: a lock or a guard denies, or Airflow does not offer what is wanted (nothing is
            paused), or tasks still ran at the drain's deadline.
        UnavailableError: somebody else ended the hold, or Airflow or the store did not answer.

    """
    plan = _selecting(plan, wanted)
    before = syncing(place.dagsets, plan)
    touched = change(plan, before)
    place.trail.note(
        "change",
        {
            "verified": before.verified.revision if before.verified else "",
            "dags": sorted(touched.affected)[:MOST_DAGS],
            "dags_in_all": len(touched.affected),
            "target": plan.target,
        },
    )
    guards = _guards(plan, place, before, touched)
    with _denials_written_down(plan, place, report, before):
        require_allowed(guards, guards.first(), report)
    if _nothing_to_do(plan, place, touched):
        write_handoff(place.documents, take_baseline(place.airflow, plan, (), place.clock))
        report.verdict = "pass"
        report.message = "no DAG is touched: nothing is paused"
        return
    with _denials_written_down(plan, place, report, before):
        require_allowed(guards, guards.then(), report)
    sync = own_sync(place, plan.application)
    if said := older_render(plan, sync):
        report.checks.append(said)
    dags = place.airflow.dags(include_stale=True)
    selection = _select(plan, before, dags, report, wanted)
    name_runtime_changes(plan, place, report)
    require_expected(plan, place, report)
    write_handoff(
        place.documents,
        take_baseline(
            place.airflow,
            plan,
            touched.affected,
            place.clock,
            held=selection.wanted,
            dags=dags,
            previous=read_handoff(place.documents, plan.application, plan.revision),
        ),
    )
    held = _pause(plan, place, report, selection, sync)
    _drain(plan, place, report, held, dags=dags, sync=sync)


def preview_hold(
    plan: Plan, place: Workplace, report: Report, wanted: Wanted | None = None
) -> None:
    """Say what ``run_hold`` would pause; change nothing."""
    plan = _selecting(plan, wanted)
    before = place.dagsets.read(plan.application)
    guards = _guards(plan, place, before, change(plan, before), audited=False)
    require_allowed(guards, guards.first(), report)
    if _nothing_to_do(plan, place, change(plan, before)):
        report.verdict, report.message = "pass", "dry run: no DAG is touched: nothing to pause"
        return
    require_allowed(guards, guards.then(), report)
    dags = place.airflow.dags(include_stale=True)
    selection = _select(plan, before, dags, report, wanted)
    require_expected(plan, place, report)
    running = {dag.dag_id for dag in dags if not dag.is_paused}.intersection(selection.wanted)
    report.dags += [
        DagOutcome(dag_id=dag_id, done="would be held")
        if dag_id in running
        else DagOutcome(dag_id=dag_id, done="would be left paused", why="paused already")
        for dag_id in selection.wanted
    ]
    report.dags += left_out(selection)
    report.verdict = "pass"
    report.message = (
        f"dry run: would hold {len(running)} DAG(s), of {len(selection.wanted)} that are selected"
    )


def _guards(
    plan: Plan, place: Workplace, before: DagSetStatus, touched: Change, *, audited: bool = True
) -> Guards:
    return Guards(
        plan,
        place,
        place.policy,
        now=place.clock.now(),
        status=before,
        change=touched,
        audited=audited,
    )


@contextmanager
def _denials_written_down(
    plan: Plan, place: Workplace, report: Report, before: DagSetStatus
) -> Iterator[None]:
    """Write a guard's denial on the agenda and into the DagSet, which else is as it was before."""
    try:
        yield
    except DeniedError as exc:
        report.message = f"{exc}; {write_down(plan, place, exc)}"
        told = f"{plan.revision[:12]} denied by {exc.rules}: {exc}"
        place.dagsets.write(plan.application, replace(before, phase="Idle", message=told))
        raise RefusedError(report.message) from exc


def _selecting(plan: Plan, wanted: Wanted | None) -> Plan:
    """Return the plan with ``wanted`` in place of its own selection; what it excludes stays so."""
    if wanted is None:
        return plan
    exclude = plan.hold.exclude | wanted.exclude
    return replace(plan, hold=replace(plan.hold, select=wanted.select, exclude=exclude))


def _select(
    plan: Plan, before: DagSetStatus, dags: list[Dag], report: Report, wanted: Wanted | None
) -> Selection:
    selection = select(
        plan,
        change(plan, before),
        dags,
        first=is_first_deployment(plan, before, dags),
        where="--select" if wanted else "hold.select",
    )
    if selection.unmatched:
        message = f"no DAG matches {', '.join(selection.unmatched)}"
        report.checks.append(Check(name="select", verdict="pass", message=message))
    return selection


def left_out(selection: Selection) -> list[DagOutcome]:
    """Return why each touched DAG that is not held is not."""
    reasons = (
        (selection.new, "Airflow has not parsed it yet"),
        (selection.excluded, "excluded by hold.exclude"),
        (selection.smoke, "a smoke DAG: a held one would stay queued for ever"),
    )
    return [
        DagOutcome(dag_id=dag_id, done="not held", why=why)
        for dag_ids, why in reasons
        for dag_id in dag_ids
    ]


def _nothing_to_do(plan: Plan, place: Workplace, touched: Change) -> bool:
    """Return whether no DAG is wanted and no hold of ours is open (a retry joins one that is)."""
    if touched.affected or plan.hold.select != AFFECTED:
        return False
    holds, _ = read_status(place.ledger)
    return all(one.application != plan.application for one in holds)


def _pause(
    plan: Plan, place: Workplace, report: Report, selection: Selection, sync: OwnSync
) -> HeldDags:
    held = hold_dags(
        place.holding,
        HoldOrder(
            application=plan.application,
            revision=plan.revision,
            operation=sync.operation,
            wanted=selection.wanted,
            lease=plan.hold.lease,
            deadline=changing_deadline(plan.hold.late),
        ),
    )
    report.dags += [*held.outcomes, *left_out(selection)]
    report.checks.append(
        Check(
            name="hold",
            verdict="pass",
            message=f"{len(held.dag_ids)} DAG(s) held"
            + (f", joined the hold of {held.joined[:12]}" if held.joined else ""),
            numbers={"held": len(held.dag_ids), "new": len(selection.new)},
        )
    )
    return held


def _drain(  # noqa: PLR0913 - a hook's collaborators, and what it has found
    plan: Plan,
    place: Workplace,
    report: Report,
    held: HeldDags,
    *,
    dags: Collection[Dag],
    sync: OwnSync,
) -> None:
    policy = plan.hold
    drained = drain(
        place.airflow,
        DrainOrder(
            tasks=Tasks(
                dag_ids=sorted(held.dag_ids),
                owners={dag.dag_id: dag.owners for dag in dags if dag.dag_id in held.dag_ids},
                wait_for_deferred=policy.wait_for_deferred,
                exclude_run=sync.started_by,
            ),
            deadline=policy.drain_deadline,
            on_deadline=policy.on_deadline,
            extend_to=policy.extend_to,
        ),
        clock=place.clock,
        still_ours=lambda: require_ours(place.holding, held),
    )
    refused = bool(drained.unfinished) and policy.on_deadline != "proceed"
    took = format_duration(drained.seconds)
    message = f"went on in spite of {drained.unfinished}" if drained.unfinished else ""
    report.blockers += drained.blockers
    report.checks.append(
        Check(
            name="drain",
            verdict="fail" if refused else "pass",
            message=drained.unfinished if refused else message or f"still after {took}",
            numbers={"seconds": round(drained.seconds, 1), "blockers": len(drained.blockers)},
        )
    )
    if refused:
        raise RefusedError(f"drain: {drained.unfinished}; {_denied(plan, place, drained)}")
    report.verdict = "pass"
    report.message = f"{len(held.dag_ids)} DAG(s) held, {message or f'drained in {took}'}"


def _denied(plan: Plan, place: Workplace, drained: Drained) -> str:
    """Write the denial down for ``watch``; return what will become of this revision.

    A denial that cannot be written down is one all the same: nobody will follow it up.
    """
    denial = Denial(
        application=plan.application,
        revision=plan.revision,
        rule=DENIED_BY_DRAIN,
        blocking=tuple({blocker.dag_id for blocker in drained.blockers}),
        at=place.clock.now(),
    )
    try:
        return place.agendas.deny(denial).denials[plan.application].outlook
    except (UnavailableError, RejectedError) as exc:
        return f"nothing will happen by itself: not on the agenda: {exc}"
