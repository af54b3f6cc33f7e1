"""hold and release on a real Airflow: a task that runs, a person, and what resuming starts."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

import patience
from fermata_hooks.airflow_api import AirflowApi, DagRun, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_status import FileDagSets, verified_now
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import read_status
from fermata_hooks.ledger import Ledger
from fermata_hooks.termination import Termination
from fermata_spec.dagset import DagSetStatus
from fermata_spec.plan import HoldPolicy, Plan, dump_plan
from workplaces import OLD, changed, fermata, make_plan

pytestmark = [pytest.mark.airflow]

PATIENCE = 90.0  # seconds for a task to run or a file to be parsed on a loaded machine
FOLDER = "hold_and_release"
SLOW, QUIET, OTHER, SENSOR = "hr_slow", "hr_quiet", "hr_other", "hr_sensor"
DAG_FILE = f"""\
import os
import time
from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow.decorators import task
    from airflow.models import DAG


def dag(dag_id, **more):
    return DAG(
        dag_id,
        start_date=datetime(2024, 1, 1),
        catchup=False,
        default_args={{"owner": "alice"}},
        **{{"schedule": None, **more}},
    )


@task
def work(seconds, **context):
    time.sleep(context["dag_run"].conf.get("seconds", seconds))


@task.sensor(mode="reschedule", poke_interval=2)
def wait(**context):
    return False


with dag("{SLOW}"):
    work(12)
with dag("{QUIET}", schedule="@daily"):
    work(0)
with dag("{OTHER}"):
    work(0)
with dag("{SENSOR}"):
    wait()
"""

Found = TypeVar("Found")


class Site:
    """Four DAGs in a real Airflow, proven as one revision, and a ledger in a folder."""

    def __init__(self, airflow: RunningAirflow, folder: Path) -> None:
        self.clock = SystemClock(Termination())
        self._airflow = airflow
        self._folder = folder
        self.api = self.api_of("fermata")
        self.documents = FileDocuments(folder / "ledger")
        self.plan = make_plan(SLOW, QUIET, OTHER, SENSOR, revision=OLD)
        status = DagSetStatus(revision=OLD, verified=verified_now(self.plan, self.clock))
        FileDagSets(self.documents).write(self.plan.application, status)

    def api_of(self, user: str) -> AirflowApi:
        credentials = PasswordFiles(*self._airflow.credential_files(user))
        return AirflowApi(self._airflow.url, credentials, clock=self.clock)

    def command(self, *args: str, plan: Plan) -> tuple[subprocess.CompletedProcess[str], Any]:
        """Run ``fermata`` with ``plan``; return how it ended, and its report."""
        plan_file = self._folder / "plan.json"
        plan_file.write_text(dump_plan(plan))
        username, password = self._airflow.credential_files("fermata")
        done = subprocess.run(
            [*fermata(*args), "--format", "json"],
            env={
                "PATH": os.environ["PATH"],
                "FERMATA_PLAN": str(plan_file),
                "FERMATA_LEDGER": f"file:{self._folder / 'ledger'}",
                "FERMATA_AIRFLOW_URL": self._airflow.url,
                "FERMATA_AIRFLOW_USERNAME_FILE": str(username),
                "FERMATA_AIRFLOW_PASSWORD_FILE": str(password),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done, json.loads(done.stdout or "{}")

    def paused(self) -> set[str]:
        ours = {dag.dag_id for dag in self.plan.dags}
        return {d.dag_id for d in self.api.dags() if d.is_paused and d.dag_id in ours}

    def run_of(self, dag_id: str, run_id: str, state: str, **conf: object) -> None:
        """Start a run, and return when its only task is in ``state``."""
        self.api.trigger(dag_id, run_id=run_id, conf=conf, note="a test")

        def there() -> bool:
            return [ti.state for ti in self.api.run_task_instances(dag_id, run_id)] == [state]

        soon(there)

    def backfill(self, dag_id: str, *, days: int) -> None:
        """Start a backfill, one run at a time."""
        username, password = (f.read_text() for f in self._airflow.credential_files("fermata"))
        body = {
            "dag_id": dag_id,
            "from_date": "2024-03-01T00:00:00Z",
            "to_date": f"2024-03-{days:02}T00:00:00Z",
            "max_active_runs": 1,
            "dag_run_conf": {"seconds": 3},
            "reprocess_behavior": "none",
            "run_backwards": False,
        }
        login = {"username": username.strip(), "password": password.strip()}
        token = self._post("/auth/token", login)["access_token"]

        def started() -> bool:
            try:
                self._post("/api/v2/backfills", body, {"Authorization": f"Bearer {token}"})
            except urllib.error.HTTPError as exc:
                if exc.code != 503:  # SQLite was locked by the scheduler
                    raise
                return False
            return True

        soon(started)

    def backfill_runs(self, dag_id: str) -> list[DagRun]:
        """Return the runs of a backfill that are not over."""
        runs = self.api.history.active_runs([dag_id])
        return sorted(
            (run for run in runs if run.run_type == "backfill"), key=lambda run: run.run_id
        )

    def _post(self, path: str, body: object, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._airflow.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    @property
    def at_rest(self) -> bool:
        return read_status(Ledger(self.documents, clock=self.clock)) == ((), ())


def soon(look: Callable[[], Found | None]) -> Found:
    return patience.eventually(look, within=PATIENCE)


@pytest.fixture(scope="module")
def dags_folder(airflow: RunningAirflow) -> Path:
    folder = airflow.dags_folder / FOLDER
    folder.mkdir()
    (folder / "hold_and_release.py").write_text(DAG_FILE)
    return folder  # it stays as long as Airflow: for others on it, DAGs that go would be lost


@pytest.fixture
def site(airflow: RunningAirflow, dags_folder: Path, tmp_path: Path) -> Site:
    del dags_folder
    site = Site(airflow, tmp_path)
    soon(lambda: site.api.dag_details(SENSOR))
    for dag in site.plan.dags:
        site.api.set_paused(dag.dag_id, paused=False)
    return site


def test_a_change_is_held_drained_and_given_back_and_a_persons_pause_is_kept(site: Site) -> None:
    site.run_of(SLOW, "usual", "success", seconds=2)
    site.run_of(SLOW, "blocks", "running")
    plan = changed(site.plan, SLOW, QUIET)

    held, report = site.command("hold", plan=plan)

    assert held.returncode == 0, held.stderr
    assert site.paused() == {SLOW, QUIET}
    assert "waiting for 1 task(s)" in held.stderr
    assert f"of 15m: {SLOW}.work (running since" in held.stderr
    assert ", alice, usually " in held.stderr
    assert report["dags"] == [
        {"dag_id": dag_id, "done": "held", "why": ""} for dag_id in (QUIET, SLOW)
    ]
    (drained,) = (check for check in report["checks"] if check["name"] == "drain")
    assert drained["numbers"]["seconds"] > 5
    assert [ti.state for ti in site.api.run_task_instances(SLOW, "blocks")] == ["success"]

    site.api.trigger(SLOW, run_id="waits", conf={"seconds": 0}, note="a test")
    site.api_of("ann").set_paused(QUIET, paused=True)
    released, report = site.command("release", plan=plan)

    assert released.returncode == 0, released.stderr
    assert site.paused() == {QUIET}
    dags = {dag["dag_id"]: dag for dag in report["dags"]}
    assert dags[SLOW]["done"] == "running again"
    assert "starts 1 queued" in dags[SLOW]["why"]
    assert dags[QUIET]["done"] == "left paused"
    assert dags[QUIET]["why"].startswith("ann paused it at ")
    assert site.at_rest

    def ran() -> bool:
        run = site.api.dag_run(SLOW, "waits")
        return run is not None and run.state == "success"

    soon(ran)


def test_what_a_paused_dag_never_goes_on_with_is_not_waited_for(site: Site) -> None:
    site.run_of(SENSOR, "sensor", "up_for_reschedule")
    policy = HoldPolicy(wait_for_deferred=True)
    plan = make_plan(*changed(site.plan, SENSOR).dags, hold=policy)

    held, report = site.command("hold", plan=plan)
    released, _ = site.command("release", plan=plan)
    site.api.set_run_state(SENSOR, "sensor", "failed")

    assert held.returncode == 3
    assert f"{SENSOR}.wait (up_for_reschedule since" in held.stderr
    assert "goes on only after the hold" in report["message"]
    assert released.returncode == 0, released.stderr
    assert site.paused() == set()
    assert site.at_rest


@pytest.mark.long
def test_a_backfill_stands_still_with_its_dag_and_goes_on_with_it(site: Site) -> None:
    if site.api.version().api == "v1":
        pytest.skip("Airflow 2 runs backfills outside its scheduler")
    site.backfill(QUIET, days=8)
    plan = changed(site.plan, QUIET)

    def begun() -> bool:
        return "running" in {run.state for run in site.backfill_runs(QUIET)}

    soon(begun)
    held, _ = site.command("hold", plan=plan)
    before = site.backfill_runs(QUIET)
    time.sleep(15)
    after = site.backfill_runs(QUIET)
    released, report = site.command("release", plan=plan)

    assert held.returncode == 0, held.stderr
    queued = [run.run_id for run in before if run.state == "queued"]
    assert queued
    assert [run.run_id for run in after if run.state == "queued"] == queued
    assert released.returncode == 0, released.stderr
    (quiet,) = report["dags"]
    assert f"the {len(queued)} of a backfill one after the other" in quiet["why"]
    soon(lambda: not site.backfill_runs(QUIET))


def test_a_dry_run_of_both_changes_nothing(site: Site) -> None:
    plan = changed(site.plan, OTHER)

    held, would = site.command("hold", "--dry-run", plan=plan)

    assert held.returncode == 0, held.stderr
    assert would["dags"] == [{"dag_id": OTHER, "done": "would be held", "why": ""}]
    assert site.paused() == set()
    assert site.at_rest
