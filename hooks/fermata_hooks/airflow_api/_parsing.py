"""From Airflow's JSON to ``models``: one function per model, fed with one dialect's field names."""

import json
from typing import Any

from fermata_hooks.airflow_api._dialects import REGEX, TAG_PARAMETER, Dialect
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api.models import (
    ComponentHealth,
    Dag,
    DagDetails,
    DagRun,
    Health,
    ImportErrorRow,
    NextRun,
    PauseEvent,
    TaskInstance,
)

_SINCE = {
    "queued": "queued_when",
    "scheduled": "scheduled_when",
    "running": "start_date",
    "restarting": "start_date",
    "deferred": "start_date",
}
"""The time at which a task came into a state; the others: when it ended, if it did."""

_REGEX_OPTION = "--treat-dag-id-as-regex"


def dag(fields: Fields, dialect: Dialect) -> Dag:
    """Return a DAG of a list, of a single answer or of details."""
    stale_field, stale_value = dialect.stale
    files = (fields.optional_text(name) for name in dialect.file_fields)
    return Dag(
        dag_id=fields.text("dag_id"),
        is_paused=fields.flag("is_paused"),
        is_stale=fields.flag(stale_field) is stale_value,
        has_import_errors=fields.optional_flag("has_import_errors"),
        last_parsed_time=fields.time("last_parsed_time"),
        parse_seconds=fields.seconds("last_parse_duration"),
        file=next((file for file in files if file), ""),
        file_token=fields.optional_text("file_token") or "",
        tags=tuple(tag.text("name") for tag in fields.each("tags")),
        owners=fields.texts("owners"),
        bundle_name=fields.optional_text("bundle_name"),
        bundle_version=fields.optional_text("bundle_version"),
        timetable=_timetable(fields.raw(dialect.timetable)),
        next_run=_next_run(fields, dialect),
    )


def dag_details(fields: Fields, dialect: Dialect) -> DagDetails:
    """Return a DAG's details."""
    version = fields.nested("latest_dag_version")
    return DagDetails(
        dag=dag(fields, dialect),
        doc_md=fields.optional_text("doc_md"),
        params={name: _default(value) for name, value in fields.mapping("params").items()},
        catchup=fields.optional_flag("catchup"),
        is_paused_upon_creation=fields.optional_flag("is_paused_upon_creation"),
        latest_bundle_version=version.optional_text("bundle_version"),
        latest_version_number=version.optional_number("version_number"),
    )


def health(fields: Fields) -> Health:
    """Return the health of the components; one that is not mentioned never ran."""
    return Health(
        metadatabase=_component(fields, "metadatabase"),
        scheduler=_component(fields, "scheduler"),
        dag_processor=_component(fields, "dag_processor"),
        triggerer=_component(fields, "triggerer"),
    )


def import_error(fields: Fields) -> ImportErrorRow:
    """Return a row of the import errors."""
    return ImportErrorRow(
        id=fields.number("import_error_id"),
        filename=fields.text("filename"),
        stack_trace=fields.optional_text("stack_trace") or "",
        bundle_name=fields.optional_text("bundle_name"),
        timestamp=fields.time("timestamp"),
    )


def task_instance(fields: Fields) -> TaskInstance:
    """Return a task instance; a state of null is ``none``."""
    state = fields.optional_text("state") or "none"
    return TaskInstance(
        dag_id=fields.text("dag_id"),
        run_id=fields.text("dag_run_id"),
        task_id=fields.text("task_id"),
        map_index=_or(fields.optional_number("map_index"), -1),
        try_number=fields.optional_number("try_number") or 0,
        state=state,
        since=fields.time(_SINCE.get(state, "end_date")) or fields.time("start_date"),
        pool=fields.optional_text("pool") or "",
        queue=fields.optional_text("queue") or "",
    )


def dag_run(fields: Fields) -> DagRun:
    """Return a run."""
    return DagRun(
        dag_id=fields.text("dag_id"),
        run_id=fields.text("dag_run_id"),
        state=fields.text("state"),
        run_type=fields.optional_text("run_type") or "",
        start=fields.time("start_date"),
        end=fields.time("end_date"),
        version_numbers=tuple(
            version.number("version_number") for version in fields.each("dag_versions")
        ),
        bundle_version=fields.optional_text("bundle_version"),
    )


def pause_event(fields: Fields, dialect: Dialect) -> PauseEvent:
    """Return a row of the event log about a pause.

    Its ``extra`` is JSON in a text: the request's query and body. The values of ``tags`` and
    ``owners`` there are incomplete (the last of several only).
    """
    event = fields.text("event")
    extra = _extra(fields.optional_text("extra"))
    value = dialect.pause_values.get(event)
    if value is None and dialect.pause_log == "values":
        value = extra.get("is_paused") if isinstance(extra.get("is_paused"), bool) else None
    dag_id = fields.optional_text("dag_id")
    filters = {name: str(extra[name]) for name in dialect.bulk_filters if name in extra}
    if dag_id and _REGEX_OPTION in str(extra.get("full_command", "")):
        # ``airflow dags pause --treat-dag-id-as-regex 'etl_.*'``
        filters = {REGEX: dag_id}
        dag_id = None
    return PauseEvent(
        id=fields.number("event_log_id"),
        when=fields.time("when") or 0.0,
        dag_id=dag_id,
        owner=fields.optional_text("owner") or "",
        event=event,
        value=value,
        tag=str(extra.get(TAG_PARAMETER, "")),
        filters={} if dag_id else filters,
    )


def _extra(text: str | None) -> dict[str, Any]:
    try:
        extra = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}  # the CLI's rows may hold anything
    return extra if isinstance(extra, dict) else {}


def _next_run(fields: Fields, dialect: Dialect) -> NextRun | None:
    logical_date, due = (fields.time(name) for name in dialect.next_run)
    if logical_date is None or due is None:
        return None
    start = fields.time("next_dagrun_data_interval_start")
    end = fields.time("next_dagrun_data_interval_end")
    length = end - start if start is not None and end is not None else 0.0
    return NextRun(logical_date=logical_date, due=due, interval=length)


def _component(fields: Fields, name: str) -> ComponentHealth:
    component = fields.nested(name)
    return ComponentHealth(
        status=component.optional_text("status"),
        heartbeat=component.time(f"latest_{name}_heartbeat"),
    )


def _timetable(value: Any) -> str:  # noqa: ANN401 - a text on 3.x, an object on 2.x
    """Return a schedule on one line; 2.x wraps it: ``{"__type": …, "value": "@daily"}``."""
    if isinstance(value, dict):
        parts = {name: part for name, part in value.items() if name != "__type" and part}
        return str(parts["value"]) if "value" in parts else json.dumps(parts)
    return str(value) if value else ""


def _default(param: Any) -> Any:  # noqa: ANN401 - a parameter may be anything
    """Return a parameter's default: Airflow serves it with its schema."""
    return param.get("value") if isinstance(param, dict) and "schema" in param else param


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
