"""What every actor works with: one Airflow and its ledger."""

import secrets
from dataclasses import dataclass, field

from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_hooks.holding._airflow import Airflow
from fermata_hooks.ledger import Ledger
from fermata_hooks.termination import Termination

LATE = 300.0  # seconds for which a request without an answer may still land (T)
AT_ONCE = 8  # requests at once: 32 deadlock Airflow's API server (measured on 3.3.2)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One Airflow and its ledger, seen by one process.

    ``token`` names the process in the ledger and in Airflow's event log. ``late`` (T): for how
    many seconds a request that had no answer may still land. ``at_once`` is 1 to send from the
    calling thread only.
    """

    airflow: Airflow
    ledger: Ledger
    clock: Clock
    termination: Termination
    late: float = LATE
    at_once: int = AT_ONCE
    token: str = field(default_factory=lambda: secrets.token_hex(8))


def connect(
    api: AirflowApi,
    documents: Documents,
    *,
    clock: Clock,
    termination: Termination,
    late: float = LATE,
) -> Environment:
    """Return the environment of ``api`` and the ledger in ``documents``.

    Asks Airflow for its version and for one page of its event log, to know what that is worth.
    """
    raise NotImplementedError
