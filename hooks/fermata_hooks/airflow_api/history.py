"""What has run, what runs, and what would run: questions about many runs at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter

from fermata_hooks.airflow_api import _parsing
from fermata_hooks.airflow_api._conversation import Conversation
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._pages import PAGE
from fermata_hooks.airflow_api._questions import NOT_FOUND, Questions, fields_of
from fermata_hooks.airflow_api._scans import Scan
from fermata_hooks.airflow_api.models import ACTIVE_RUN_STATES, DagRun, Pool
from fermata_hooks.exchange import segment
from fermata_spec.errors import RejectedError

RECENT = 14 * 86400.0  # seconds: as far back as durations are of interest


class History:
    """Questions about runs and task instances; ``AirflowApi.history``."""

    def __init__(self, talk: Conversation, questions: Questions) -> None:
        self._talk = talk
        self._questions = questions

    def durations(self, dag_id: str, task_id: str, *, now: float, most: int) -> list[float]:
        """Return how long the last ``most`` successful runs of a task took, in seconds; one call.

        2.x cannot sort here: of a task with more than a page of successes in the last fourteen
        days these are not the last ones.
        """
        dialect = self._talk.dialect
        body = {
            "dag_ids": [dag_id],
            "task_ids": [task_id],
            "state": ["success"],
            "start_date_gte": _written(now - RECENT),
            **dialect.newest_first,
            "page_limit": most if dialect.newest_first else PAGE,
        }
        answer = self._questions.search("/dags/~/dagRuns/~/taskInstances/list", body)
        found = [_run_of(fields) for fields in fields_of(answer).each("task_instances")]
        found.sort()
        return [took for _, took in found[-most:] if took is not None]

    def active_runs(self, dag_ids: Sequence[str]) -> list[DagRun]:
        """Return the runs of ``dag_ids`` that are queued or running."""
        body = {"states": sorted(ACTIVE_RUN_STATES)}
        scan = Scan(self._questions, "/dags/~/dagRuns/list", "dag_runs", body)
        return scan.rows(dag_ids, _parsing.dag_run, lambda run: (run.dag_id, run.run_id))

    def runs(self, dag_id: str) -> list[DagRun]:
        """Return all runs of a DAG."""
        body = {"dag_ids": [dag_id]}
        path, key = "/dags/~/dagRuns/list", attrgetter("run_id")
        return self._questions.batch(path, "dag_runs", body, _parsing.dag_run, key)

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Remove a run that has finished; one that is gone already is as good."""
        path = f"/dags/{segment(dag_id)}/dagRuns/{segment(run_id)}"
        try:
            self._questions.ask("DELETE", path)
        except RejectedError as exc:
            if exc.status != NOT_FOUND:
                raise

    def returned(self, dag_id: str, run_id: str, task_id: str) -> str | None:
        """Return the text that a task of a run has returned; ``None`` if it has returned none.

        Needs ``can_read`` on XComs. What is no text is one by 2.x's own writing of it.
        """
        run = f"/dags/{segment(dag_id)}/dagRuns/{segment(run_id)}"
        path = f"{run}/taskInstances/{segment(task_id)}/xcomEntries/return_value"
        fields = self._questions.one_or_none(path)
        return fields.optional_text("value") if fields else None

    def pool(self, name: str) -> Pool | None:
        """Return how full a pool is; ``None`` if there is none of that name."""
        fields = self._questions.one_or_none(f"/pools/{segment(name)}")
        return _pool(fields) if fields else None

    def scheduled_between(self, dag_id: str, *, first: float, last: float) -> int:
        """Return how many logical dates the DAG's timetable has from ``first`` to ``last``.

        By a dry run of a backfill, which changes nothing and knows every timetable (3.x): an
        account that may not make backfills gets a ``RejectedError`` of status 403, and 2.x, which
        has no such question, answers 404.
        """
        body = {
            "dag_id": dag_id,
            "from_date": _written(first),
            "to_date": _written(last),
            "reprocess_behavior": "none",
            "run_backwards": False,
            "dag_run_conf": {},
        }
        answer = self._questions.search("/backfills/dry_run", body)
        return fields_of(answer).number("total_entries")


def _pool(fields: Fields) -> Pool:
    slots = fields.number("slots")
    return Pool(slots=slots, open=fields.number("open_slots"))


def _run_of(fields: Fields) -> tuple[float, float | None]:
    """Return when a task instance started, and how long it took."""
    start, end = fields.time("start_date"), fields.time("end_date")
    return start or 0.0, None if start is None or end is None else end - start


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
