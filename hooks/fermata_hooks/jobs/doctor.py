"""What is missing, and how to mend it: run on a laptop, or as a Job with the hooks' own account.

It changes nothing: what it may change in Airflow it asks of a DAG that does not exist. 0: all is
well; 3: something must be mended; 5: something could not be looked at.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

import click

from fermata_hooks.diagnosis import (
    HOOKS,
    WATCH,
    Examination,
    examine_airflow,
    examine_argocd,
    examine_cluster,
    examine_tokens,
)
from fermata_hooks.jobs.options import format_option, optional_plan_option
from fermata_hooks.jobs.workplace import Workplace, open_workplace, published
from fermata_hooks.plan_file import read_plan
from fermata_hooks.reporting import Format
from fermata_hooks.settings import ClusterLedger
from fermata_spec.plan import HoldPolicy
from fermata_spec.report import Report, error_for, overall

Section = Literal["kubernetes", "airflow", "argocd"]
SECTIONS: tuple[Section, ...] = ("kubernetes", "airflow", "argocd")
RIGHTS = {"hooks": HOOKS, "watch": WATCH}


@click.command()
@optional_plan_option("says where Airflow is")
@click.option(
    "--skip",
    type=click.Choice(SECTIONS),
    multiple=True,
    help="Leave this out. May be given several times.",
)
@click.option(
    "--account",
    default="",
    metavar="NAME",
    help="Ask what this service account may do, such as fermata, in place of ourselves.",
)
@click.option(
    "--rights",
    type=click.Choice(list(RIGHTS)),
    default="hooks",
    show_default=True,
    help="Whose rights in the cluster are asked about.",
)
@format_option
def doctor(
    plan_path: Path | None,
    *,
    skip: tuple[Section, ...],
    account: str,
    rights: str,
    form: Format,
) -> None:
    """Say what is missing, and the command or the YAML that mends it."""
    airflow_url = read_plan(plan_path).airflow_url if plan_path is not None else ""
    place = open_workplace(airflow_url=airflow_url, late=HoldPolicy().late)
    report = Report(hook="doctor", application=place.where, revision="", started="")
    with published(report, place, form, dry_run=True):
        examine(report, place, skip=skip, account=account, rights=rights)


def examine(
    report: Report, place: Workplace, *, skip: Collection[Section], account: str, rights: str
) -> None:
    """Look at all that is not skipped; fill ``report``.

    Raises:
        RefusedError: something must be mended.
        InconclusiveError: nothing must, as far as could be seen.

    """
    found = Examination()
    sections: dict[Section, Callable[[], None]] = {
        "kubernetes": lambda: _cluster(found, place, account, rights),
        "airflow": lambda: _airflow(found, place),
        "argocd": lambda: _argocd(found, place),
    }
    for name, look in sections.items():
        if name not in skip:
            with found.looking(name):
                look()
    report.checks += found.checks
    report.verdict = overall(found.checks)
    report.message = _summary(report)
    if error := error_for(report.verdict, report.message):
        raise error


def _cluster(found: Examination, place: Workplace, account: str, rights: str) -> None:
    ledger = place.settings.ledger
    if not isinstance(ledger, ClusterLedger):
        found.good("Kubernetes", "not used: the ledger is a folder")
        return
    examine_cluster(
        found,
        place.kube,
        place.clock,
        namespace=ledger.namespace,
        rights=RIGHTS[rights],
        account=account,
    )


def _airflow(found: Examination, place: Workplace) -> None:
    identity = place.settings.identity
    files = [identity.token_file, identity.oidc.subject_token_file if identity.oidc else None]
    mend = "# a token with an end, docs/credentials.md"
    tokens = [("token for Airflow", file, mend) for file in files if file is not None]
    examine_tokens(found, tokens, place.clock)
    examine_airflow(found, place.airflow, place.clock)


def _argocd(found: Examination, place: Workplace) -> None:
    settings, ledger = place.settings, place.settings.ledger
    dex = settings.argocd_dex.token_file if settings.argocd_dex else None
    mend = "argocd proj role create-token PROJECT ROLE --expires-in 720h --token-only"
    files = [file for file in (settings.argocd_token_file, dex) if file is not None]
    examine_tokens(found, [("token for Argo CD", file, mend) for file in files], place.clock)
    if not settings.argocd_namespace or not isinstance(ledger, ClusterLedger):
        told = "not looked at: FERMATA_ARGOCD_NAMESPACE says where it is in this cluster"
        found.unknown("Argo CD", told, "export FERMATA_ARGOCD_NAMESPACE=argocd")
        return
    argocd = settings.argocd_namespace
    examine_argocd(found, place.kube, argocd=argocd, airflow=ledger.namespace)


def _summary(report: Report) -> str:
    counts = {
        verdict: sum(check.verdict == verdict for check in report.checks)
        for verdict in ("fail", "inconclusive", "pass")
    }
    bad = next((c for c in report.checks if c.verdict == report.verdict != "pass"), None)
    first = f"; first: {bad.name}: {bad.message}" if bad else ""
    return (
        f"{counts['fail']} to mend, {counts['inconclusive']} not seen, {counts['pass']} good{first}"
    )
