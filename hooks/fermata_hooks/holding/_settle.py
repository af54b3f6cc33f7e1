"""Settle: bring each DAG that no hold lists to what it would be without us, and drop its line."""

from dataclasses import dataclass

from fermata_hooks.holding._actors import Environment
from fermata_spec.report import DagOutcome


@dataclass(frozen=True, kw_only=True)
class Patience:
    """For how long to settle.

    ``deadline``: seconds in all. ``for_late_requests``: also wait for DAGs whose earlier request
    may still land (True where there is no ``watch``); else these are left in the ledger.
    ``lease``: seconds after which a DAG that Airflow does not know any more is forgotten.
    """

    deadline: float = 600.0
    for_late_requests: bool = False
    lease: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of each DAG, and what is left.

    ``outcomes``: ``running again``, ``left paused``, ``left running``, ``set back``, ``held``
    (another hold lists it), ``waits``, ``gone``, ``refused``. ``waiting`` are the DAGs that stay
    in the ledger until, at the latest, ``waits_until`` (seconds since the epoch). ``refused``:
    Airflow refused to change them. ``log_mode`` says how far persons' changes could be told.
    """

    outcomes: tuple[DagOutcome, ...] = ()
    waiting: tuple[str, ...] = ()
    waits_until: float | None = None
    gone: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    log_mode: str = ""


def settle(environment: Environment, patience: Patience) -> Settled:
    """Settle every line of a DAG that no hold lists; return what became of each.

    Raises:
        UnavailableError: Airflow or the store did not answer until the deadline.
        TerminatedError: SIGTERM; what was answered is written down.

    """
    raise NotImplementedError
