"""What every actor works with: one Airflow and its ledger."""

import secrets
from dataclasses import dataclass, field

from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_hooks.holding._adapter import AirflowPort
from fermata_hooks.holding._airflow import Airflow
from fermata_hooks.ledger import WINDOW, Ledger
from fermata_hooks.ledger.hold_rules import Intent
from fermata_hooks.termination import Termination

LATE = 300.0  # seconds for which a request without an answer may still land (T)
AT_ONCE = 8  # requests at once: 32 deadlock Airflow's API server (measured on 3.3.2)


class Intents:
    """The intents of one process; no two have the same end, however slow its clock is."""

    def __init__(self) -> None:
        self._last = 0.0

    def state(self, *, writer: str, now: float, late: float) -> Intent:
        """Return a new intent from ``now`` on: it is to be written before its requests leave."""
        ends = max(round(now, 3) + WINDOW, round(self._last + 0.001, 3))
        self._last = ends
        return Intent(writer=writer, until=round(ends + late, 3), ends=ends)


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
    intents: Intents = field(default_factory=Intents)

    def intend(self) -> Intent:
        """Return a new intent of this process, from now on."""
        return self.intents.state(writer=self.token, now=self.clock.now(), late=self.late)


def connect(
    api: AirflowApi,
    documents: Documents,
    *,
    clock: Clock,
    termination: Termination,
    late: float = LATE,
) -> Environment:
    """Return the environment of ``api`` and of the ledger in ``documents``; asks nobody yet."""
    return Environment(
        airflow=AirflowPort(api, clock=clock),
        ledger=Ledger(documents, clock=clock),
        clock=clock,
        termination=termination,
        late=late,
    )
