"""Lists of runs and tasks whose filters are a body, and dry runs of backfills."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fakes.fake_airflow.accounts import DeniedError
from fakes.fake_airflow.paging import page
from fakes.fake_airflow.rendering import Rendering

if TYPE_CHECKING:
    from fakes.fake_airflow.routes import WireRequest
    from fakes.fake_airflow.state import FakeAirflow

Query = dict[str, list[str]]
Json = dict[str, Any]

TASK_KEYS = {"dag_ids", "dag_run_ids", "task_ids", "state", "start_date_gte"}
TASK_STATES = {
    *("none", "scheduled", "queued", "running", "restarting", "deferred", "up_for_reschedule"),
    *("success", "failed", "skipped", "upstream_failed", "removed", "up_for_retry"),
}
RUN_KEYS = {"dag_ids", "states", "order_by"}
PAGE_KEYS = {"page_limit", "page_offset"}


class History:
    """The endpoints."""

    def __init__(self, airflow: "FakeAirflow") -> None:
        self._airflow = airflow
        self._render = Rendering(airflow.release)
        self._is_new = airflow.release.generation == 3

    def tasks(self, request: "WireRequest", _query: Query, _user: str) -> Json:
        """Return task instances; 2.x does not sort."""
        body = request.json
        self._refuse_unknown(body, TASK_KEYS | ({"order_by"} if self._is_new else set()))
        self._refuse_states(body["state"])
        since = datetime.fromisoformat(body.get("start_date_gte", "1970-01-01T00:00Z")).timestamp()
        found = [
            task
            for task in self._airflow.tasks
            if task.dag_id in body.get("dag_ids", self._airflow.dags)
            and task.state in body["state"]
            and ("task_ids" not in body or task.task_id in body["task_ids"])
            and ("start_date_gte" not in body or (task.start or 0.0) >= since)
        ]
        if body.get("order_by") == "-start_date":
            found.sort(key=lambda task: -(task.start or 0.0))
        return page("task_instances", found, **self._paging(body), render=self._render.task)

    def runs(self, request: "WireRequest", _query: Query, _user: str) -> Json:
        """Return runs."""
        body = request.json
        self._refuse_unknown(body, RUN_KEYS)
        found = [
            run
            for run in self._airflow.runs.values()
            if run.dag_id in body.get("dag_ids", self._airflow.dags)
            and run.state in body.get("states", [run.state])
        ]
        return page("dag_runs", found, **self._paging(body), render=self._render.run)

    def dry_run(self, request: "WireRequest", _query: Query, _user: str) -> Json:
        """Return the logical dates of a DAG's schedule; 2.x has no backfills here."""
        body = request.json
        dag = self._airflow.dags.get(body["dag_id"]) if self._is_new else None
        if dag is None:
            raise DeniedError(404, "Not Found")
        first, last = (
            datetime.fromisoformat(body[name]).timestamp() for name in ("from_date", "to_date")
        )
        dates = []
        if dag.next_due is not None and dag.every:
            when = dag.next_due - (dag.next_due - first) // dag.every * dag.every
            while when <= last:
                dates.append({"logical_date": self._render.time(when)})
                when += dag.every
        return {"backfills": dates, "total_entries": len(dates)}

    def _refuse_states(self, states: Iterable[str]) -> None:
        known = TASK_STATES | (
            {"awaiting_input"} if self._airflow.release.version > "3.3" else set()
        )
        if unknown := set(states) - known:
            raise DeniedError(422 if self._is_new else 400, f"Invalid value for state: {unknown}")

    def _paging(self, body: Json) -> dict[str, int]:
        return {"limit": body.get("page_limit", 100), "offset": body.get("page_offset", 0)}

    def _refuse_unknown(self, body: Json, known: Iterable[str]) -> None:
        if unknown := body.keys() - known - PAGE_KEYS:
            raise DeniedError(422 if self._is_new else 400, f"extra_forbidden: {sorted(unknown)}")
