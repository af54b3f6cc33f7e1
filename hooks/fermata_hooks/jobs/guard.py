"""In CI and for people: what the guards would say of a plan.

It changes nothing. With a ledger (``FERMATA_LEDGER``, or in a cluster) locks and the size of the
change are known, too; without one, what a guard has to ask is shown as asked at hold.
"""

import time
from os import environ
from pathlib import Path

import click

from fermata_hooks.guards import ASKED_AT_HOLD, Finding
from fermata_hooks.jobs.guarding import Guards
from fermata_hooks.jobs.locking import parse_time
from fermata_hooks.jobs.options import plan_option
from fermata_hooks.jobs.workplace import Workplace, open_workplace
from fermata_hooks.plan_file import read_plan
from fermata_hooks.reporting import table
from fermata_hooks.settings import in_a_cluster
from fermata_spec.dagset import change
from fermata_spec.errors import RefusedError
from fermata_spec.plan import Plan
from fermata_spec.policy import Policy, read_policy


@click.command()
@plan_option
@click.option("--explain", is_flag=True, help="Show every guard, not only what denies.")
@click.option("--at", metavar="TIME", help="Ask for another time: 2026-12-24T18:00:00+01:00.")
@click.option(
    "--policy",
    "policy_path",
    type=click.Path(path_type=Path),
    envvar="FERMATA_POLICY",
    show_envvar=True,
    help="Guards from outside git: a file, or a folder of them.",
)
def guard(plan_path: Path, *, explain: bool, at: str | None, policy_path: Path | None) -> None:
    """Say what the guards say of a plan; exit 3 if one denies."""
    plan = read_plan(plan_path)
    place = _place(plan)
    now = parse_time(at, "--at") if at else time.time()
    policy = read_policy(policy_path) if policy_path else Policy()
    findings = _ask(plan, place, policy, now)
    rows = [_row(each) for each in findings if explain or each.denies]
    if rows:
        click.echo(table(("guard", "rule", "from", "says", "why"), rows), nl=False)
    elif not findings:
        click.echo("no guard, and no lock")
    denials = [each for each in findings if each.denies and not _is_for_hold(each)]
    if denials:
        raise RefusedError(f"guard {'; '.join(each.told() for each in denials)}")


def _ask(plan: Plan, place: Workplace | None, policy: Policy, now: float) -> list[Finding]:
    status = place.dagsets.read(plan.application) if place else None
    touched = change(plan, status) if status else None
    guards = Guards(plan, place, policy, now=now, status=status, change=touched)
    return [*guards.first(), *guards.then()]


def _place(plan: Plan) -> Workplace | None:
    if not environ.get("FERMATA_LEDGER") and not in_a_cluster():
        return None
    return open_workplace(airflow_url=plan.airflow_url, late=plan.hold.late)


def _is_for_hold(finding: Finding) -> bool:
    return finding.outcome == "unknown" and ASKED_AT_HOLD in finding.message


def _row(finding: Finding) -> tuple[str, str, str, str, str]:
    says: str = "asked at hold" if _is_for_hold(finding) else finding.outcome
    if finding.dry_run and finding.outcome != "allows":
        says = f"{says} (dry run)"
    return finding.guard, finding.rule, finding.origin, says, finding.message
