"""What Airflow itself says, asked by the demo's own requests: no part of Fermata is in between.

Standard library only, as a person whose name stands in Airflow's event log.
"""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_spec.errors import UnavailableError

TIMEOUT = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_BASE = {"2": "/api/v1", "3": "/api/v2"}
Answer = dict[str, Any]  # every answer that is read here is a JSON object
_ALL_DAGS = {"2": {"only_active": "false"}, "3": {"exclude_stale": "false"}}


class Witness:
    """One person's view of Airflow."""

    def __init__(self, airflow: RunningAirflow, user: str) -> None:
        self.user = user
        self._generation = airflow.release.generation
        self._url = airflow.url
        self._files = airflow.credential_files(user)
        self._authorization = ""

    def paused(self) -> dict[str, bool]:
        """Return for each DAG that Airflow knows whether it is paused."""
        dags = self._get("/dags", **_ALL_DAGS[self._generation])["dags"]
        return {dag["dag_id"]: bool(dag["is_paused"]) for dag in dags}

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Do what the switch in the UI does."""
        self._send("PATCH", f"/dags/{dag_id}", {"is_paused": paused})

    def paused_by(self, dag_id: str) -> str:
        """Return who last paused or resumed the DAG, by the event log; empty if nobody did."""
        rows = self._get("/eventLogs", dag_id=dag_id, order_by="-event_log_id")["event_logs"]
        owners = [row["owner"] for row in rows if row["event"].endswith("patch_dag")]
        return str(owners[0]) if owners else ""

    def start(self, dag_id: str, run_id: str, conf: Mapping[str, str]) -> None:
        """Start a run."""
        body: dict[str, Any] = {"dag_run_id": run_id, "conf": dict(conf)}
        if self._generation == "3":
            body["logical_date"] = None
        self._send("POST", f"/dags/{dag_id}/dagRuns", body)

    def runs(self, dag_id: str) -> dict[str, str]:
        """Return the state of each run of the DAG, newest last."""
        rows = self._get(f"/dags/{dag_id}/dagRuns")["dag_runs"]
        return {row["dag_run_id"]: row["state"] for row in rows}

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run (``none`` while it has none)."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return {row["task_id"]: row["state"] or "none" for row in self._get(path)["task_instances"]}

    def serialized_doc(self, dag_id: str) -> str:
        """Return the documentation in the DAG that the scheduler uses, not in the file."""
        return str(self._get(f"/dags/{dag_id}/details")["doc_md"] or "")

    def import_errors(self) -> dict[str, str]:
        """Return the last line of each import error, by file."""
        rows = self._get("/importErrors")["import_errors"]
        return {row["filename"]: row["stack_trace"].strip().splitlines()[-1] for row in rows}

    def _get(self, path: str, **query: str) -> Answer:
        return self._send("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path)

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        self._authorization = self._authorization or self._sign_in()
        url = self._url + _BASE[self._generation] + path
        return _exchange(method, url, body, {"Authorization": self._authorization})

    def _sign_in(self) -> str:
        username, password = (file.read_text(encoding="utf-8") for file in self._files)
        if self._generation == "2":
            return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        body = {"username": username, "password": password}
        answer = _exchange("POST", f"{self._url}/auth/token", body, {})
        return f"Bearer {answer['access_token']}"


def _exchange(
    method: str, url: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - http to our own server
        url, data=data, method=method, headers={"Content-Type": "application/json", **headers}
    )
    try:
        with _DIRECT.open(request, timeout=TIMEOUT) as answer:
            content: Answer = json.load(answer)
            return content
    except urllib.error.HTTPError as exc:
        with exc:
            detail = exc.read(200).decode(errors="replace")
        raise UnavailableError(f"{method} {url}: {exc.code}: {detail}") from exc
    except (OSError, ValueError) as exc:
        raise UnavailableError(f"{method} {url}: {exc}") from exc
