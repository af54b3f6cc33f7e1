"""SyncFail, where it is enabled, and people: take a failed revision back in git.

It pushes one commit that puts everything since the last verified revision back, and writes down
that it did. Running it twice is harmless: a revision is rolled back once. It changes nothing in
Airflow: the hold stays until the commit that it pushed is verified.
"""

from contextlib import AbstractContextManager, nullcontext
from os import environ
from pathlib import Path

import click

from fermata_hooks import deeds
from fermata_hooks.jobs.options import dry_run_option, format_option, plan_option
from fermata_hooks.jobs.workplace import Workplace, run_hook
from fermata_hooks.reporting import Format
from fermata_hooks.rollback import Deed, Git, Records, Wish, foresee, read_access, roll_back
from fermata_spec.errors import FermataError, RefusedError, SettingsError
from fermata_spec.plan import Plan
from fermata_spec.report import Check, Report, Verdict


@click.command()
@plan_option
@dry_run_option
@format_option
def rollback(plan_path: Path, *, dry_run: bool, form: Format) -> None:
    """Take a failed revision back in git, by one revert commit (SyncFail, or by hand)."""
    run_hook(
        "rollback", plan_path, form, preview_rollback if dry_run else run_rollback, dry_run=dry_run
    )


def run_rollback(plan: Plan, place: Workplace, report: Report) -> None:
    """Roll ``plan``'s revision back; fill ``report``, and raise why it was not done."""
    _do(plan, place, report, dry_run=False)


def preview_rollback(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what ``run_rollback`` would do; push nothing, and write nothing down."""
    _do(plan, place, report, dry_run=True)


def _do(plan: Plan, place: Workplace, report: Report, *, dry_run: bool) -> None:
    try:
        wish = _wish(plan, place)
        access = read_access(_folder(place))
        records = Records(place.documents, plan.application, clock=place.clock)
        act = foresee if dry_run else roll_back
        with _watched(plan, place, dry_run=dry_run):
            deed = act(wish, records, lambda: Git(access, path=environ["PATH"]), clock=place.clock)
    except FermataError as exc:
        verdict: Verdict = "fail" if isinstance(exc, RefusedError) else "inconclusive"
        report.checks.append(Check(name="rollback", verdict=verdict, message=str(exc)))
        raise
    _fill(report, deed, deed.told(wish), dry_run=dry_run)


def _watched(plan: Plan, place: Workplace, *, dry_run: bool) -> AbstractContextManager[None]:
    """Return what puts the rollback into the audit trail, before and after; a dry run is none."""
    if dry_run:
        return nullcontext()
    return place.trail.watched(deeds.Deed(service="git", call=f"roll back {plan.revision[:40]}"))


def _fill(report: Report, deed: Deed, told: str, *, dry_run: bool) -> None:
    report.verdict = "pass"
    report.message = f"dry run: it would be so: {told}" if dry_run else told
    report.checks.append(
        Check(
            name="rollback",
            verdict="pass",
            message=report.message,
            numbers={"commit": deed.commit, "branch": deed.branch},
            lines=deed.taken_back,
        )
    )


def _wish(plan: Plan, place: Workplace) -> Wish:
    if not plan.rollback.enabled:
        raise SettingsError(f"{plan.application}: rollback.enabled is false in fermata.yaml")
    status = place.dagsets.read(plan.application)
    ours = status.revision == plan.revision
    return Wish(
        application=plan.application,
        failed=plan.revision,
        verified=status.verified.revision if status.verified else "",
        verdict=status.verdict if ours else "",
        why=status.message if ours else "",
        policy=plan.rollback,
    )


def _folder(place: Workplace) -> Path:
    folder = place.settings.repository_dir
    if folder is None:
        raise SettingsError("FERMATA_REPOSITORY_DIR: missing: where the repository's Secret is")
    return folder
