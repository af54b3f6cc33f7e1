"""PostSync: prove that Airflow has parsed this revision, and that it lost nothing by it.

It changes nothing in Airflow but the order in which files are parsed. Running it twice is
harmless. It neither releases a hold nor writes ``DagSet.status``: ``finish`` does both.
"""

from pathlib import Path

import click

from fermata_hooks.jobs.options import format_option, plan_option
from fermata_hooks.jobs.proving import handoff_of, hold_guard, prove
from fermata_hooks.jobs.workplace import Workplace, run_hook
from fermata_hooks.reporting import Format
from fermata_spec.plan import Plan
from fermata_spec.report import Report, error_for


@click.command()
@plan_option
@format_option
@click.option(
    "--force",
    is_flag=True,
    help="Prove every DAG of the plan again, also what has passed already.",
)
def verify(plan_path: Path, *, form: Format, force: bool) -> None:
    """Prove that Airflow has parsed this revision, and lost no DAG by it."""
    run_hook(
        "verify",
        plan_path,
        form,
        lambda plan, place, report: run_verify(plan, place, report, force=force),
    )


def run_verify(plan: Plan, place: Workplace, report: Report, *, force: bool = False) -> None:
    """Verify ``plan`` and fill ``report``; with ``force`` also what has passed already.

    Raises:
        RefusedError: a new import error, a missing DAG, too large a loss.
        InconclusiveError: something could not be seen, or not in time.

    """
    handoff = handoff_of(plan, place)
    guard = hold_guard(plan, place, handoff, report, must_hold=False)
    done = prove(plan, place, report, handoff, guard, force=force)
    if error := error_for(done.verdict, done.message):
        raise error
