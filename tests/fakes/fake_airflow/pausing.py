"""Pauses of the fake Airflow: rows in the event log and effects, as each release does it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fakes.fake_airflow.accounts import DeniedError
from fakes.fake_airflow.records import FakeDag
from fakes.fake_airflow.rendering import Rendering

if TYPE_CHECKING:
    from fakes.fake_airflow.routes import WireRequest
    from fakes.fake_airflow.state import FakeAirflow

Query = dict[str, list[str]]


class Pausing:
    """``PATCH /dags/{id}`` and ``PATCH /dags``, and the filters of the list of DAGs."""

    def __init__(self, airflow: "FakeAirflow") -> None:
        self._airflow = airflow
        self._render = Rendering(airflow.release)

    def known(self, dag_id: str) -> FakeDag:
        """Return a DAG, or refuse the request with 404."""
        if dag_id not in self._airflow.dags:
            raise DeniedError(404, f"Dag with id: {dag_id} was not found")
        return self._airflow.dags[dag_id]

    def one(self, request: "WireRequest", query: Query, user: str, dag_id: str) -> dict[str, Any]:
        """Pause or unpause one DAG."""
        if self._airflow.release.generation == 2:
            self._refuse_unknown(query, {"update_mask"})
        body = self._body(request)
        try:
            dag = self._addressed(query, dag_id)
        except DeniedError as exc:
            if exc.status in self._airflow.release.refused_rows:
                self._write_row(request, user, dag_id, body)
            raise
        self._write_row(request, user, dag_id, body)
        dag.is_paused = body["is_paused"]
        return self._render.dag(dag)

    def many(self, request: "WireRequest", query: Query, user: str) -> dict[str, Any]:
        """Pause or unpause all DAGs that match; old releases stop at the end of the page."""
        body = self._body(request)
        if self._airflow.release.generation == 2 and "dag_id_pattern" not in query:
            raise DeniedError(400, "Missing query parameter 'dag_id_pattern'")
        self._write_row(request, user, None, body)
        dags = list(self.matching({"dag_id_pattern": ["None"]} | query, bulk=True))
        limit = int(query.get("limit", ["100"])[-1])
        changed = dags[:limit] if self._airflow.release.bulk_by_page else dags
        for dag in changed:
            dag.is_paused = body["is_paused"]
        page = [self._render.dag(dag) for dag in dags[:limit]]
        return {"dags": page, "total_entries": len(dags)}

    def matching(self, query: Query, *, bulk: bool = False) -> Iterator[FakeDag]:
        """Yield the DAGs that a query's filters match, sorted by id."""
        is_new = self._airflow.release.generation == 3
        leave_out_stale = query.get("exclude_stale" if is_new else "only_active", ["true"])[-1]
        pattern = query.get("dag_id_pattern", [""])[-1].lower()
        if pattern == "~" and (is_new or bulk):
            pattern = ""
        tags, owners = query.get("tags", []), query.get("owners", [])
        for dag_id, dag in sorted(self._airflow.dags.items()):
            if dag.is_stale and leave_out_stale == "true":
                continue
            if pattern not in dag_id.lower():
                continue
            if tags and not set(tags) & set(dag.tags):
                continue
            if not owners or set(owners) & set(dag.owners):
                yield dag

    def _addressed(self, query: Query, dag_id: str) -> FakeDag:
        if query.get("update_mask", ["is_paused"]) != ["is_paused"]:
            raise DeniedError(400, "Only `is_paused` field can be updated through the REST API")
        return self.known(dag_id)

    def _body(self, request: "WireRequest") -> dict[str, Any]:
        body = request.json
        if not isinstance(body, dict) or not isinstance(body.get("is_paused"), bool):
            raise DeniedError(422, "is_paused: Field required")
        return body

    def _write_row(
        self, request: "WireRequest", user: str, dag_id: str | None, body: dict[str, Any]
    ) -> None:
        """Write the request's query and body down; of several equal names the last."""
        extra = {**dict(parse_qsl(request.query)), "is_paused": body["is_paused"]}
        event = self._airflow.pause_event_name + ("" if dag_id else "s")
        self._airflow.write_row(event, user, dag_id, extra | {"method": request.method})

    def _refuse_unknown(self, query: Query, known: set[str]) -> None:
        if unknown := sorted(query.keys() - known):
            raise DeniedError(400, f"Extra query parameter(s) {', '.join(unknown)} not in spec")
