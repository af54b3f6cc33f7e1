"""For people: let nothing be deployed for a while, and take that back.

They change the locks beside the ledger and nothing else; neither Airflow nor Argo CD is asked.
"""

import getpass
import time
from datetime import UTC, datetime

import click

from fermata_hooks.audit import Context
from fermata_hooks.deeds import Deed
from fermata_hooks.jobs.options import dry_run_option
from fermata_hooks.jobs.trailing import who_acts
from fermata_hooks.jobs.workplace import Workplace, open_workplace
from fermata_hooks.locks import EVERY, Lock
from fermata_spec.errors import SettingsError
from fermata_spec.plan import HoldPolicy
from fermata_spec.units import parse_duration

_application = click.option(
    "--application",
    metavar="NAME",
    default=EVERY,
    help="Only this application, by its instance name in Argo CD; left out: all of the ledger's.",
)


@click.command()
@_application
@click.option("--reason", required=True, help="Why: a denied deploy says so.")
@click.option("--owner", help="Whose lock it is; left out: the user of this machine.")
@click.option("--for", "duration", metavar="2h", help="How long.")
@click.option("--until", metavar="TIME", help="Until when: 2026-12-01T08:00:00+01:00.")
@click.option("--without-end", is_flag=True, help="Until somebody unlocks.")
@click.option("--replace", is_flag=True, help="In place of the lock that there is.")
@dry_run_option
def lock(  # noqa: PLR0913 - click passes each option by name
    application: str,
    *,
    reason: str,
    owner: str | None,
    duration: str | None,
    until: str | None,
    without_end: bool,
    replace: bool,
    dry_run: bool,
) -> None:
    """Deny every deploy, until a time that has to be said."""
    if sum((duration is not None, until is not None, without_end)) != 1:
        raise SettingsError("how long? give one of --for, --until and --without-end")
    if not reason.strip():
        raise SettingsError("--reason: empty: say why nothing may be deployed")
    now = time.time()
    wanted = Lock(
        application=application,
        reason=reason,
        owner=owner or getpass.getuser(),
        since=now,
        expires=None if without_end else _expires(now, duration, until),
    )
    place = open_workplace(late=HoldPolicy().late)
    if without_end:
        click.echo("warning: this lock never ends by itself", err=True)
    if dry_run:
        click.echo(f"dry run: would lock: {wanted.told()}")
        return
    with place.trail.watched(_deed("lock", application)):
        place.locks.put(wanted, replace=replace)
    _note(place, "locked", wanted)
    click.echo(wanted.told())


@click.command()
@_application
@dry_run_option
def unlock(application: str, *, dry_run: bool) -> None:
    """Take a lock away; there being none is fine."""
    place = open_workplace(late=HoldPolicy().late)
    there = _lock_of(place, application)
    if there is not None and not dry_run:
        with place.trail.watched(_deed("unlock", application)):
            place.locks.remove(application)
        _note(place, "unlocked", there)
    if there is None:
        click.echo(f"{'all applications' if application == EVERY else application}: not locked")
    else:
        click.echo(f"{'dry run: would unlock' if dry_run else 'unlocked'}: {there.told()}")


def _deed(call: str, application: str) -> Deed:
    return Deed(service="locks", call=f"{call} {application}")


def _note(place: Workplace, event: str, lock: Lock) -> None:
    context = Context(application=lock.application)
    said = {"owner": lock.owner, "reason": lock.reason, "until": lock.until, **who_acts()}
    place.trail.note(event, said, context=context)
    place.trail.close()


def _lock_of(place: Workplace, application: str) -> Lock | None:
    found = [each for each in place.locks.in_force() if each.application == application]
    return found[0] if found else None


def _expires(now: float, duration: str | None, until: str | None) -> float:
    if duration is not None:
        try:
            return now + parse_duration(duration)
        except ValueError as exc:
            raise SettingsError(f"--for: {exc}") from exc
    expires = parse_time(until or "", "--until")
    if expires <= now:
        raise SettingsError(f"--until: {until} is over already")
    return expires


def parse_time(text: str, option: str) -> float:
    """Return a time in seconds since the epoch; one without a time zone is of UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise SettingsError(f"{option}: {text!r} is no time like 2026-12-01T08:00:00Z") from exc
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
