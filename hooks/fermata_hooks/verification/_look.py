"""One look at Airflow: everything that the questions of verify are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.airflow_api import AirflowVersion, Dag, Health, ImportErrorRow
from fermata_hooks.verification._parsing import Parser
from fermata_hooks.verification.evidence import Witness
from fermata_spec.errors import RejectedError

_FORBIDDEN = 403


class Airflow(Parser, Witness, Protocol):
    """What verify asks of Airflow."""

    def version(self) -> AirflowVersion:
        """Return which Airflow this is."""

    def health(self) -> Health:
        """Return the health of the components."""

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs."""

    def import_errors(self) -> list[ImportErrorRow]:
        """Return all import errors."""

    def server_time(self) -> float:
        """Return Airflow's own time at its last answer."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What Airflow answered; ``at`` is its own time. No ``errors`` for want of permission."""

    at: float
    health: Health
    rows: Mapping[str, Dag]
    errors: tuple[ImportErrorRow, ...] | None
    refused: str = ""


def take_look(airflow: Airflow) -> Look:
    """Ask for health, all DAGs and all import errors, in this order.

    The DAGs come before the errors, so that a file that breaks in between is seen to be broken.
    """
    health = airflow.health()
    rows = {dag.dag_id: dag for dag in airflow.dags(include_stale=True)}
    errors: tuple[ImportErrorRow, ...] | None = None
    refused = ""
    try:
        errors = tuple(airflow.import_errors())
    except RejectedError as exc:
        if exc.status != _FORBIDDEN:
            raise
        refused = str(exc)
    return Look(at=airflow.server_time(), health=health, rows=rows, errors=errors, refused=refused)
