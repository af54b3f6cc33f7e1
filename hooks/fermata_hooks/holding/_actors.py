"""What every actor works with: one Airflow and its ledger."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_hooks.holding._adapter import AirflowPort
from fermata_hooks.holding._airflow import Airflow, Look
from fermata_hooks.ledger import WINDOW, Ledger
from fermata_hooks.ledger.hold_rules import Intent
from fermata_hooks.termination import Termination

LATE = 300.0  # seconds for which a request without an answer may still land (T)
CLOCK_TOLERATED = 10.0  # seconds; what the ledger's times allow for is three times as much
AT_ONCE = 8  # requests at once: 32 deadlock Airflow's API server (measured on 3.3.2)


class LedgerTime:
    """The time by which the ledger counts: Airflow's, which all actors see, wherever they run.

    A clock of ours that differs from it by more than a busy Airflow's ``Date`` lags (4 s were
    measured) is corrected by what was seen last. No two intents of a process have the same end.
    """

    def __init__(self) -> None:
        self.skew = 0.0
        self._last = 0.0

    def learn(self, airflows: float, *, ours: float) -> None:
        """Note what time it was by Airflow's clock, and by ours."""
        skew = airflows - ours
        self.skew = skew if abs(skew) > CLOCK_TOLERATED else 0.0

    def intend(self, *, writer: str, now: float, late: float) -> Intent:
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
    time: LedgerTime = field(default_factory=LedgerTime)

    def now(self) -> float:
        """Return the time by which the ledger counts."""
        return self.clock.now() + self.time.skew

    def look(self, dag_ids: Collection[str]) -> Look:
        """Look at DAGs in Airflow, and at its clock."""
        ours = self.clock.now()
        look = self.airflow.look(dag_ids)
        self.time.learn(look.at, ours=ours)
        return look

    def intend(self) -> Intent:
        """Return a new intent of this process, from now on."""
        return self.time.intend(writer=self.token, now=self.now(), late=self.late)


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
