"""Runs of the fake Airflow: started by hand, they go on each time somebody looks."""

import re
from typing import TYPE_CHECKING, Any

from fakes.fake_airflow.accounts import DeniedError
from fakes.fake_airflow.records import FakeDag, FakeRun, FakeTask
from fakes.fake_airflow.rendering import Rendering

if TYPE_CHECKING:
    from fakes.fake_airflow.routes import WireRequest
    from fakes.fake_airflow.state import FakeAirflow

Query = dict[str, list[str]]
Json = dict[str, Any]

RUN_ID = re.compile(r"[A-Za-z0-9_.~:+-]+")
OVER = ("success", "failed")


class Running:
    """The endpoints of runs."""

    def __init__(self, airflow: "FakeAirflow") -> None:
        self._airflow = airflow
        self._render = Rendering(airflow.release)

    def known(self, dag_id: str, run_id: str) -> FakeRun:
        """Return a run, or refuse the request with 404."""
        run = self._airflow.runs.get((dag_id, run_id))
        if run is None:
            raise DeniedError(404, f"The DagRun with run_id: `{run_id}` was not found")
        return run

    def trigger(self, request: "WireRequest", _query: Query, user: str, dag_id: str) -> Json:
        """Start a run; it stays queued for as long as its DAG is paused."""
        airflow, body = self._airflow, request.json
        self._check_trigger(body)
        dag = airflow.dags.get(dag_id)
        if dag is None or dag.is_stale:
            raise DeniedError(404, f"Dag with dag_id: '{dag_id}' not found")
        run_id = body["dag_run_id"]
        if (dag_id, run_id) in airflow.runs:
            raise DeniedError(409, f"DAGRun with DAGRun ID: '{run_id}' already exists")
        run = FakeRun(
            dag_id=dag_id,
            run_id=run_id,
            state="queued",
            conf=body.get("conf") or {},
            note=body.get("note"),
            queued_at=airflow.now(),
            version_numbers=(dag.version_number,),
            bundle_version=dag.bundle_version,
            ahead=[state for state in dag.run_states if state != "queued"],
        )
        airflow.runs[dag_id, run_id] = run
        for task_id in dag.tasks:
            task = FakeTask(dag_id=dag_id, run_id=run_id, task_id=task_id)
            task.pool, task.queue = dag.pool, dag.queue
            airflow.tasks.append(task)
        airflow.write_row("trigger_dag_run", user, dag_id)
        return self._render.run(run)

    def get(
        self, _request: "WireRequest", _query: Query, _user: str, dag_id: str, run_id: str
    ) -> Json:
        """Return a run as it is; afterwards it goes on by one state."""
        run = self.known(dag_id, run_id)
        answer = self._render.run(run)
        dag = self._airflow.dags[dag_id]
        if run.ahead and not dag.is_paused:
            self._set_state(run, dag, run.ahead.pop(0))
        return answer

    def patch(
        self, request: "WireRequest", _query: Query, _user: str, dag_id: str, run_id: str
    ) -> Json:
        """Set a run's state; ``failed`` ends its tasks."""
        run, state = self.known(dag_id, run_id), request.json.get("state")
        if state not in (*OVER, "queued"):
            raise DeniedError(400, f"{state} is not one of queued, success, failed")
        run.ahead.clear()
        self._set_state(run, self._airflow.dags[dag_id], state)
        return self._render.run(run)

    def delete(
        self, _request: "WireRequest", _query: Query, _user: str, dag_id: str, run_id: str
    ) -> None:
        """Remove a run; one that runs stays (3.x)."""
        run = self.known(dag_id, run_id)
        if run.state == "running" and self._airflow.release.generation == 3:
            raise DeniedError(409, "The DagRun cannot be deleted in running state")
        del self._airflow.runs[dag_id, run_id]

    def returned(
        self,
        _request: "WireRequest",
        _query: Query,
        _user: str,
        dag_id: str,
        run_id: str,
        task_id: str,
    ) -> Json:
        """Return what a task has returned."""
        run = self.known(dag_id, run_id)
        value = self._airflow.dags[dag_id].returns(run.conf)
        if value is None or run.state != "success":
            raise DeniedError(404, "XCom entry not found")
        key = {"key": "return_value", "dag_id": dag_id, "run_id": run_id, "task_id": task_id}
        return {**key, "value": value}

    def _check_trigger(self, body: Any) -> None:  # noqa: ANN401
        is_new = self._airflow.release.generation == 3
        if is_new and "logical_date" not in body:
            raise DeniedError(422, "logical_date: Field required")
        if not is_new and "logical_date" in body and body["logical_date"] is None:
            raise DeniedError(400, "{'logical_date': ['Field may not be null.']}")
        if not RUN_ID.fullmatch(body["dag_run_id"]):
            raise DeniedError(400, "The run_id provided does not match regex pattern")

    def _set_state(self, run: FakeRun, dag: FakeDag, state: str) -> None:
        now = self._airflow.now()
        run.state = state
        run.start = run.start or now
        run.end = now if state in OVER else None
        tasks = [
            task
            for task in self._airflow.tasks
            if (task.dag_id, task.run_id) == (run.dag_id, run.run_id)
        ]
        for task in tasks:
            task.state = "success" if state == "failed" and task is not tasks[-1] else state
            task.start = task.start or now
            task.end = run.end
            task.log = dag.log
