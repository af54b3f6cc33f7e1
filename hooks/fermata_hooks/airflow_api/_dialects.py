"""Where ``/api/v1`` (Airflow 2) and ``/api/v2`` (Airflow 3) differ, as data.

A ``Dialect`` is chosen once, by what answers; nowhere else does a version matter. Everything here
was measured on 2.11.2 and 3.3.2, and on 3.0.6, 3.1.8 and 3.2.2 where they differ from 3.3.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from fermata_hooks.airflow_api.models import AirflowVersion, PauseLog
from fermata_hooks.exchange import one_line
from fermata_spec.errors import RejectedError

TAG_PARAMETER = "fermata"
REGEX = "regex"  # our name for the filter of ``airflow dags pause --treat-dag-id-as-regex``

_DAG_FIELDS_V1 = (
    "dag_id,is_paused,is_active,has_import_errors,last_parsed_time,fileloc,file_token,tags,owners,"
    "schedule_interval,next_dagrun,next_dagrun_create_after,next_dagrun_data_interval_start,"
    "next_dagrun_data_interval_end"
)
_STATES_OF_3_3 = frozenset({"awaiting_input"})


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one generation of the API says things.

    Attributes:
        root: path under which the API lives.
        health_path: below ``root``.
        login: how a user name and a password are shown: for a token of ``/auth/token``, or as
            HTTP Basic (never accepted by 3.x; the default install of 2.x accepts neither).
        stale: field of a DAG that says it is not in the files any more, and its value then.
        all_dags, live_dags: query of the DAG list with and without stale ones.
        dag_list: further query of the DAG list. 2.10 and newer can leave out fields (an eighth of
            the bytes, half of the time).
        file_fields: where a DAG's file stands, best first.
        timetable: field with the schedule.
        next_run: fields with the logical date of the next scheduled run and when it is due.
        later_states: states of task instances that a later release knows: to ask for one of these
            is refused.
        newest_first: how a list of task instances is sorted by start (2.x cannot: it refuses).
        source_by: the field that names a DAG's source.
        trigger: what the body of a trigger needs besides (3.x: ``logical_date`` is required but
            may be null; 2.x refuses null).
        log_type: a type of log that can be read line by line.
        tags_requests: an unknown query parameter is accepted and written into the event log
            (2.x answers 400).
        joins_lists: lists in a query are joined by commas instead of repeated.
        pause_values: events of the log that are changes of pause, and the value where the name
            alone tells it.
        pause_log: what the event log can tell.
        bulk_filters: a bulk request's own filters that the DAG list understands as well.
        bulk_defaults: filters that a bulk request has where it names none: 3.x looks for ids
            with "None" in them.
        matches_all: a pattern that means "all" in a bulk request but not in the DAG list.

    """

    api: Literal["v1", "v2"]
    root: str
    health_path: str
    login: Literal["token", "basic"]
    stale: tuple[str, bool]
    all_dags: tuple[tuple[str, str], ...]
    live_dags: tuple[tuple[str, str], ...]
    dag_list: tuple[tuple[str, str], ...] = ()
    file_fields: tuple[str, ...]
    timetable: str
    next_run: tuple[str, str]
    later_states: frozenset[str] = frozenset()
    newest_first: Mapping[str, str] = field(default_factory=dict)
    source_by: Literal["dag_id", "file_token"]
    trigger: Mapping[str, None] = field(default_factory=dict)
    log_type: Literal["text/plain", "application/x-ndjson"]
    tags_requests: bool
    joins_lists: bool
    pause_values: Mapping[str, bool | None]
    pause_log: PauseLog
    bulk_filters: tuple[str, ...]
    bulk_defaults: Mapping[str, str] = field(default_factory=dict)
    matches_all: tuple[str, ...] = ()

    def many(self, name: str, values: Iterable[str]) -> list[tuple[str, str]]:
        """Return the query that asks for any of ``values``."""
        if self.joins_lists:
            return [(name, ",".join(values))]
        return [(name, value) for value in values]


V1 = Dialect(
    api="v1",
    root="/api/v1",
    health_path="/health",
    login="basic",
    stale=("is_active", False),
    all_dags=(("only_active", "false"),),
    live_dags=(("only_active", "true"),),
    dag_list=(("fields", _DAG_FIELDS_V1),),
    file_fields=("fileloc",),
    timetable="schedule_interval",
    next_run=("next_dagrun", "next_dagrun_create_after"),
    later_states=_STATES_OF_3_3,
    source_by="file_token",
    log_type="text/plain",
    tags_requests=False,
    joins_lists=True,
    pause_values={
        "api.patch_dag": None,
        "ui.patch_dag": None,
        "paused": None,
        "api.patch_dags": None,
        "ui.patch_dags": None,
        "cli_dag_pause": True,
        "cli_dag_unpause": False,
    },
    pause_log="values",
    bulk_filters=("dag_id_pattern", "tags", "only_active"),
    matches_all=("~",),
)

V2 = Dialect(
    api="v2",
    root="/api/v2",
    health_path="/monitor/health",
    login="token",
    stale=("is_stale", True),
    all_dags=(("exclude_stale", "false"),),
    live_dags=(("exclude_stale", "true"),),
    file_fields=("relative_fileloc", "fileloc"),
    timetable="timetable_summary",
    next_run=("next_dagrun_logical_date", "next_dagrun_run_after"),
    newest_first={"order_by": "-start_date"},
    source_by="dag_id",
    trigger={"logical_date": None},
    log_type="application/x-ndjson",
    tags_requests=True,
    joins_lists=False,
    pause_values={
        "patch_dag": None,
        "patch_dags": None,
        "cli_dag_pause": True,
        "cli_dag_unpause": False,
    },
    pause_log="values",
    bulk_filters=(
        "dag_id_pattern",
        "dag_id_prefix_pattern",
        "tags",
        "tags_match_mode",
        "owners",
        "exclude_stale",
    ),
    bulk_defaults={"dag_id_pattern": "None"},
)

DETECTED_BY = (V2, V1)
"""In this order: 2.x answers 404 to ``/api/v2/version``, and so does 3.x to ``/api/v1/version``."""


def dialect_of(base: Dialect, version: str) -> tuple[AirflowVersion, Dialect]:
    """Return what ``version`` of Airflow calls itself and how it speaks, starting from ``base``."""
    if not re.match(r"\d+\.\d+", version):
        raise RejectedError(f"{base.root}/version: version is {one_line(version)!r}, not numbers")
    found = AirflowVersion(text=one_line(version), api=base.api, pause_log=base.pause_log)
    dialect = base
    if found.release < (2, 10):
        # 2.7 has no ``fields`` and leaves no row of a PATCH; 2.8 and 2.9 were not measured.
        dialect = replace(base, dag_list=(), pause_log="unreadable")
    elif base is V2 and found.release < (3, 1):
        dialect = replace(base, pause_log="order", later_states=_STATES_OF_3_3)
        found = replace(found, answers_before_commit=True)
    elif base is V2 and found.release < (3, 3):
        dialect = replace(base, later_states=_STATES_OF_3_3)
    return replace(found, pause_log=dialect.pause_log), dialect
