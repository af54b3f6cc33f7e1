"""How long a task usually takes: the median of its last successes, asked once for each task."""

import logging
from statistics import median
from typing import Protocol

from fermata_spec.errors import RejectedError, UnavailableError

SUCCESSES = 11  # of which the median is taken
MOST_TASKS = 20  # whose history is asked for in one drain: a hint must not cost more than the wait

log = logging.getLogger("fermata.drain")


class History(Protocol):
    """What is asked of Airflow."""

    def durations(self, dag_id: str, task_id: str, *, now: float, most: int) -> list[float]:
        """Return how long the last successful runs of a task took, in seconds."""


class UsualDurations:
    """The usual durations of the tasks that were asked for; None where nothing tells."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[tuple[str, str], float | None] = {}
        self._is_told = True

    def of(self, dag_id: str, task_id: str, *, now: float) -> float | None:
        """Return the usual duration in seconds; after one failure nothing more is asked."""
        key = dag_id, task_id
        if key not in self._known and self._is_told and len(self._known) < MOST_TASKS:
            self._known[key] = self._ask(dag_id, task_id, now)
        return self._known.get(key)

    def _ask(self, dag_id: str, task_id: str, now: float) -> float | None:
        try:
            durations = self._history.durations(dag_id, task_id, now=now, most=SUCCESSES)
        except (RejectedError, UnavailableError) as exc:
            log.info("usual durations are not known: %s", exc)
            self._is_told = False
            return None
        return median(durations) if durations else None
