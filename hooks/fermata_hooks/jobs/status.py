"""For people at 3 a.m.: who holds which DAG, until when, why, and what will happen next.

It reads the ledger, and what else it can of what stands beside it; it changes nothing, and asks
neither Airflow nor Argo CD.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import click

from fermata_hooks.jobs.held_selection import asks_airflow, read_selectors
from fermata_hooks.jobs.options import select_option
from fermata_hooks.jobs.workplace import Workplace, open_workplace
from fermata_hooks.locks import EVERY
from fermata_hooks.reporting import table
from fermata_hooks.watching import Unverified, stand, unverified
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError
from fermata_spec.plan import HoldPolicy
from fermata_spec.selectors import Wanted
from fermata_spec.standing import Standing

MOST_ROWS = 200  # of DAGs in the text; the JSON has all

Seen = TypeVar("Seen")


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it on stdout.",
)
@select_option("Show these DAGs only (by tag, owner or bundle it cannot: it asks Airflow nothing)")
def status(form: str, expressions: tuple[str, ...]) -> None:
    """Say who holds which DAG, since when, until when, why, and what will happen next."""
    wanted = _wanted(expressions) if expressions else None
    standing = look(open_workplace(late=HoldPolicy().late))
    if wanted is not None:
        standing = only(standing, wanted)
    click.echo(standing.to_json() if form == "json" else as_text(standing), nl=False)


def look(place: Workplace) -> Standing:
    """Look at the ledger, and at what else can be looked at.

    Raises:
        UnavailableError: the ledger's store does not answer.
        SettingsError: a ledger that cannot be read.

    """
    record = place.ledger.read()
    unknown: list[str] = []
    agenda = _if_it_can_be("the agenda", place.agendas.read, unknown)
    found = _if_it_can_be("DagSets", lambda: _all_unverified(place), unknown)
    return stand(
        record,
        now=place.clock.now(),
        ledger=place.where,
        agenda=agenda,
        unverified=found or (),
        locks=_if_it_can_be("locks", place.locks.in_force, unknown) or (),
        unknown=unknown,
    )


def only(standing: Standing, wanted: Wanted) -> Standing:
    """Return it with the DAGs that are ``wanted`` alone; the holds are told whole."""
    select, exclude = wanted
    every = select.mode == "all"
    return replace(
        standing,
        dags=tuple(
            dag
            for dag in standing.dags
            if (every or select.matches_id(dag.dag_id)) and not exclude.matches_id(dag.dag_id)
        ),
    )


def _wanted(expressions: tuple[str, ...]) -> Wanted:
    wanted = read_selectors(expressions)
    if asks_airflow(wanted.select) or asks_airflow(wanted.exclude):
        raise SettingsError("--select: status asks Airflow nothing: name DAG ids and patterns")
    return wanted


def as_text(standing: Standing) -> str:
    """Return it for people; a ledger that holds nothing is said to."""
    parts = [f"{standing.ledger} at {standing.at}\n"]
    if not standing.holds and not standing.dags:
        parts.append("Nothing is held, and no DAG is owed anything.\n")
    for hold in standing.holds:
        kept = f" ({hold.kept})" if hold.kept else ""
        parts.append(
            f"\n{hold.application}@{hold.revision[:12]}: {hold.dags} DAG(s) held since "
            f"{hold.opened}{kept}\n  {hold.next}\n"
        )
    if standing.dags:
        parts.append("\n" + _dags(standing))
    for lock in standing.locks:
        whose = "all applications" if lock.application == EVERY else lock.application
        until = f"until {lock.until}" if lock.until else "until somebody unlocks"
        parts.append(
            f"\n{whose}: locked by {lock.owner} since {lock.since} {until}\n  {lock.reason}\n"
        )
    for denial in standing.denied:
        blocking = f": {', '.join(denial.blocking[:5])}" * bool(denial.blocking)
        parts.append(
            f"\n{denial.application}@{denial.revision[:12]}: denied at {denial.at} by "
            f"{denial.rule}{blocking}\n  {denial.next}\n"
        )
    for each in standing.unverified:
        shown = ", ".join(each.dag_ids[:5]) + (", …" if len(each.dag_ids) > 5 else "")  # noqa: PLR2004
        since = f"since {each.verified[:12]} passed" if each.verified else "so far"
        parts.append(
            f"\n{each.application}: Unverified: {len(each.dag_ids)} DAG(s) not verified {since}: "
            f"{shown}\n  {each.next}\n"
        )
    parts += [f"\nnot known: {what}\n" for what in standing.unknown]
    return "".join(parts)


def _dags(standing: Standing) -> str:
    rows = [
        (dag.dag_id, dag.state, dag.since, dag.until or "-", f"{dag.why}; {dag.next}")
        for dag in standing.dags[:MOST_ROWS]
    ]
    text = table(("dag", "state", "since", "until", "why, and what is next"), rows)
    more = len(standing.dags) - MOST_ROWS
    return text + (f"… and {more} more (--format json has all)\n" if more > 0 else "")


def _all_unverified(place: Workplace) -> list[Unverified]:
    return [found for view in place.views.views() if (found := unverified(view)) is not None]


def _if_it_can_be(what: str, look_at: Callable[[], Seen], unknown: list[str]) -> Seen | None:
    """Return what is seen; None, and why in ``unknown``, if it cannot be looked at."""
    try:
        return look_at()
    except (UnavailableError, RejectedError, SettingsError) as exc:
        unknown.append(f"{what}: {exc}")
        return None
