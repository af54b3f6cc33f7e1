"""Which request means what: the fake's endpoints, for both generations of the API."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from fakes.fake_airflow.accounts import DeniedError
from fakes.fake_airflow.history import History
from fakes.fake_airflow.paging import page
from fakes.fake_airflow.pausing import Pausing
from fakes.fake_airflow.rendering import Rendering
from fakes.fake_airflow.running import Running

if TYPE_CHECKING:
    from fakes.fake_airflow.records import FakeImportError, FakeRow
    from fakes.fake_airflow.state import FakeAirflow

REDACTED_TRACE = "REDACTED - you do not have read permission on all Dags in the file"
HTML_404 = b"<!DOCTYPE html>\n<html><head><title>Airflow 404</title></head></html>"

Row = TypeVar("Row")
Query = dict[str, list[str]]
Json = dict[str, Any]


@dataclass(frozen=True)
class WireRequest:
    """A request as it came: ``segments`` are the path's, unquoted."""

    method: str
    segments: tuple[str, ...]
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The body."""
        return json.loads(self.body or b"null")


@dataclass
class Reply:
    """An answer; a body that is not bytes is sent as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Routes:
    """The endpoints; each gets the request, the user, and the free parts of the path."""

    def __init__(self, airflow: "FakeAirflow") -> None:
        self._airflow = airflow
        self._render = Rendering(airflow.release)
        self._pausing = Pausing(airflow)
        self._running = Running(airflow)
        self._history = History(airflow)
        self._base = [part for part in airflow.base_path.split("/") if part]
        self._table: Sequence[tuple[str, str, Callable[..., Any]]] = (
            ("GET", "dags", self._dags),
            ("PATCH", "dags", self._pausing.many),
            ("GET", "dags/*", self._dag),
            ("PATCH", "dags/*", self._pausing.one),
            ("GET", "dags/*/details", self._details),
            ("GET", "dags/*/tasks", self._tasks),
            ("POST", "dags/~/dagRuns/~/taskInstances/list", self._history.tasks),
            ("POST", "dags/~/dagRuns/list", self._history.runs),
            ("POST", "backfills/dry_run", self._history.dry_run),
            ("POST", "dags/*/dagRuns", self._running.trigger),
            ("GET", "dags/*/dagRuns/*", self._running.get),
            ("PATCH", "dags/*/dagRuns/*", self._running.patch),
            ("DELETE", "dags/*/dagRuns/*", self._running.delete),
            ("GET", "dags/*/dagRuns/*/taskInstances", self._run_tasks),
            (
                "GET",
                "dags/*/dagRuns/*/taskInstances/*/xcomEntries/return_value",
                self._running.returned,
            ),
            ("GET", "dags/*/dagRuns/*/taskInstances/*/logs/*", self._log),
            ("GET", "dagSources/*", self._source),
            ("GET", "importErrors", self._import_errors),
            ("PUT", "parseDagFile/*", self._parse),
            ("GET", "eventLogs", self._event_logs),
            ("GET", "dagWarnings", self._warnings),
            ("GET", "providers", self._providers),
            ("GET", "pools/*", self._pool),
            ("GET", "connections/*", self._connection),
            ("GET", "variables/*", self._variable),
        )

    def answer(self, request: WireRequest) -> Reply:
        """Do what is asked, and return the answer."""
        try:
            return self._answer(request)
        except DeniedError as exc:
            problem = self._render.problem(exc.status, exc.text)
            return Reply(exc.status, problem, self._problem_type())

    def _answer(self, request: WireRequest) -> Reply:
        segments = list(request.segments)
        if segments[: len(self._base)] != self._base:
            return Reply(404, b"<html><title>ingress</title></html>", {"Content-Type": "text/html"})
        segments = segments[len(self._base) :]
        if segments == ["auth", "token"] and self._airflow.release.generation == 3:
            return self._token(request)
        if segments[:2] != self._airflow.release.root.split("/")[1:]:
            return self._elsewhere(segments)
        segments = segments[2:]
        if segments == ["version"]:
            return Reply(200, {"version": self._airflow.release.version, "git_version": None})
        if segments in (["monitor", "health"], ["health"]):
            return Reply(200, self._health())
        user = self._airflow.accounts.user_of(request.headers, request.method, request.path)
        query: Query = {}
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return self._dispatch(request, segments, query, user)

    def _dispatch(
        self, request: WireRequest, segments: list[str], query: Query, user: str
    ) -> Reply:
        accounts = self._airflow.accounts
        single = segments[1] if segments[0] == "dags" and len(segments) > 1 else "~"
        if single != "~" and not accounts.reads(single):
            raise DeniedError(403, "Forbidden")
        for method, pattern, endpoint in self._table:
            free = _free_parts(pattern, segments)
            if method == request.method and free is not None:
                result = endpoint(request, query, user, *free)
                return result if isinstance(result, Reply) else Reply(200, result)
        if self._airflow.release.generation == 3:
            return Reply(404, {"error": "API route not found"})
        raise DeniedError(404, "Not Found")

    def _elsewhere(self, segments: list[str]) -> Reply:
        if self._airflow.release.generation == 2:
            return Reply(404, HTML_404, {"Content-Type": "text/html; charset=utf-8"})
        if segments[:2] == ["api", "v1"]:
            return Reply(404, {"error": "/api/v1 has been removed in Airflow 3"})
        return Reply(404, {"error": "API route not found"})

    def _problem_type(self) -> dict[str, str]:
        is_old = self._airflow.release.generation == 2
        return {"Content-Type": "application/problem+json"} if is_old else {}

    def _token(self, request: WireRequest) -> Reply:
        accounts = self._airflow.accounts
        if request.method == "POST":
            return Reply(201, {"access_token": accounts.log_in(request.json)})
        return Reply(201, {"access_token": accounts.token_for_everybody()})

    def _health(self) -> Json:
        health = {}
        for name, component in self._airflow.health.items():
            health[name] = {
                "status": component.status,
                f"latest_{name}_heartbeat": self._render.time(component.heartbeat),
            }
        return health

    def _dags(self, _request: WireRequest, query: Query, _user: str) -> Json:
        if self._airflow.release.generation == 2:
            known = {"limit", "offset", "order_by", "only_active", "fields", "tags", "paused"}
            _refuse_unknown(query, known | {"dag_id_pattern"})
        accounts = self._airflow.accounts
        dags = [dag for dag in self._pausing.matching(query) if accounts.reads(dag.dag_id)]
        return self._page("dags", dags, query, self._render.dag)

    def _dag(self, _request: WireRequest, _query: Query, _user: str, dag_id: str) -> Json:
        return self._render.dag(self._pausing.known(dag_id))

    def _details(self, _request: WireRequest, _query: Query, _user: str, dag_id: str) -> Json:
        dag = self._pausing.known(dag_id)
        if dag.is_stale and self._airflow.release.generation == 2:
            raise DeniedError(404, "DAG not found")
        return self._render.details(dag)

    def _tasks(self, _request: WireRequest, _query: Query, _user: str, dag_id: str) -> Json:
        dag = self._pausing.known(dag_id)
        tasks = [
            {"task_id": task, "owner": dag.owners[0], "retries": float(dag.retries)}
            for task in dag.tasks
        ]
        return {"tasks": tasks, "total_entries": len(tasks)}

    def _source(self, _request: WireRequest, _query: Query, _user: str, name: str) -> Json:
        for dag in self._airflow.dags.values():
            if name in (dag.dag_id, self._render.token(dag.file)):
                return {"content": dag.source}
        raise DeniedError(404, "Not Found")

    def _import_errors(self, _request: WireRequest, query: Query, _user: str) -> Json:
        errors = [seen for error in self._airflow.import_errors if (seen := self._seen(error))]
        return self._page("import_errors", errors, query, self._render.import_error)

    def _seen(self, error: "FakeImportError") -> "FakeImportError | None":
        """Return what this account sees of an error; nothing where it may read no DAG of it."""
        accounts = self._airflow.accounts
        dags = [dag for dag in self._airflow.dags.values() if dag.file == error.file]
        readable = [dag for dag in dags if accounts.reads(dag.dag_id)]
        if len(readable) == len(dags):
            hidden = accounts.readable is not None and not dags
            return None if hidden and self._airflow.release.generation == 2 else error
        return replace(error, stack_trace=REDACTED_TRACE) if readable else None

    def _run_tasks(
        self, _request: WireRequest, query: Query, _user: str, dag_id: str, run_id: str
    ) -> Json:
        run = self._running.known(dag_id, run_id)
        found = [
            task
            for task in self._airflow.tasks
            if (task.dag_id, task.run_id) == (run.dag_id, run.run_id)
        ]
        return self._page("task_instances", found, query, self._render.task)

    def _log(
        self,
        _request: WireRequest,
        _query: Query,
        _user: str,
        dag_id: str,
        run_id: str,
        task_id: str,
        _try: str,
    ) -> Reply:
        for task in self._airflow.tasks:
            if (task.dag_id, task.run_id, task.task_id) == (dag_id, run_id, task_id):
                content_type, text = self._render.log(task)
                return Reply(200, text.encode(), {"Content-Type": content_type})
        raise DeniedError(404, "TaskInstance not found")

    def _parse(self, _request: WireRequest, _query: Query, _user: str, token: str) -> Reply:
        airflow = self._airflow
        files = {self._render.token(dag.file): dag.file for dag in airflow.dags.values()}
        if token not in files:
            raise DeniedError(404, "File not found")
        airflow.parse_requests.append(files[token])
        airflow.on_parse(files[token])
        return Reply(201, None if airflow.release.generation == 3 else b"")

    def _event_logs(self, _request: WireRequest, query: Query, _user: str) -> Json:
        events = query.get("included_events")
        if events and self._airflow.release.generation == 2:
            events = events[-1].split(",")
        rows: Iterable[FakeRow] = self._airflow.rows
        if events:
            rows = [row for row in rows if row.event in events]
        if after := query.get("after"):
            since = datetime.fromisoformat(after[-1]).timestamp()
            rows = [row for row in rows if row.when > since]
        if dag_id := query.get("dag_id"):
            rows = [row for row in rows if row.dag_id == dag_id[-1]]
        if query.get("order_by") == ["-event_log_id"]:
            rows = sorted(rows, key=lambda row: -row.id)
        return self._page("event_logs", list(rows), query, self._render.row)

    def _warnings(self, _request: WireRequest, query: Query, _user: str) -> Json:
        def render(row: tuple[str, str, str]) -> Json:
            names = ("dag_id", "warning_type", "message")
            return dict(zip(names, row, strict=True)) | {"timestamp": self._render.time(0)}

        accounts = self._airflow.accounts
        rows = [row for row in self._airflow.warnings if accounts.reads(row[0])]
        return self._page("dag_warnings", rows, query, render)

    def _providers(self, _request: WireRequest, query: Query, _user: str) -> Json:
        def render(item: tuple[str, str]) -> Json:
            return {"package_name": item[0], "version": item[1], "description": "…"}

        return self._page("providers", sorted(self._airflow.providers.items()), query, render)

    def _pool(self, _request: WireRequest, _query: Query, _user: str, name: str) -> Json:
        if name not in self._airflow.pools:
            raise DeniedError(404, f"The Pool with name: `{name}` was not found")
        slots = self._airflow.pools[name]
        states = ("queued", "running")
        held = [t for t in self._airflow.tasks if t.pool == name and t.state in states]
        return {"name": name, "slots": slots, "open_slots": slots - len(held)}

    def _connection(self, _request: WireRequest, _query: Query, _user: str, name: str) -> Json:
        if name not in self._airflow.known_connections:
            raise DeniedError(404, f"The Connection with ID: `{name}` was not found")
        return {"connection_id": name, "conn_type": "http", "password": "***"}

    def _variable(self, _request: WireRequest, _query: Query, _user: str, key: str) -> Json:
        if key not in self._airflow.variables:
            raise DeniedError(404, f"The Variable with key: `{key}` was not found")
        return {"key": key, "value": self._airflow.variables[key]}

    def _page(
        self, name: str, rows: Sequence[Row], query: Query, render: Callable[[Row], Any]
    ) -> Json:
        """Return a page, with Airflow's silent limits."""
        limit = int(query.get("limit", [str(self._airflow.release.default_limit)])[-1])
        offset = int(query.get("offset", ["0"])[-1])
        return page(name, rows, limit=limit, offset=offset, render=render)


def _refuse_unknown(query: Query, known: set[str]) -> None:
    if unknown := sorted(query.keys() - known):
        raise DeniedError(400, f"Extra query parameter(s) {', '.join(unknown)} not in spec")


def _free_parts(pattern: str, segments: list[str]) -> list[str] | None:
    """Return what stands at the ``*`` of ``pattern``; ``None`` if it does not match."""
    parts = pattern.split("/")
    if len(parts) != len(segments):
        return None
    free = []
    for part, segment in zip(parts, segments, strict=True):
        if part == "*":
            free.append(segment)
        elif part != segment:
            return None
    return free
