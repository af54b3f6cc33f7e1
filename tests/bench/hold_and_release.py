"""Hold and release of 1,000 DAGs on a real Airflow, beside the bare requests that they send.

Budget: at most 1.3 times the bare requests at the same concurrency, taken in turns in one run, and
150 MiB. The whole hooks are measured, with what they list, look up and write down, but for the
seconds that the drain waits for the scheduler. The ledger is a file, so that nothing but Airflow
and Fermata are measured.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.identity_settings import AirflowIdentity
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import run_release
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.ledger import BEFORE_THE_LOOK
from fermata_hooks.settings import FolderLedger, Settings
from fermata_hooks.termination import Termination
from fermata_spec.errors import UnavailableError
from fermata_spec.plan import Plan, PlannedDag
from fermata_spec.report import Report

DAGS = 1000
AT_ONCE = 8
ROUNDS = 3
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
        self._folder = folder
        self._plan = Plan(application="bench", revision="", airflow_url="", dags=())
        self.api = self.connect_api()
        self.dag_ids = self._parsed()

    def connect_api(self) -> AirflowApi:
        credentials = PasswordFiles(self._airflow.username_file, self._airflow.password_file)
        return AirflowApi(self._airflow.url, credentials, clock=self.clock)

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

    def hold(self, number: int) -> float:
        """Hold a revision that touches every DAG; return the seconds that the drain waited."""
        dags = tuple(
            PlannedDag(dag_id=dag_id, digest=f"{number:016}", file="many.py", evidence="doc_md")
            for dag_id in self.dag_ids
        )
        self._plan = replace(self._plan, revision=f"{number:040}", dags=dags)
        report = self._report("hold")
        run_hold(self._plan, self._place(), report)
        waited = next(check for check in report.checks if check.name == "drain")
        return float(waited.numbers["seconds"])

    def release(self) -> None:
        """Release it."""
        report = self._report("release")
        run_release(self._plan, self._place(), report)
        self.unanswered += sum(dag.done == "waits" for dag in report.dags)

    def _report(self, hook: str) -> Report:
        return Report(hook=hook, application="bench", revision=self._plan.revision, started="")

    def _place(self) -> Workplace:
        """Return what a new process has."""
        settings = Settings(
            ledger=FolderLedger(self._folder),
            identity=AirflowIdentity(
                username_file=self._airflow.username_file,
                password_file=self._airflow.password_file,
            ),
        )
        return Workplace(
            settings=settings,
            clock=self.clock,
            termination=self.termination,
            airflow_url=self._airflow.url,
            late=300.0,
        )

    def _parsed(self) -> list[str]:
        give_up_at = time.monotonic() + PARSED_WITHIN
        while len(dags := self.api.dags()) < DAGS:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{len(dags)} of {DAGS} DAGs after {PARSED_WITHIN:g}s")
            time.sleep(2)
        time.sleep(QUIET)
        return [dag.dag_id for dag in dags]


def taken(action: Callable[[], float | None]) -> float:
    """Return how many seconds ``action`` takes, less those that it says it has waited."""
    started = time.monotonic()
    waited = action() or 0.0
    return time.monotonic() - started - waited


def main() -> int:
    """Print what each takes; return 1 when a budget is exceeded."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AirflowServer.installed().running(settings=SELDOM) as airflow,
    ):
        (airflow.dags_folder / "many.py").write_text(DAG_FILE)
        bench = Bench(airflow, Path(folder))
        seconds = {"bare pause": 0.0, "hold": 0.0, "bare resume": 0.0, "release": 0.0}
        for number in range(ROUNDS):
            seconds["bare pause"] += taken(lambda: bench.bare(paused=True))
            seconds["bare resume"] += taken(lambda: bench.bare(paused=False))
            time.sleep(BEFORE_THE_LOOK)  # else release reads the bare requests' rows, too
            seconds["hold"] += taken(partial(bench.hold, number))
            seconds["release"] += taken(bench.release)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = (seconds["hold"] + seconds["release"]) / (
        seconds["bare pause"] + seconds["bare resume"]
    )
    print(f"{DAGS} DAGs, Airflow {airflow.version}, {AT_ONCE} requests at once, {ROUNDS} rounds")
    for what, took in seconds.items():
        print(f"{what:12} {took / ROUNDS:7.1f} s")
    print(f"hold and release {times:.2f} times the bare requests, of {BUDGET_TIMES}")
    print(f"{bench.unanswered} request(s) without an answer")
    print(f"{mib:.0f} MiB, of {BUDGET_MIB}")
    return int(times > BUDGET_TIMES or mib > BUDGET_MIB)


if __name__ == "__main__":
    sys.exit(main())
