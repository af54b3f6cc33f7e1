"""Airflow as Fermata sees it: one client for ``/api/v1`` (2.x) and ``/api/v2`` (3.x).

What is here is the whole surface; the modules beside it are private to this package, and
``requests`` does not get out of it: every failure is a ``RejectedError`` or an
``UnavailableError``, with one line that names the request and holds no secret.
"""

from fermata_hooks.airflow_api.client import AirflowApi
from fermata_hooks.airflow_api.credentials import (
    AssertedToken,
    BearerToken,
    Credentials,
    NoCredentials,
    PasswordFiles,
    TokenFile,
)
from fermata_hooks.airflow_api.fronts import Front
from fermata_hooks.airflow_api.history import History
from fermata_hooks.airflow_api.models import (
    ACTIVE_RUN_STATES,
    BUSY_TASK_STATES,
    FINISHED_RUN_STATES,
    FINISHED_TASK_STATES,
    IDLE_TASK_STATES,
    AirflowVersion,
    ComponentHealth,
    Dag,
    DagDetails,
    DagRun,
    DagWarning,
    Health,
    ImportErrorRow,
    NextRun,
    PauseAnswer,
    PauseEvent,
    PauseLog,
    Pool,
    TaskInstance,
)
from fermata_hooks.airflow_api.mwaa import MwaaRole
from fermata_hooks.exchange import NotSentError

__all__ = [
    "ACTIVE_RUN_STATES",
    "BUSY_TASK_STATES",
    "FINISHED_RUN_STATES",
    "FINISHED_TASK_STATES",
    "IDLE_TASK_STATES",
    "AirflowApi",
    "AirflowVersion",
    "AssertedToken",
    "BearerToken",
    "ComponentHealth",
    "Credentials",
    "Dag",
    "DagDetails",
    "DagRun",
    "DagWarning",
    "Front",
    "Health",
    "History",
    "ImportErrorRow",
    "MwaaRole",
    "NextRun",
    "NoCredentials",
    "NotSentError",
    "PasswordFiles",
    "PauseAnswer",
    "PauseEvent",
    "PauseLog",
    "Pool",
    "TaskInstance",
    "TokenFile",
]
