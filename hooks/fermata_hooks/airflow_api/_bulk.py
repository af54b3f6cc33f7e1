"""Which DAGs a request about many of them meant, from its row in the event log."""

import re
from collections.abc import Callable

from fermata_hooks.airflow_api._dialects import REGEX, Dialect
from fermata_hooks.airflow_api.models import PauseEvent
from fermata_hooks.exchange import Query


def meant_by(
    event: PauseEvent, dialect: Dialect, dag_ids: Callable[[Query], list[str]]
) -> list[str]:
    """Return the ids of the DAGs that ``event`` was about; ``dag_ids`` asks Airflow's list."""
    if event.dag_id is not None:
        return [event.dag_id]
    if REGEX in event.filters:
        return _matching(event.filters[REGEX], dag_ids(dialect.all_dags))
    filters = {**dialect.bulk_defaults, **event.filters}
    return dag_ids(
        [(name, value) for name, value in filters.items() if value not in dialect.matches_all]
    )


def _matching(pattern: str, dag_ids: list[str]) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return []  # Airflow's command line had failed as well
    return [dag_id for dag_id in dag_ids if compiled.search(dag_id)]
