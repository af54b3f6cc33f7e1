"""Real processes killed with SIGKILL in the middle of it, on a real Airflow.

Each round has DAGs of its own: a hold step is killed at some moment, a person acts, and a release
or the watch, which may be killed too, gives back. At the end, when nothing can land any more,
every DAG is what it was, or what its person made of it, and the ledger is empty.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

import holding_process
from clusters import connect, fresh_namespace
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.ledger import CLOCKS_DIFFER, WINDOW, Ledger
from fermata_hooks.termination import Termination

pytestmark = [pytest.mark.airflow, pytest.mark.long, pytest.mark.timeout(3600)]

ROUNDS = 24
IN_A_ROUND = 12
PARSED_WITHIN = 180.0
LATEST = WINDOW + holding_process.LATE + CLOCKS_DIFFER + 1.0

DAG_FILE = f"""\
from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow.models import DAG

for number in range({ROUNDS * IN_A_ROUND}):
    dag_id = f"killed_{{number:03}}"
    globals()[dag_id] = DAG(
        dag_id, schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False
    )
"""


class Site:
    """The DAGs of all rounds, and one ledger."""

    def __init__(self, airflow: RunningAirflow, ledger: str) -> None:
        self.airflow = airflow
        self.ledger = ledger
        self.killed = 0
        self.clock = SystemClock(Termination())
        self.api = self.api_of("fermata")
        self.ann = self.api_of("ann")

    def api_of(self, user: str) -> AirflowApi:
        files = self.airflow.credential_files(user)
        return AirflowApi(self.airflow.url, PasswordFiles(*files), clock=self.clock)

    def paused(self) -> set[str]:
        return {d.dag_id for d in self.api.dags() if d.is_paused and d.dag_id in self.all_dags()}

    @staticmethod
    def all_dags() -> list[str]:
        return [f"killed_{number:03}" for number in range(ROUNDS * IN_A_ROUND)]

    def start(self, what: str, application: str, *dags: str) -> "subprocess.Popen[bytes]":
        credentials = self.airflow.credential_files("fermata")[0].parent
        return subprocess.Popen(
            [
                *(sys.executable, holding_process.__file__, what, self.airflow.url),
                *(str(credentials), self.ledger, application, *dags),
            ],
        )

    def run(self, what: str, application: str, *dags: str, kill_after: float | None = None) -> None:
        """Run a process to its end, or kill it so many seconds after it began to work."""
        with self.start(what, application, *dags) as process:
            if kill_after is None:
                assert process.wait(timeout=300) == 0
                return
            try:
                process.wait(timeout=kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                self.killed += 1

    def lines(self) -> set[str]:
        documents = holding_process.documents_of(self.ledger, self.clock)
        return set(Ledger(documents, clock=self.clock).read().lines)


@pytest.fixture(scope="module")
def parsed(airflow: RunningAirflow) -> RunningAirflow:
    folder = airflow.dags_folder / "killed"
    folder.mkdir()
    (folder / "killed.py").write_text(DAG_FILE)
    site = Site(airflow, "file:/nowhere")
    give_up_at = time.monotonic() + PARSED_WITHIN
    while not set(site.all_dags()) <= {dag.dag_id for dag in site.api.dags()}:
        assert time.monotonic() < give_up_at, "not parsed"
        time.sleep(1)
    return airflow


@pytest.fixture(params=["file", pytest.param("cluster", marks=pytest.mark.kubernetes)])
def site(request: pytest.FixtureRequest, parsed: RunningAirflow, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        ledger = f"file:{tmp_path / 'ledger'}"
        if request.param == "cluster":
            ledger = f"kubernetes:{stack.enter_context(fresh_namespace(connect()))}"
        yield Site(parsed, ledger)


def test_nothing_is_lost_whoever_is_killed_whenever(site: Site) -> None:
    random = Random(1)  # noqa: S311 - when to kill
    dags = site.all_dags()
    for dag_id in dags:
        site.api.set_paused(dag_id, paused=False)
    due: set[str] = set()
    for number in range(ROUNDS):
        ours = dags[number * IN_A_ROUND : (number + 1) * IN_A_ROUND]
        asleep, put_to_sleep, woken = ours[0], ours[1], ours[2]
        application = f"app-{number}"
        site.ann.set_paused(asleep, paused=True)

        site.run("hold", application, *ours, kill_after=random.uniform(0.2, 1.5))
        if number % 3 == 0:
            site.run("hold", application, *ours, kill_after=random.uniform(0.2, 1.5))
        site.ann.set_paused(put_to_sleep, paused=True)
        site.ann.set_paused(woken, paused=False)
        back = "watch" if number % 2 else "release"
        site.run(back, application, kill_after=random.uniform(0.2, 1.5))
        due |= {asleep, put_to_sleep}

    site.run("watch", "nobody")
    time.sleep(LATEST)
    site.run("watch", "nobody")
    for number in range(ROUNDS):
        site.run("release", f"app-{number}")
    if site.lines():
        time.sleep(LATEST)
        site.run("watch", "nobody")

    assert site.killed > ROUNDS // 3  # or the test has shown nothing
    assert site.paused() == due
    assert site.lines() == set()
