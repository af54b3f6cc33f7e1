"""Which permission of Flask-AppBuilder a request needs, to be named when Airflow refuses it (403).

Measured on 2.11.2 and 3.3.2, with roles that lack one permission each.
"""

import re

_DAGS, _RUNS, _TASKS = "on DAGs", "on DAG Runs", "on Task Instances"

_NEEDS = tuple(
    (method, re.compile(path), need)
    for method, path, need in (
        ("GET", r"/logs/", "can_read on Task Logs"),
        ("", r"/xcomEntries", "can_read on XComs"),
        ("", r"/taskInstances", f"can_read {_TASKS} and DAG Runs"),
        ("GET", r"^/dags/[^/]+/tasks", f"can_read {_TASKS}"),
        ("POST", r"/dagRuns/list$", f"can_read {_RUNS}"),
        ("POST", r"/dagRuns$", f"can_create {_RUNS} and can_edit {_DAGS}"),
        ("GET", r"/dagRuns", f"can_read {_RUNS}"),
        ("PATCH", r"/dagRuns", f"can_edit {_RUNS}"),
        ("DELETE", r"/dagRuns", f"can_delete {_RUNS}"),
        ("GET", r"^/dags", f"can_read {_DAGS}"),
        ("PATCH", r"^/dags", f"can_edit {_DAGS}"),
        ("PUT", r"^/parseDagFile", f"can_edit {_DAGS}"),
        ("GET", r"^/dagSources", "can_read on DAG Code"),
        ("GET", r"^/importErrors", "can_read on ImportError"),
        ("GET", r"^/dagWarnings", "can_read on DAG Warnings"),
        ("GET", r"^/eventLogs", "can_read on Audit Logs"),
        ("GET", r"^/providers", "can_read on Providers"),
        ("GET", r"^/pools", "can_read on Pools"),
        ("GET", r"^/connections", "can_read on Connections"),
        ("GET", r"^/variables", "can_read on Variables"),
        ("POST", r"^/backfills", "can_create on Backfills"),
    )
)


def needed(method: str, path: str) -> str:
    """Return what a request below the API's root needs; empty if that is not known."""
    for of, pattern, need in _NEEDS:
        if of in ("", method) and pattern.search(path):
            return need
    return ""
