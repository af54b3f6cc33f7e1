"""PreSync: open or join the application's hold, and pause what of it runs."""

from collections.abc import Collection
from dataclasses import dataclass

from fermata_hooks.holding._actors import Environment
from fermata_hooks.ledger import Ledger
from fermata_spec.report import DagOutcome


@dataclass(frozen=True, kw_only=True)
class HoldOrder:
    """What an application wants held.

    ``operation`` is the ``startedAt`` of its sync (empty where unknown). ``lease``: seconds after
    which anybody may end the hold. ``deadline``: seconds that the pausing may take, which must be
    longer than the time that a request may be late.
    """

    application: str
    revision: str
    operation: str
    wanted: Collection[str]
    lease: float
    deadline: float


@dataclass(frozen=True, kw_only=True)
class HeldDags:
    """A complete hold: each of its DAGs is paused, or was set running by a person afterwards.

    ``opened`` is False if there was nothing to hold and no hold to join: then the ledger was not
    written to. ``dag_ids`` is its whole list, also what earlier attempts put on it. ``outcomes``
    has one entry for each wanted DAG. ``joined`` names the revision whose hold it joined.
    ``clock_skew``: how many seconds Airflow's clock was ahead of ours.
    """

    application: str
    revision: str
    token: str
    opened: bool
    dag_ids: frozenset[str]
    outcomes: tuple[DagOutcome, ...]
    joined: str = ""
    log_mode: str = ""
    clock_skew: float = 0.0


def hold_dags(environment: Environment, order: HoldOrder) -> HeldDags:
    """Open or join the hold, and return once all of its DAGs are dealt with.

    With nothing wanted it joins a hold that is there (so that a revert can end a kept one) and
    opens none. Safe to run again at any point: what a DAG was is never overwritten. It never
    unpauses, not even when it fails: that is for whoever ends the hold.

    Raises:
        SettingsError: too many DAGs for the ledger (nothing was paused), or a ledger that this
            release cannot read.
        RejectedError: Airflow refused to pause a DAG (401, 403 …).
        UnavailableError: the hold was ended or taken over by somebody else, the deadline passed,
            or the store gave no answer.
        TerminatedError: SIGTERM; what was answered is written down.

    """
    raise NotImplementedError


def require_ours(environment: Environment, held: HeldDags) -> None:
    """Return if the hold is still ours; ask at each poll while draining.

    Raises:
        UnavailableError: somebody else has ended it or taken it over: nothing may be applied.

    """
    raise NotImplementedError


def is_in_force(ledger: Ledger, application: str, revision: str) -> bool:
    """Return whether ``application`` holds for ``revision`` (asked by verify and smoke)."""
    raise NotImplementedError
