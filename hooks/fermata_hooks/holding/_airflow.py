"""The port to Airflow: the three things that holding asks of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.ledger import LogMode, PauseRow


@dataclass(frozen=True)
class Look:
    """Which DAGs were paused; ids that Airflow does not know are absent.

    ``at`` is Airflow's own time (its Date header) before the first of them was read.
    """

    paused: Mapping[str, bool]
    at: float


@dataclass(frozen=True)
class PauseRows:
    """Rows of the event log, and the ids of all that were read (one may have meant no DAG)."""

    rows: Collection[PauseRow]
    ids: Collection[int]


class Airflow(Protocol):
    """What the actors need of one Airflow.

    ``log_mode`` says what its event log is worth: ``values``: rows tell who asked for what;
    ``order``: rows tell who was last (Airflow 3.0 writes a wrong value); ``unreadable``: nothing.
    ``answers_before_commit``: a 200 does not prove that the change is in the database (3.0).
    """

    @property
    def log_mode(self) -> LogMode: ...

    @property
    def answers_before_commit(self) -> bool: ...

    def look(self, dag_ids: Collection[str]) -> Look:
        """Return the paused states of ``dag_ids``, stale DAGs included."""

    def set_paused(self, dag_id: str, *, paused: bool, tag: str) -> None:
        """Ask once; returns when answered with 200.

        Raises ``RejectedError`` (with its status; 404: no such DAG) when it was refused, and
        ``UnavailableError`` when no answer came: the request may still land.
        """

    def pause_rows(self, *, since: float, known: Collection[int]) -> PauseRows:
        """Return the event log's rows about pausing since then, but for the ``known`` ones.

        ``known`` are all ids that were read since the same time. A row that was written in bulk
        comes back once for each DAG that it meant.
        """
