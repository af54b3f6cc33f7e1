"""What Airflow answers, in the words of its API: frozen values, without a trace of HTTP.

Only the fields that Fermata uses are here. Times are seconds since the epoch (``None``: Airflow
said null). States are kept as Airflow spells them, also those that a newer Airflow invents: the
properties below sort them, and a state that nobody here knows is never *finished*, never *idle*.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FINISHED_TASK_STATES = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
IDLE_TASK_STATES = frozenset(
    {"none", "scheduled", "deferred", "up_for_retry", "up_for_reschedule", "awaiting_input"}
)
BUSY_TASK_STATES = frozenset({"running", "queued", "restarting"})
FINISHED_RUN_STATES = frozenset({"success", "failed"})
ACTIVE_RUN_STATES = frozenset({"queued", "running"})

REDACTED = "REDACTED"  # how Airflow begins a text that this account may not read

PauseLog = Literal["values", "order", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class AirflowVersion:
    """Which Airflow answers, found out once.

    ``pause_log`` is what its event log can tell of pauses when this account may read it, measured
    on 2.11, 3.0, 3.1, 3.2 and 3.3: ``values`` (who, when and to what; 2.10 and newer, 3.1 and
    newer), ``order`` (who and when; 3.0 writes ``false`` whatever was asked), ``unreadable`` (up
    to 2.9: a PATCH may leave no row). ``answers_before_commit``: an answered change may not be in
    the database yet, and may fail to get there (3.0 with a newer FastAPI than it was made for).
    """

    text: str
    api: Literal["v1", "v2"]
    pause_log: PauseLog
    answers_before_commit: bool = False

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the release, without what distributors append: ``(3, 3, 2)``."""
        match = re.match(r"\d+(?:\.\d+)*", self.text)
        return tuple(int(part) for part in match[0].split(".")) if match else ()


@dataclass(frozen=True, kw_only=True)
class ComponentHealth:
    """One component; ``status`` is ``None`` where it never ran (or runs inside another one)."""

    status: str | None = None
    heartbeat: float | None = None

    @property
    def healthy(self) -> bool:
        """Whether Airflow itself calls it healthy; never seen is not healthy."""
        return self.status == "healthy"


@dataclass(frozen=True, kw_only=True)
class Health:
    """The components as the metadata database knows them.

    Airflow 2 has no entry for a DAG processor that is part of the scheduler: status ``None``.
    """

    metadatabase: ComponentHealth
    scheduler: ComponentHealth
    dag_processor: ComponentHealth
    triggerer: ComponentHealth


@dataclass(frozen=True, kw_only=True, slots=True)
class NextRun:
    """The next run that a schedule asks for, as of the DAG's last parse or run.

    While a DAG is paused: without catchup the newest that is due, with it the oldest that was
    missed. ``interval`` is the length of its data interval, 0 where there is none (3.x, whose cron
    schedules have none by default).
    """

    logical_date: float
    due: float
    interval: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Dag:
    """A row of Airflow's list of DAGs.

    ``file`` is relative to the bundle where Airflow says so (3.x), else absolute (2.x).
    ``is_stale``: not in the files any more, or its file has an import error (3.x at once, 2.x
    after a minute). ``parse_seconds``: how long the last parse of its file took (3.1 and newer).
    ``timetable`` is Airflow's own one-line summary, empty for no schedule.
    """

    dag_id: str
    is_paused: bool
    is_stale: bool = False
    has_import_errors: bool | None = None
    last_parsed_time: float | None = None
    parse_seconds: float | None = None
    file: str = ""
    file_token: str = ""
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    bundle_name: str | None = None
    bundle_version: str | None = None
    timetable: str = ""
    next_run: NextRun | None = None


@dataclass(frozen=True, kw_only=True)
class DagDetails:
    """A DAG with what only its serialized form knows: what the scheduler really uses.

    ``doc_md``, ``params`` and ``catchup`` lag behind ``dag`` by up to
    ``[core] min_serialized_dag_update_interval`` (30 s by default).
    ``params`` are the defaults, without their schemas.
    """

    dag: Dag
    doc_md: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    catchup: bool | None = None
    is_paused_upon_creation: bool | None = None
    latest_bundle_version: str | None = None
    latest_version_number: int | None = None


@dataclass(frozen=True, kw_only=True)
class PauseAnswer:
    """The answer to a pause or unpause: the DAG as it is now, and when, by Airflow's own clock."""

    dag: Dag
    at: float


@dataclass(frozen=True, kw_only=True)
class ImportErrorRow:
    """A file that Airflow could not import.

    ``filename`` is relative to the bundle on 3.1 and newer, absolute on older ones and for
    members of a zip. ``id`` stays while the file goes on failing; ``timestamp`` is renewed at
    every failing parse.
    """

    id: int
    filename: str
    stack_trace: str
    bundle_name: str | None = None
    timestamp: float | None = None

    @property
    def redacted(self) -> bool:
        """Whether this account may not see what is wrong."""
        return self.stack_trace.startswith(REDACTED)


@dataclass(frozen=True, kw_only=True)
class DagWarning:
    """What Airflow found odd about a DAG that it could import; ``kind`` is its own word."""

    dag_id: str
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Pool:
    """How many slots a pool has (-1: without end), and how many of them are free."""

    slots: int
    open: int


@dataclass(frozen=True, kw_only=True)
class TaskInstance:
    """A task of a run. ``state`` is ``none`` while Airflow has not scheduled it.

    ``since``: when it came into its state, as near as Airflow tells (queued: when it was queued;
    running: when it started; finished: when it ended). ``owner`` is empty as it comes from
    Airflow, which names none here: who wants it fills it in from ``Dag.owners``.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: int = 0
    state: str = "none"
    since: float | None = None
    owner: str = ""
    pool: str = ""
    queue: str = ""

    @property
    def finished(self) -> bool:
        """Whether it is over, for better or worse."""
        return self.state in FINISHED_TASK_STATES

    @property
    def busy(self) -> bool:
        """Whether it occupies, or is about to occupy, a worker; an unknown state counts as busy."""
        return self.state not in FINISHED_TASK_STATES | IDLE_TASK_STATES


@dataclass(frozen=True, kw_only=True)
class DagRun:
    """A run. ``version_numbers`` are the DAG versions its tasks used (3.x; empty on 2.x)."""

    dag_id: str
    run_id: str
    state: str
    run_type: str = ""
    start: float | None = None
    end: float | None = None
    version_numbers: tuple[int, ...] = ()
    bundle_version: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it is over; a state that nobody here knows is not."""
        return self.state in FINISHED_RUN_STATES


@dataclass(frozen=True, kw_only=True)
class PauseEvent:
    """A row of Airflow's event log: somebody asked for DAGs to be paused or unpaused.

    ``value`` is what was asked for (``True``: paused), ``None`` where the row does not tell, or
    tells it wrongly (3.0). ``tag`` is ours, from ``set_paused``; empty for everybody else.
    ``dag_id`` is ``None`` for a request about many DAGs; then ``filters`` are the request's own
    (see ``AirflowApi.dags_meant``). A row may belong to a request that was refused.
    """

    id: int
    when: float
    dag_id: str | None
    owner: str
    event: str
    value: bool | None = None
    tag: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
