"""The audit trail, for people: is it whole, and who deployed what, when."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from os import environ
from pathlib import Path

import click

from fermata_hooks.audit import Anchor, Anchors, Deploy, deploys
from fermata_hooks.audit import verify as verify_file
from fermata_hooks.audit.commits import people_of
from fermata_hooks.jobs.locking import parse_time
from fermata_hooks.jobs.workplace import open_workplace
from fermata_hooks.reporting import table
from fermata_hooks.settings import in_a_cluster
from fermata_spec.errors import RefusedError
from fermata_spec.plan import HoldPolicy

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_NAMES = [each.name for each in fields(Deploy)]
_COLUMNS = ("at", "what", "application", "revision", "verdict", "initiator", "people", "dags")


@click.group()
def audit() -> None:
    """Read the audit trail."""


@audit.command()
@_file
@click.option("--among-others", is_flag=True, help="Pass over lines that are none of a trail.")
@click.option("--part", is_flag=True, help="FILE need not hold every chain of the ledger.")
def verify(file: Path, *, among_others: bool, part: bool) -> None:
    """Say whether FILE is whole; exit 3, and the first broken line, if it is not.

    With a ledger (FERMATA_LEDGER, or in a cluster) its anchors tell of what was cut off.
    """
    anchors = _anchors()
    found = verify_file(file, anchors, among_others=among_others, whole=not part)
    if found.broken:
        raise RefusedError(found.broken)
    others = f", {found.others} other line(s)" if found.others else ""
    span = f", {found.first} to {found.last}" if found.first else ""
    click.echo(f"{file}: {found.lines} line(s), {len(found.chains)} chain(s){span}{others}: whole")
    if anchors is None:
        click.echo("no ledger: whether an end was cut off is not known (FERMATA_LEDGER)")
    elif found.unanchored:
        click.echo(f"{found.unanchored} chain(s) without an anchor: their ends are not known")


@audit.command("list")
@_file
@click.option("--dag", help="Only what touched this DAG.")
@click.option("--application", help="Only this application.")
@click.option("--person", help="Only what this person started, committed, locked or overrode.")
@click.option("--since", metavar="TIME", help="Only from then on.")
@click.option("--until", metavar="TIME", help="Only before.")
@click.option(
    "--repository",
    type=click.Path(path_type=Path, file_okay=False),
    help="A clone, for the authors and committers of what was deployed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "csv")),
    default="text",
    show_default=True,
    help="How to print it.",
)
def list_(  # noqa: PLR0913 - click passes each option by name
    file: Path,
    *,
    dag: str | None,
    application: str | None,
    person: str | None,
    since: str | None,
    until: str | None,
    repository: Path | None,
    form: str,
) -> None:
    """Say who deployed what, when, by the trail in FILE."""
    first = parse_time(since, "--since") if since else float("-inf")
    last = parse_time(until, "--until") if until else float("inf")
    found = []
    for each in deploys(file):
        if dag is not None and dag not in each.dags:
            continue
        if application is not None and application != each.application:
            continue
        if not first <= _seconds(each.at) < last:
            continue
        if repository is not None and each.revision:
            each.people = people_of(repository, each.verified, each.revision)
        if person is None or person.lower() in _persons(each):
            found.append(each)
    click.echo(_printed(found, form), nl=False)


def _printed(found: list[Deploy], form: str) -> str:
    if form == "json":
        return json.dumps([asdict(each) for each in found], indent=1) + "\n"
    if form == "csv":
        return _csv(found)
    rows = ([_cell(each, name) for name in _COLUMNS] for each in found)
    return table(_COLUMNS, rows) if found else "nothing\n"


def _csv(found: list[Deploy]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_NAMES)
    for each in found:
        writer.writerow(_harmless(_whole(each, name)) for name in _NAMES)
    return out.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: names come from git and from users."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _whole(deploy: Deploy, name: str) -> str:
    value = getattr(deploy, name)
    return ", ".join(value) if isinstance(value, list) else str(value)


def _cell(deploy: Deploy, name: str) -> str:
    if name == "revision":
        return deploy.revision[:12]
    if name == "verdict" and deploy.overridden:
        return f"{deploy.verdict} (overridden: {deploy.overridden})"
    value = getattr(deploy, name)
    if isinstance(value, list):
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""  # noqa: PLR2004 - a cell
        return ", ".join(value[:3]) + more
    return str(value)


def _persons(deploy: Deploy) -> Iterator[str]:
    """Yield the names by which a person is found: whole, or the address alone."""
    for name in (deploy.initiator, deploy.actor, *deploy.people):
        yield name.lower()
        before, _, address = name.lower().partition(" <")
        yield before
        yield address.rstrip(">")


def _seconds(at: str) -> float:
    try:
        return datetime.fromisoformat(at).astimezone(UTC).timestamp()
    except ValueError:
        return 0.0


def _anchors() -> Mapping[str, Anchor] | None:
    if not environ.get("FERMATA_LEDGER") and not in_a_cluster():
        return None
    place = open_workplace(late=HoldPolicy().late)
    return Anchors(place.documents, clock=place.clock).read()
