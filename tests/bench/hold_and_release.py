"""Hold and release of 1,000 DAGs on a real Airflow, beside the bare requests that they send.

Budget: at most 1.3 times the bare requests at the same concurrency, taken in turns in one run, and
150 MiB. The ledger is a file, so that nothing but Airflow and Fermata are measured.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import (
    Environment,
    HoldOrder,
    Patience,
    connect,
    hold_dags,
    release_hold,
)
from fermata_hooks.termination import Termination
from fermata_spec.errors import UnavailableError

DAGS = 1000
AT_ONCE = 8
ROUNDS = 2
BUDGET_TIMES = 1.3
BUDGET_MIB = 150
PARSED_WITHIN = 300.0  # seconds
QUIET = 20.0  # seconds in which Airflow writes what it has parsed
SELDOM = {"dag_processor.min_file_process_interval": "3600"}  # it parses once

DAG_FILE = f"""\
from datetime import datetime

from airflow.sdk import DAG

for number in range({DAGS}):
    dag_id = f"team_{{number % 40:02}}__load_{{number:04}}"
    globals()[dag_id] = DAG(
        dag_id, schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False
    )
"""


class Bench:
    """One Airflow with its DAGs parsed."""

    def __init__(self, airflow: RunningAirflow, folder: Path) -> None:
        self.termination = Termination()
        self.clock = SystemClock(self.termination)
        self.unanswered = 0
        self._airflow = airflow
        self._documents = FileDocuments(folder)
        self.api = self.connect_api()
        self.dag_ids = self._parsed()

    def connect_api(self) -> AirflowApi:
        credentials = PasswordFiles(self._airflow.username_file, self._airflow.password_file)
        return AirflowApi(self._airflow.url, credentials, clock=self.clock)

    def environment(self) -> Environment:
        """Return what a new process has."""
        return connect(
            self.connect_api(), self._documents, clock=self.clock, termination=self.termination
        )

    def bare(self, *, paused: bool) -> None:
        """Send nothing but the requests."""

        def ask(dag_id: str) -> None:
            try:
                self.api.set_paused(dag_id, paused=paused, tag="bench.bare")
            except UnavailableError:  # SQLite was locked by the scheduler for too long
                self.unanswered += 1
                ask(dag_id)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(ask, self.dag_ids))

    def hold(self) -> None:
        order = HoldOrder(
            application="bench",
            revision="r1",
            operation="",
            wanted=self.dag_ids,
            lease=3600.0,
            deadline=1800.0,
        )
        hold_dags(self.environment(), order)

    def release(self) -> None:
        released = release_hold(
            self.environment(), "bench", revision="r1", patience=Patience(deadline=1800.0)
        )
        self.unanswered += len(released.settled.waiting)

    def _parsed(self) -> list[str]:
        give_up_at = time.monotonic() + PARSED_WITHIN
        while len(dags := self.api.dags()) < DAGS:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{len(dags)} of {DAGS} DAGs after {PARSED_WITHIN:g}s")
            time.sleep(2)
        time.sleep(QUIET)
        return [dag.dag_id for dag in dags]


def taken(action: Callable[[], None]) -> float:
    """Return how many seconds ``action`` takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def main() -> int:
    """Print what each takes; return 1 when a budget is exceeded."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AirflowServer.installed().running(settings=SELDOM) as airflow,
    ):
        (airflow.dags_folder / "many.py").write_text(DAG_FILE)
        bench = Bench(airflow, Path(folder))
        seconds = {"bare pause": 0.0, "hold": 0.0, "bare resume": 0.0, "release": 0.0}
        for _ in range(ROUNDS):
            seconds["bare pause"] += taken(lambda: bench.bare(paused=True))
            seconds["bare resume"] += taken(lambda: bench.bare(paused=False))
            seconds["hold"] += taken(bench.hold)
            seconds["release"] += taken(bench.release)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = seconds["hold"] / seconds["bare pause"]
    released = seconds["release"] / seconds["bare resume"]
    print(f"{DAGS} DAGs, Airflow {airflow.version}, {AT_ONCE} requests at once, {ROUNDS} rounds")
    for what, took in seconds.items():
        print(f"{what:12} {took / ROUNDS:7.1f} s")
    print(f"hold {held:.2f}, release {released:.2f} times the bare requests, of {BUDGET_TIMES}")
    print(f"{bench.unanswered} request(s) without an answer")
    print(f"{mib:.0f} MiB, of {BUDGET_MIB}")
    return int(max(held, released) > BUDGET_TIMES or mib > BUDGET_MIB)


if __name__ == "__main__":
    sys.exit(main())
