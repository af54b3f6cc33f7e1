"""A Deployment of one small loop: ends the holds that nobody will release, and keeps watch.

It changes what ``release`` changes, ``DagSet.status`` between syncs, and, where it may, asks Argo
CD for a refresh or for the one sync that a denied revision is owed. Running it twice, at once or
one after the other, is harmless: the ledger's protocol sees to it. It never pauses a DAG but to
set it back to what a person wished, and never touches one without a line in the ledger.
"""

from collections.abc import Callable

import click

from fermata_hooks.audit import Context
from fermata_hooks.clock import rfc3339
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.dagset_requests import DagSetRequests
from fermata_hooks.holding import connect
from fermata_hooks.jobs.options import dry_run_option, format_option
from fermata_hooks.jobs.trailing import who_acts
from fermata_hooks.jobs.workplace import Workplace, open_workplace, published
from fermata_hooks.kube import JOBS, Objects
from fermata_hooks.reporting import Format
from fermata_hooks.settings import ClusterLedger
from fermata_hooks.watching import (
    Buttons,
    Deeds,
    HoldsPass,
    HookJobs,
    Neighbours,
    Outages,
    Pass,
    Watch,
    answering,
    in_a_thread,
    parse_address,
)
from fermata_spec.errors import InconclusiveError, SettingsError
from fermata_spec.plan import HoldPolicy
from fermata_spec.report import Check, DagOutcome, Report
from fermata_spec.units import parse_duration

SHORTEST, LONGEST = 1.0, 600.0

Start = Callable[[Callable[[], None]], None]


@click.command()
@click.option("--once", is_flag=True, help="Do one pass, print a report, and end.")
@click.option(
    "--period", default="15s", show_default=True, help="How long to wait between two passes."
)
@click.option(
    "--listen",
    default=":8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to answer /livez, /readyz and /metrics; no host means every address.",
)
@dry_run_option
@format_option
def watch(*, once: bool, period: str, listen: str, dry_run: bool, form: Format) -> None:
    """Release what nobody will release, and keep statuses true between syncs (Deployment)."""
    seconds, address = _period(period), parse_address(listen)
    place = open_workplace(late=HoldPolicy().late)
    start = in_a_thread if not once else _at_once
    watching = Watch(neighbours(place, start=start), period=seconds)
    if once or dry_run:
        report = Report(hook="watch", application="all applications", revision="", started="")
        with published(report, place, form, dry_run=dry_run):
            if dry_run:
                preview(report, watching)
            else:
                fill(report, watching.do_pass(), watching.outages)
        return
    with answering(address, watching.questions):
        follow_hook_jobs(place, watching)
        place.trail.begin(Context(hook="watch"), who_acts())
        try:
            watching.run()
        finally:
            place.trail.close()


def neighbours(place: Workplace, *, start: Start = in_a_thread) -> Neighbours:
    """Return what the watch works with; raise ``SettingsError`` without Airflow's address.

    ``start`` lets what a button asks for be done, at once or beside the loop.
    """
    return Neighbours(
        environment=place.holding,
        agendas=place.agendas,
        documents=place.documents,
        locks=place.locks,
        trail=place.trail,
        views=place.views,
        airflow=place.airflow,
        argocd=place.argocd,
        calls=lambda: place.calls,
        buttons=_buttons(place, start),
    )


def _buttons(place: Workplace, start: Start) -> Buttons | None:
    """Return what looks after Argo CD's buttons, where DagSets are objects of a cluster."""
    ledger = place.settings.ledger
    if not isinstance(ledger, ClusterLedger):
        return None
    # Its own actors: what they remember between two requests is not for two threads.
    environment = connect(
        place.airflow,
        place.documents,
        clock=place.clock,
        termination=place.termination,
        late=place.late,
    )
    deeds = Deeds(
        environment,
        place.airflow,
        KubernetesDagSets(place.kube, ledger.namespace),
        clock=place.clock,
        termination=place.termination,
    )
    requests = DagSetRequests(place.kube, ledger.namespace)
    return Buttons(requests, deeds.by_action, start=start)


def _at_once(work: Callable[[], None]) -> None:
    work()


def follow_hook_jobs(place: Workplace, watching: Watch) -> None:
    """Follow the hooks' Jobs where there is a cluster and an Argo CD to tell of their end."""
    ledger = place.settings.ledger
    if isinstance(ledger, ClusterLedger) and place.argocd is not None:
        jobs = Objects(place.kube, JOBS, ledger.namespace)
        HookJobs(jobs, watching.applications.refresh, Outages(place.clock)).start()


def preview(report: Report, watching: Watch) -> None:
    """Say what one pass would do; change nothing, and ask Airflow nothing."""
    reasons, dag_ids = watching.foresee()
    report.checks += [
        Check(name="hold would end", verdict="pass", message=f"{application}: {reason}")
        for application, reason in sorted(reasons.items())
    ]
    report.dags += [DagOutcome(dag_id=dag_id, done="would be settled") for dag_id in dag_ids]
    report.verdict = "pass"
    ended = f"{len(reasons)} hold(s) would end"
    report.message = f"dry run: {ended}, {len(dag_ids)} DAG(s) would be settled"


def fill(report: Report, done: Pass, outages: Outages) -> None:
    """Put what one pass did into ``report``; raise what kept it from its work.

    Raises:
        InconclusiveError: a DAG is gone, or Airflow refused to change it.
        FermataError: a neighbour that gave no answer or refuses, as it said so itself.

    """
    if done.holds is not None:
        report.dags += done.holds.settled.outcomes
        report.checks += [
            Check(name="hold ended", verdict="pass", message=f"{each.application}: {each.reason}")
            for each in done.holds.ended
        ]
    report.checks += [
        Check(name="unverified", verdict="inconclusive", message=f"{u.application}: {u.message}")
        for u in done.unverified
    ]
    report.checks += [
        Check(
            name="runtime",
            verdict="pass",
            message=f"{application}: since its last pass, without a commit: {'; '.join(said)}",
        )
        for application, said in sorted(done.changed.items())
    ]
    for exc in (done.failure, *outages.why.values()):
        if exc is not None:
            raise exc
    if done.holds is not None:
        _conclude(report, done.holds)
    if done.unverified:
        report.verdict = "inconclusive"


def _conclude(report: Report, holds: HoldsPass) -> None:
    settled = holds.settled
    waits = f", {len(settled.waiting)} wait" if settled.waiting else ""
    until = f" until {rfc3339(settled.waits_until)}" if settled.waits_until else ""
    done = f"{len(holds.ended)} hold(s) ended, {len(settled.outcomes)} DAG(s) settled"
    report.message = f"{done}{waits}{until}"
    report.verdict = "pass"
    if unsettled := [*settled.gone, *settled.refused]:
        report.verdict = "inconclusive"
        shown = ", ".join(unsettled[:5])
        raise InconclusiveError(f"watch: {len(unsettled)} DAG(s) gone or refused: {shown}")


def _period(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as exc:
        raise SettingsError(f"--period: {exc}") from exc
    if not SHORTEST <= seconds <= LONGEST:
        raise SettingsError(f"--period: {text} is not between {SHORTEST:g}s and {LONGEST:g}s")
    return seconds
