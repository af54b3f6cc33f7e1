"""What the fake Airflow knows: DAGs, runs, tasks, import errors and rows of its event log."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class FakeDag:
    """A DAG; ``file`` is relative to the DAGs folder.

    A run that is triggered goes through ``run_states``, one step each time it is asked for, while
    the DAG is not paused. Its tasks are ``tasks``; when the run fails the last one has failed,
    with ``log`` as its log; ``returns`` says what each returns, given the run's conf. The next
    scheduled run is due at ``next_due``, and one ``every`` so many seconds from there on.
    """

    dag_id: str
    is_paused: bool = False
    is_stale: bool = False
    has_import_errors: bool = False
    last_parsed_time: float = 0.0
    parse_seconds: float | None = None
    file: str = "dags.py"
    source: str = ""
    tags: Sequence[str] = ()
    owners: Sequence[str] = ("airflow",)
    bundle_version: str | None = None
    timetable: str | None = None
    next_due: float | None = None
    every: float = 0.0
    doc_md: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    catchup: bool = False
    is_paused_upon_creation: bool | None = None
    latest_bundle_version: str | None = None
    version_number: int = 1
    tasks: Sequence[str] = ("hello",)
    retries: int = 0
    run_states: Sequence[str] = ("queued", "running", "success")
    log: Sequence[str] = ("hello",)
    returns: Callable[[Mapping[str, Any]], str | None] = lambda _conf: None
    pool: str = "default_pool"
    queue: str = "default"


@dataclass(kw_only=True)
class FakeRun:
    """A run; ``ahead`` are the states that it still has to go through."""

    dag_id: str
    run_id: str
    state: str
    conf: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    run_type: str = "manual"
    queued_at: float = 0.0
    start: float | None = None
    end: float | None = None
    version_numbers: Sequence[int] = (1,)
    bundle_version: str | None = None
    ahead: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class FakeTask:
    """A task instance; ``state`` is ``None`` while it is not scheduled."""

    dag_id: str
    run_id: str
    task_id: str
    state: str | None = None
    map_index: int = -1
    try_number: int = 1
    queued_when: float | None = None
    start: float | None = None
    end: float | None = None
    log: Sequence[str] = ()
    pool: str = "default_pool"
    queue: str = "default"


@dataclass(kw_only=True)
class FakeImportError:
    """A file that cannot be imported; ``file`` is relative to the DAGs folder."""

    id: int
    file: str
    stack_trace: str
    timestamp: float


@dataclass(kw_only=True)
class FakeRow:
    """A row of the event log."""

    id: int
    when: float
    event: str
    owner: str
    dag_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    raw_extra: str | None = "unset"

    @property
    def extra_text(self) -> str | None:
        """The ``extra`` as Airflow serves it: JSON in a text, unless a test set ``raw_extra``."""
        return json.dumps(self.extra) if self.raw_extra == "unset" else self.raw_extra


@dataclass(kw_only=True)
class FakeComponent:
    """Health of a component; ``status`` is ``None`` for one that never ran."""

    status: str | None = "healthy"
    heartbeat: float | None = None
