"""The verbs that Fermata asks of Airflow, the same for ``/api/v1`` (2.x) and ``/api/v2`` (3.x)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from fermata_hooks.airflow_api.credentials import Credentials
from fermata_hooks.airflow_api.models import (
    AirflowVersion,
    Dag,
    DagDetails,
    DagRun,
    Health,
    ImportErrorRow,
    PauseAnswer,
    PauseEvent,
    TaskInstance,
)
from fermata_hooks.clock import Clock


class AirflowApi:
    """One Airflow, reached over HTTP; may be used by several threads at once.

    Every verb raises ``UnavailableError`` (no answer, 5xx, 429) or ``RejectedError`` (other 4xx,
    redirects, answers that are not what Airflow promises), and nothing else. What is safe to
    repeat is repeated a few times inside; ``set_paused`` never is.
    """

    calls: Counter[str]
    """Requests sent so far by kind (``airflow GET``, ``airflow PATCH`` …), for ``Report.calls``."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        clock: Clock,
        timeout: float = 30.0,
        ca_file: Path | None = None,
    ) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close idle connections; also the end of a ``with`` block."""
        raise NotImplementedError

    @property
    def account(self) -> str | None:
        """The user name that our rows in the event log carry, where known (password files)."""
        raise NotImplementedError

    def version(self) -> AirflowVersion:
        """Return which Airflow this is; asked once, then remembered."""
        raise NotImplementedError

    def health(self) -> Health:
        """Return the health of the components; Airflow answers this also when it is unwell."""
        raise NotImplementedError

    def server_time(self) -> float:
        """Return the time by Airflow's clock at its last answer (whole seconds)."""
        raise NotImplementedError

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs that this account may read, each once, sorted by id."""
        raise NotImplementedError

    def dag(self, dag_id: str) -> Dag | None:
        """Return one DAG, stale or not; ``None`` if Airflow has none of that id."""
        raise NotImplementedError

    def dag_details(self, dag_id: str) -> DagDetails | None:
        """Return a DAG with its serialized form; ``None`` if there is none (2.x: or inactive)."""
        raise NotImplementedError

    def dag_source(self, dag: Dag) -> str | None:
        """Return the text of the DAG's file at its last parse; ``None`` if absent or redacted."""
        raise NotImplementedError

    def set_paused(self, dag_id: str, *, paused: bool, tag: str = "") -> PauseAnswer:
        """Pause or unpause one DAG, with exactly one request.

        Never repeated inside, because the ledger must know of each request that had no answer.
        ``tag`` is written into Airflow's event log on 3.x (2.x would refuse it: left out there).
        ``UnreachableError`` means that the request was never sent; any other ``UnavailableError``
        that it may still take effect. An unknown DAG is a ``RejectedError`` of status 404.
        """
        raise NotImplementedError

    def import_errors(self) -> list[ImportErrorRow]:
        """Return the files that could not be imported, sorted by id."""
        raise NotImplementedError

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        """Return the task instances of ``dag_ids`` in ``states``, across all runs."""
        raise NotImplementedError

    def run_task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return the task instances of one run."""
        raise NotImplementedError

    def log_tail(self, ti: TaskInstance, *, lines: int) -> list[str]:
        """Return the last ``lines`` lines of the log of a task's last try; empty if none."""
        raise NotImplementedError

    def trigger(self, dag_id: str, *, run_id: str, conf: Mapping[str, object], note: str) -> DagRun:
        """Start a run called ``run_id``; if there is one of that name already, return that one."""
        raise NotImplementedError

    def dag_run(self, dag_id: str, run_id: str) -> DagRun | None:
        """Return a run; ``None`` if there is none of that id."""
        raise NotImplementedError

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Set a run's state: ``failed`` ends its running tasks."""
        raise NotImplementedError

    def request_parse(self, file_token: str) -> None:
        """Ask Airflow to parse a file soon (3.x: and to look through its bundle for new ones)."""
        raise NotImplementedError

    def pause_events(self, *, since: float, dag_ids: Sequence[str] | None) -> list[PauseEvent]:
        """Return who paused or unpaused since then, oldest first, only of ``dag_ids`` if given.

        Rows about many DAGs at once (``dag_id`` is ``None``) are always among them. Not readable
        is a ``RejectedError`` of status 403. Rows of DAGs that this account may not read are left
        out by Airflow.
        """
        raise NotImplementedError

    def dags_meant(self, event: PauseEvent) -> list[str]:
        """Return the ids of the DAGs that a row about many DAGs meant, as its filters match now."""
        raise NotImplementedError
