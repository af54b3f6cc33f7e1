"""The fake's records as the JSON of one release; the fields that the real one has, by name."""

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fakes.fake_airflow.records import (
    FakeDag,
    FakeImportError,
    FakeRow,
    FakeRun,
    FakeTask,
)
from fakes.fake_airflow.releases import Release

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

FOLDER = "/opt/airflow/dags"
BUNDLE = "dags-folder"


class Rendering:
    """Records to JSON, for one release."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._is_new = release.generation == 3

    def time(self, seconds: float | None) -> str | None:
        """Return a time as this release writes it."""
        if seconds is None:
            return None
        text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
        return text.replace("+00:00", "Z") if self._is_new else text

    def file(self, file: str) -> str:
        """Return a file's name in an import error."""
        return f"{FOLDER}/{file}" if self._release.absolute_files else file

    def token(self, file: str) -> str:
        """Return the token of a file (the real one is signed)."""
        known = {"bundle_name": BUNDLE, "relative_fileloc": file}
        content = json.dumps(known if self._is_new else f"{FOLDER}/{file}")
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=") + ".signature"

    def dag(self, dag: FakeDag) -> Json:
        """Return a DAG of a list."""
        common: Json = {
            "dag_id": dag.dag_id,
            "dag_display_name": dag.dag_id,
            "is_paused": dag.is_paused,
            "has_import_errors": dag.has_import_errors,
            "last_parsed_time": self.time(dag.last_parsed_time),
            "fileloc": f"{FOLDER}/{dag.file}",
            "file_token": self.token(dag.file),
            "owners": list(dag.owners),
            "max_active_runs": 16,
            **self._next_run(dag),
        }
        if not self._is_new:
            schedule = {"__type": "CronExpression", "value": dag.timetable}
            return common | {
                "is_active": not dag.is_stale,
                "schedule_interval": schedule if dag.timetable else None,
                "tags": [{"name": tag} for tag in dag.tags],
            }
        return common | {
            "is_stale": dag.is_stale,
            "relative_fileloc": dag.file,
            "bundle_name": BUNDLE,
            "bundle_version": dag.bundle_version,
            "timetable_summary": dag.timetable,
            "last_parse_duration": dag.parse_seconds,
            "tags": [{"name": tag, "dag_id": dag.dag_id} for tag in dag.tags],
        }

    def details(self, dag: FakeDag) -> Json:
        """Return a DAG with its serialized form."""
        more: Json = {
            "doc_md": dag.doc_md,
            "catchup": dag.catchup,
            "is_paused_upon_creation": dag.is_paused_upon_creation,
            "params": {
                name: {"value": value, "schema": {}, "description": None}
                for name, value in dag.params.items()
            },
        }
        if not self._is_new:
            return self.dag(dag) | more | {"owners": []}
        version = {
            "version_number": dag.version_number,
            "bundle_name": BUNDLE,
            "bundle_version": dag.latest_bundle_version,
        }
        return self.dag(dag) | more | {"latest_dag_version": version}

    def _next_run(self, dag: FakeDag) -> Json:
        """Return when the DAG is due; 3.x has no data intervals for cron schedules by default."""
        due = dag.next_due
        start = due if due is None or self._is_new else due - dag.every
        names = ("logical_date", "run_after") if self._is_new else ("", "create_after")
        keys = [f"next_dagrun_{name}".rstrip("_") for name in names]
        return {
            keys[0]: self.time(start),
            keys[1]: self.time(due),
            "next_dagrun_data_interval_start": self.time(start),
            "next_dagrun_data_interval_end": self.time(due),
        }

    def import_error(self, error: FakeImportError) -> Json:
        """Return a row of the import errors."""
        row = {
            "import_error_id": error.id,
            "timestamp": self.time(error.timestamp),
            "filename": self.file(error.file),
            "stack_trace": error.stack_trace,
        }
        return row | ({"bundle_name": BUNDLE} if self._is_new else {})

    def run(self, run: FakeRun) -> Json:
        """Return a run."""
        common: Json = {
            "dag_run_id": run.run_id,
            "dag_id": run.dag_id,
            "state": run.state,
            "run_type": run.run_type,
            "conf": dict(run.conf),
            "note": run.note,
            "start_date": self.time(run.start),
            "end_date": self.time(run.end),
        }
        if not self._is_new:
            return common | {"logical_date": self.time(run.queued_at), "external_trigger": True}
        versions = [{"version_number": number} for number in run.version_numbers]
        commit = run.bundle_version
        return common | {"logical_date": None, "dag_versions": versions, "bundle_version": commit}

    def task(self, task: FakeTask) -> Json:
        """Return a task instance."""
        return {
            "dag_id": task.dag_id,
            "dag_run_id": task.run_id,
            "task_id": task.task_id,
            "map_index": task.map_index,
            "try_number": task.try_number,
            "state": task.state,
            "queued_when": self.time(task.queued_when),
            "start_date": self.time(task.start),
            "end_date": self.time(task.end),
            "pool": task.pool,
            "queue": task.queue,
        }

    def row(self, row: FakeRow) -> Json:
        """Return a row of the event log."""
        return {
            "event_log_id": row.id,
            "when": self.time(row.when),
            "dag_id": row.dag_id,
            "event": row.event,
            "owner": row.owner,
            "extra": row.extra_text,
        }

    def problem(self, status: int, text: str) -> Json:
        """Return the body of a refusal."""
        if self._is_new:
            return {"detail": text}
        return {"detail": text, "status": status, "title": text, "type": "about:blank"}

    def log(self, task: FakeTask) -> tuple[str, str]:
        """Return content type and body of a task's log."""
        if not self._is_new:
            lines = [f"[2026-11-24T13:28:23.116+0000] {{x.py:1}} INFO - {x}" for x in task.log]
            head = [
                "worker",
                " INFO - ::group::Log message source details",
                "*** Found local files:",
            ]
            return "text/plain", "\n".join([*head, " INFO - ::endgroup::", *lines]) + "\n"
        head_events: list[Mapping[str, Any]] = [
            {"timestamp": None, "event": "::group::Log message source details"},
            {"timestamp": None, "event": "/opt/airflow/logs/attempt=1.log"},
            {"timestamp": None, "event": "::endgroup::"},
        ]
        events = [
            {"timestamp": self.time(task.start or 0), "event": line, "level": "info"}
            for line in task.log
        ]
        text = "".join(json.dumps(event) + "\n" for event in [*head_events, *events])
        return "application/x-ndjson", text
