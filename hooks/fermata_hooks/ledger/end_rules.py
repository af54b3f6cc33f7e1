"""How a hold ends, or is kept after a failed sync."""

from collections.abc import Collection
from dataclasses import replace

from fermata_hooks.ledger._records import Hold, Record


def ended(record: Record, application: str, *, revision: str | None) -> Record:
    """Remove the hold of ``application`` if it is of ``revision`` (None: of whichever)."""
    hold = record.holds.get(application)
    if hold is None or (revision is not None and hold.revision != revision):
        return record
    return record.with_hold(application, None)


def let_go(
    record: Record, application: str, *, revision: str | None, dag_ids: Collection[str]
) -> Record:
    """Take ``dag_ids`` off the hold's list if it is of ``revision``; the rest stays held."""
    hold = record.holds.get(application)
    if hold is None or (revision is not None and hold.revision != revision):
        return record
    todo, held = hold.todo.difference(dag_ids), hold.held.difference(dag_ids)
    return record.with_hold(application, replace(hold, todo=todo, held=held))


def kept(  # noqa: PLR0913 - what is kept, why and for how long, all by name
    record: Record,
    application: str,
    *,
    revision: str,
    reason: str,
    keep: Collection[str] | None,
    expires: float,
    token: str,
) -> Record:
    """Cut the hold's list down to ``keep`` (None: all of it) and extend its lease.

    The new ``token`` stops a hold step that still runs. A hold of another revision is left alone;
    a list cut down to nothing ends the hold.
    """
    hold = record.holds.get(application)
    if hold is None or hold.revision != revision:
        return record
    stay = hold.dags if keep is None else hold.dags.intersection(keep)
    if not stay:
        return record.with_hold(application, None)
    cut = replace(
        hold,
        token=token,
        todo=hold.todo & stay,
        held=hold.held & stay,
        expires=expires,
        kept=reason,
    )
    return record.with_hold(application, cut)


def lease_is_over(hold: Hold, *, now: float) -> bool:
    """Return whether anybody may end the hold by now."""
    return now > hold.expires


def is_over_with(hold: Hold, operation: str | None) -> bool:
    """Return whether the end of ``operation`` ends the hold; None: the Application is gone.

    A kept hold outlives its sync. A hold of an unknown operation is left to its lease.
    """
    if operation is None:
        return True
    return not hold.kept and hold.operation == operation
