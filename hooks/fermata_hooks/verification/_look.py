"""One look at Airflow: everything that the questions of verify are judged by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fermata_hooks.airflow_api import AirflowVersion, Dag, DagWarning, Health, ImportErrorRow
from fermata_hooks.verification import structure
from fermata_hooks.verification._parsing import Parser
from fermata_hooks.verification.evidence import Witness
from fermata_spec.errors import RejectedError

_FORBIDDEN = 403

Row = TypeVar("Row")


class Warnings(Protocol):
    """Where the warnings are asked for."""

    def warnings(self) -> list[DagWarning]:
        """Return all warnings."""


class Airflow(Parser, Witness, structure.Airflow, Protocol):
    """What verify asks of Airflow."""

    @property
    def offers(self) -> Warnings:
        """What else Airflow tells."""

    def version(self) -> AirflowVersion:
        """Return which Airflow this is."""

    def reads_every_dag(self) -> bool:
        """Return whether this account may read all DAGs."""

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
    """What Airflow answered; ``at`` is its own time.

    No ``errors`` or ``warnings`` for want of permission; why is in ``refused`` and ``unwarned``.
    """

    at: float
    health: Health
    rows: Mapping[str, Dag]
    errors: tuple[ImportErrorRow, ...] | None
    refused: str = ""
    warnings: tuple[DagWarning, ...] | None = ()
    unwarned: str = ""


def take_look(airflow: Airflow, *, warnings: bool = True) -> Look:
    """Ask for health, all DAGs, all import errors and (if wanted) warnings, in this order.

    The DAGs come before the errors, so that a file that breaks in between is seen to be broken.
    """
    health = airflow.health()
    rows = {dag.dag_id: dag for dag in airflow.dags(include_stale=True)}
    errors, refused = _if_permitted(airflow.import_errors)
    warned, unwarned = _if_permitted(airflow.offers.warnings) if warnings else ((), "")
    return Look(
        at=airflow.server_time(),
        health=health,
        rows=rows,
        errors=errors,
        refused=refused,
        warnings=warned,
        unwarned=unwarned,
    )


def _if_permitted(ask: Callable[[], list[Row]]) -> tuple[tuple[Row, ...] | None, str]:
    """Return the rows; without the permission none, and what Airflow said."""
    try:
        return tuple(ask()), ""
    except RejectedError as exc:
        if exc.status != _FORBIDDEN:
            raise
        return None, str(exc)
