"""How Airflow is, seen from outside: asked seldom, told when it changes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fermata_hooks.airflow_api import ComponentHealth, Dag, Health

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_MOST = 5

log = logging.getLogger("fermata.watch")


class Airflow(Protocol):
    """What the looks ask of Airflow."""

    def health(self) -> Health:
        """Return the health of its components."""

    def import_error_count(self) -> int:
        """Return how many files could not be imported."""

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs."""


@dataclass(kw_only=True)
class Airflows:
    """What was seen last; ``import_errors`` is -1 and ``dags`` empty before the first look.

    ``lost``: of each application the DAGs that were verified once and are not there any more.
    """

    healthy: dict[str, bool] = field(default_factory=dict)
    import_errors: int = -1
    dags: dict[str, int] = field(default_factory=dict)
    lost: dict[str, tuple[str, ...]] = field(default_factory=dict)


class AirflowLook:
    """Looks at one Airflow: two requests for its health, a few pages for its inventory."""

    def __init__(self, airflow: Airflow) -> None:
        self._airflow = airflow
        self.seen = Airflows()

    def look_at_health(self) -> None:
        """Read the components' health and the number of import errors."""
        health = self._airflow.health()
        for name in COMPONENTS:
            component: ComponentHealth = getattr(health, name)
            if component.status is None:
                self.seen.healthy.pop(name, None)  # it never ran, or is part of another one
                continue
            if self.seen.healthy.get(name, True) != component.healthy:
                log.warning("Airflow: %s is %s", name, component.status)
            self.seen.healthy[name] = component.healthy
        count = self._airflow.import_error_count()
        if count != self.seen.import_errors and (count or self.seen.import_errors > 0):
            before = "" if self.seen.import_errors < 0 else f", {self.seen.import_errors} before"
            log.warning("Airflow: %d import error(s)%s", count, before)
        self.seen.import_errors = count

    def look_at_dags(self, verified: Mapping[str, frozenset[str]]) -> None:
        """Read the inventory; ``verified`` are the DAGs that each application's last pass saw."""
        dags = self._airflow.dags(include_stale=True)
        present = {dag.dag_id for dag in dags if not dag.is_stale}
        self.seen.dags = {
            "present": len(present),
            "stale": len(dags) - len(present),
            "paused": sum(dag.is_paused and not dag.is_stale for dag in dags),
        }
        lost = {app: tuple(sorted(ids - present)) for app, ids in verified.items()}
        for application, dag_ids in lost.items():
            if dag_ids and dag_ids != self.seen.lost.get(application):
                shown = ", ".join(dag_ids[:_MOST])
                log.warning("%s: %d verified DAG(s) lost: %s", application, len(dag_ids), shown)
        self.seen.lost = lost
