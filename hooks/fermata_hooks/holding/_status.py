"""Who holds what: the ledger as ``fermata status`` shows it."""

from dataclasses import dataclass

from fermata_hooks.ledger import Ledger


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
    """Return the holds, by application, and the lines, by DAG id."""
    raise NotImplementedError
