"""Who holds what: the ledger as ``fermata status`` shows it."""

from dataclasses import dataclass

from fermata_hooks.ledger import CLOCKS_DIFFER, Ledger, Record


@dataclass(frozen=True, kw_only=True)
class HoldStatus:
    """A hold in force; times are seconds since the epoch, ids are sorted."""

    application: str
    revision: str
    operation: str
    opened: float
    expires: float
    kept: str
    todo: tuple[str, ...]
    held: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LineStatus:
    """A DAG that we owe its way back; ``holders`` are the applications that list it.

    ``settles_after`` is when the last request for it can have no effect any more, None if all
    were answered: until then it stays in the ledger.
    """

    dag_id: str
    mark: str
    since: float
    holders: tuple[str, ...]
    settles_after: float | None
    gone_since: float | None


def read_status(ledger: Ledger) -> tuple[tuple[HoldStatus, ...], tuple[LineStatus, ...]]:
    """Read the ledger; return the holds, by application, and the lines, by DAG id."""
    return status_of(ledger.read())


def status_of(record: Record) -> tuple[tuple[HoldStatus, ...], tuple[LineStatus, ...]]:
    """Return the holds of ``record``, by application, and its lines, by DAG id."""
    holders: dict[str, list[str]] = {}
    for application, hold in sorted(record.holds.items()):
        for dag_id in hold.dags:
            holders.setdefault(dag_id, []).append(application)
    holds = tuple(
        HoldStatus(
            application=application,
            revision=hold.revision,
            operation=hold.operation,
            opened=hold.opened,
            expires=hold.expires,
            kept=hold.kept,
            todo=tuple(sorted(hold.todo)),
            held=tuple(sorted(hold.held)),
        )
        for application, hold in sorted(record.holds.items())
    )
    lines = tuple(
        LineStatus(
            dag_id=dag_id,
            mark=line.mark,
            since=line.since,
            holders=tuple(holders.get(dag_id, ())),
            settles_after=None if (end := line.may_land_until) is None else end + CLOCKS_DIFFER,
            gone_since=line.gone_since,
        )
        for dag_id, line in sorted(record.lines.items())
    )
    return holds, lines
