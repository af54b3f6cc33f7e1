"""The fake Airflow itself: what it knows, what persons do to it, and its life as a server."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fakes.fake_airflow.accounts import Accounts
from fakes.fake_airflow.faults import Effect, Fault, Faults
from fakes.fake_airflow.records import (
    FakeComponent,
    FakeDag,
    FakeImportError,
    FakeRow,
    FakeRun,
    FakeTask,
)
from fakes.fake_airflow.releases import RELEASES
from fakes.fake_airflow.server import Server

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class FakeAirflow:
    """An Airflow of ``version``, served on loopback inside a ``with`` block.

    All attributes may be read and changed at any time, also while it serves.
    """

    def __init__(
        self,
        version: str = "3.3.2",
        *,
        now: Callable[[], float] = time.time,
        base_path: str = "",
    ) -> None:
        self.release = RELEASES[version]
        self.now = now
        self.host = "127.0.0.1"  # another one, where pods are to reach it
        self.base_path = base_path
        self.dags: dict[str, FakeDag] = {}
        self.runs: dict[tuple[str, str], FakeRun] = {}
        self.tasks: list[FakeTask] = []
        self.import_errors: list[FakeImportError] = []
        self.rows: list[FakeRow] = []
        self.health = {name: FakeComponent(heartbeat=now()) for name in COMPONENTS}
        self.providers = {"apache-airflow-providers-standard": "1.9.0"}
        self.pools = {"default_pool": 128}  # slots
        self.warnings: list[tuple[str, str, str]] = []
        self.known_connections: set[str] = set()
        self.variables: dict[str, str] = {}
        self.accounts = Accounts(self.release, now)
        self.faults = Faults()
        self.requests: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections = 0
        self.parse_requests: list[str] = []
        self.on_parse: Callable[[str], None] = self.parsed
        self.sends_date = True
        self.lock = threading.RLock()
        self._server = Server(self)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone: nothing listens any more (also the end of the ``with`` block)."""
        self._server.stop()

    @property
    def url(self) -> str:
        """The base address, as ``fermata.yaml`` would have it."""
        return f"http://{self.host}:{self._server.port}{self.base_path}"

    # What there is

    def add_dag(self, dag_id: str, *, paused: bool = False, **more: Any) -> FakeDag:  # noqa: ANN401
        """Add a DAG, parsed just now; ``more`` are fields of ``FakeDag``."""
        dag = FakeDag(dag_id=dag_id, is_paused=paused, last_parsed_time=self.now(), **more)
        self.dags[dag_id] = dag
        return dag

    def add_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        state: str | None,
        **more: Any,  # noqa: ANN401
    ) -> FakeTask:
        """Add a task instance in ``state``; ``more`` are fields of ``FakeTask``."""
        times: dict[str, float] = {"queued_when": self.now()}
        if state not in (None, "queued", "scheduled"):
            times["start"] = self.now()
        task = FakeTask(
            dag_id=dag_id, run_id=run_id, task_id=task_id, state=state, **(times | more)
        )
        with self.lock:
            self.tasks.append(task)
        return task

    def add_import_error(
        self, file: str, stack_trace: str = "ImportError: no\n"
    ) -> FakeImportError:
        """Let ``file`` fail to import: its DAGs are broken and stale from now on (3.x)."""
        with self.lock:
            number = max((error.id for error in self.import_errors), default=0) + 1
            error = FakeImportError(
                id=number, file=file, stack_trace=stack_trace, timestamp=self.now()
            )
            self.import_errors.append(error)
            for dag in self.dags.values():
                if dag.file == file:
                    dag.has_import_errors = True
                    dag.is_stale = self.release.generation == 3
        return error

    def parsed(self, file: str) -> None:
        """Let ``file`` have been parsed just now (what a request to parse does by default)."""
        with self.lock:
            for dag in self.dags.values():
                if dag.file == file:
                    dag.last_parsed_time = self.now()

    # What persons do

    def person_pauses(self, dag_id: str, *, paused: bool = True, owner: str = "ann") -> None:
        """Let a person click: a row in the event log, and the effect."""
        self.write_row(self.pause_event_name, owner, dag_id, {"is_paused": paused})
        self.dags[dag_id].is_paused = paused

    def person_pauses_on_the_command_line(self, dag_id: str, *, paused: bool = True) -> None:
        """Let a person use ``airflow dags pause``."""
        word = "pause" if paused else "unpause"
        command = f"['airflow', 'dags', '{word}', '{dag_id}']"
        self.write_row(f"cli_dag_{word}", "root", dag_id, {"full_command": command})
        self.dags[dag_id].is_paused = paused

    @property
    def pause_event_name(self) -> str:
        """The name of the event of a pause over the API."""
        return "patch_dag" if self.release.generation == 3 else "api.patch_dag"

    def write_row(
        self, event: str, owner: str, dag_id: str | None = None, extra: dict[str, Any] | None = None
    ) -> FakeRow:
        """Add a row to the event log; 3.0 gets every value wrong."""
        extra = dict(extra or {})
        if self.release.false_values and "is_paused" in extra:
            extra["is_paused"] = False
        with self.lock:
            row = FakeRow(
                id=len(self.rows) + 1,
                when=self.now(),
                event=event,
                owner=owner,
                dag_id=dag_id,
                extra=extra,
            )
            self.rows.append(row)
        return row

    # What goes wrong

    def answers(
        self,
        status: int,
        *,
        path: str = "",
        method: str = "",
        times: int = 1,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Answer the next requests with ``status`` and without effect (``times=0``: for ever)."""
        self.faults.order(Fault(method=method, path=path, times=times, answer=status, **more))

    def loses(
        self, *, path: str = "", method: str = "PATCH", times: int = 1, effect: Effect
    ) -> None:
        """Give no answer to the next requests: the connection breaks.

        They take effect ``now``, ``later`` (at ``land()``) or ``never``.
        """
        self.faults.order(Fault(method=method, path=path, times=times, effect=effect))

    def land(self) -> int:
        """Let the requests that were lost with effect ``later`` land; return how many."""
        return self.faults.land()

    # What a client needs

    def credential_files(self, folder: Path, user: str = "fermata") -> tuple[Path, Path]:
        """Write ``user``'s name and password to files in ``folder`` and return the two."""
        username, password = folder / f"{user}-username", folder / f"{user}-password"
        username.write_text(user)
        password.touch(mode=0o600)
        password.write_text(self.accounts.passwords[user] + "\n")
        return username, password

    def sent(self, method: str, part: str = "") -> Sequence[str]:
        """Return the requests that came, as ``PATCH /api/v2/dags/etl?…``."""
        return [line for line in self.requests if line.startswith(f"{method} ") and part in line]
