"""PostSync: run the smoke DAGs on the new revision.

It starts runs that are named after application, revision and sync, so that running it twice joins
them. It never unpauses a DAG, and leaves no run of its own unfinished, not even when it is
terminated.
"""

from pathlib import Path

import click

from fermata_hooks.jobs.options import dry_run_option, format_option, plan_option
from fermata_hooks.jobs.proving import handoff_of, hold_guard, run_smoke_dags
from fermata_hooks.jobs.workplace import Workplace, run_hook
from fermata_hooks.reporting import Format
from fermata_hooks.smoke import run_id
from fermata_spec.plan import Plan
from fermata_spec.report import DagOutcome, Report, error_for


@click.command()
@plan_option
@dry_run_option
@format_option
def smoke(plan_path: Path, *, dry_run: bool, form: Format) -> None:
    """Run the smoke DAGs on the new revision."""
    run_hook("smoke", plan_path, form, preview_smoke if dry_run else run_smoke, dry_run=dry_run)


def run_smoke(plan: Plan, place: Workplace, report: Report) -> None:
    """Run the smoke DAGs of ``plan`` and fill ``report``.

    Raises:
        RefusedError: one of them failed.
        InconclusiveError: one of them could not be run.

    """
    handoff = handoff_of(plan, place)
    guard = hold_guard(plan, place, handoff, report, must_hold=False)
    done = run_smoke_dags(plan, place, report, handoff, guard)
    if error := error_for(done.verdict, done.message):
        raise error


def preview_smoke(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what ``run_smoke`` would start; change nothing."""
    handoff = handoff_of(plan, place)
    number = int(handoff.started if handoff else place.clock.now())
    report.dags += [
        DagOutcome(dag_id=dag.dag_id, done="would run", why=run_id(plan, number))
        for dag in plan.smoke.dags
    ]
    report.verdict = "pass"
    report.message = f"dry run: would run {len(plan.smoke.dags)} smoke DAG(s)"
