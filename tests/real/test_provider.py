"""The example DAGs on a real Airflow with a real triggerer, against an Argo CD on loopback.

Tasks run in their own processes, as Airflow starts them; the provider is installed from its wheel.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_layers import ROOT, with_provider
from fakes.argocd_server import ArgoCdServer
from fakes.fake_argocd import PROJECT
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo import airflow_config
from fermata_hooks.demo.airflow_server import (
    GRACE,
    AirflowServer,
    Processes,
    RunningAirflow,
)
from fermata_hooks.termination import Termination
from fermata_spec.initiator import Initiator

pytestmark = [pytest.mark.airflow, pytest.mark.long]  # minutes: tasks in processes of their own

EXAMPLES = ROOT / "plugin" / "fermata_airflow" / "example_dags"
PATIENCE = 240.0
NEW = "b" * 40
SETTINGS = {
    "core.parallelism": "4",
    "triggerer.job_heartbeat_sec": "1",
    "triggerer.triggerer_health_check_threshold": "6",  # until another one takes over
}


@dataclass
class Scene:
    """An Airflow with the provider, its API, and the Argo CD that its connection leads to."""

    airflow: RunningAirflow
    api: AirflowApi
    argocd: ArgoCdServer
    python: Path
    triggerer: "Triggerer"

    def begin(self, dag_id: str, run_id: str, **conf: object) -> None:
        """Start a run."""
        self.api.set_paused(dag_id, paused=False)
        self.api.trigger(dag_id, run_id=run_id, conf=conf, note="")

    def finish(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return each task's state when the run has ended."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            run = self.api.dag_run(dag_id, run_id)
            if run is not None and run.state in ("success", "failed"):
                return self.states(dag_id, run_id)
            time.sleep(0.5)
        told = f"{dag_id}: {self.states(dag_id, run_id)}\n{self.airflow.log_tail(40)}"
        raise AssertionError(told)

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return each task's state."""
        instances = self.api.run_task_instances(dag_id, run_id)
        return {instance.task_id: str(instance.state) for instance in instances}

    def wait_for(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Return when a task is in a state."""
        end = time.monotonic() + PATIENCE
        while self.states(dag_id, run_id).get(task_id) != state:
            assert time.monotonic() < end, self.states(dag_id, run_id)
            time.sleep(0.2)

    def log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return all that a task has said, of all its tries."""
        folder = self.airflow.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"
        files = sorted((folder / f"task_id={task_id}").rglob("*.log*"))
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    def command(self, *arguments: str) -> str:
        """Return what Airflow's own command line prints."""
        env = airflow_config.environment(self.python, self.airflow.home)
        done = subprocess.run(
            [self.python, "-m", "airflow", *arguments],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Triggerer:
    """A triggerer that can be killed: Airflow's other processes must not go with it.

    It has a supervisor of its own, so it ends with these tests, however they end.
    """

    def __init__(self, python: Path, home: Path) -> None:
        self._folder = home / "triggerer"
        self._folder.mkdir()
        process = {
            "argv": [str(python), "-m", "airflow", "triggerer", "--skip-serve-logs"],
            "env": airflow_config.environment(python, home),
            "log": str(home / "triggerer.log"),
        }
        self._specification = {"processes": [process], "remove": [], "grace": GRACE}
        self._processes = Processes()

    def start(self) -> None:
        """Start it."""
        self._processes = Processes()
        self._processes.start(self._specification, home=self._folder)

    def kill(self) -> None:
        """End it at once: the supervisor is there for what it leaves."""
        supervisor = self._processes.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii")
        for child in children.split():
            os.kill(int(child), signal.SIGKILL)
        self._processes.stop()

    def stop(self) -> None:
        """Let it end."""
        self._processes.stop()


@pytest.fixture(scope="module")
def scene(
    airflow_server: AirflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("provider")
    installation = with_provider(airflow_server.installation, folder / "layer")
    with ArgoCdServer() as argocd:
        argocd.add("shop")
        argocd.runs("shop", seconds=2.0)
        dags = folder / "dags"
        dags.mkdir()
        for example in EXAMPLES.glob("example_*.py"):
            (dags / example.name).write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
        with AirflowServer(installation).running(dags_folder=dags, settings=SETTINGS) as airflow:
            credentials = PasswordFiles(airflow.username_file, airflow.password_file)
            api = AirflowApi(airflow.url, credentials, clock=SystemClock(Termination()))
            triggerer = Triggerer(installation.python, airflow.home)
            scene = Scene(airflow, api, argocd, installation.python, triggerer)
            triggerer.start()
            try:
                _connect(scene, folder)
                _wait_for_dags(scene, len(list(dags.glob("example_*.py"))))
                yield scene
            finally:
                triggerer.stop()
        assert argocd.violations == []


def _connect(scene: Scene, folder: Path) -> None:
    extra = {"token_file": str(scene.argocd.token_file(folder)), "project": PROJECT}
    connection = {
        "conn_type": "argocd",
        "host": "127.0.0.1",
        "schema": "http",
        "port": scene.argocd.port,
        "extra": extra,
    }
    scene.command("connections", "add", "argocd_default", "--conn-json", json.dumps(connection))


def _wait_for_dags(scene: Scene, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(scene.api.dags()) < count:
        errors = [each.stack_trace for each in scene.api.import_errors()]
        assert not errors, "\n".join(errors)
        assert time.monotonic() < end, scene.airflow.log_tail()
        time.sleep(0.5)


def test_airflow_knows_the_provider_its_connection_and_its_link(scene: Scene) -> None:
    listed = json.loads(scene.command("providers", "list", "-o", "json"))
    hooks = json.loads(scene.command("providers", "hooks", "-o", "json"))
    links = scene.command("providers", "links", "-o", "json")

    assert "airflow-fermata" in {row["package_name"] for row in listed}
    kinds = {row["connection_type"]: row["class"] for row in hooks}
    assert kinds["argocd"] == "fermata_airflow.hooks.argocd.ArgoCDHook"
    assert "fermata_airflow.links.ArgoCDLink" in links


def test_a_sync_and_a_gate_run_and_the_operation_says_which_run_began_it(scene: Scene) -> None:
    dag_id = "example_argocd_sync_then_gate"
    scene.argocd.heads["shop"] = NEW
    scene.begin(dag_id, "first")

    assert scene.finish(dag_id, "first") == dict.fromkeys(("sync", "healthy", "load"), "success")
    operation = scene.argocd.applications["shop"]["status"]["operationState"]["operation"]
    infos = {row["name"]: row["value"] for row in operation["info"]}
    begun = Initiator.of(infos)
    assert begun is not None
    assert begun[:3] == (dag_id, "first", "sync")
    assert scene.argocd.started.count("shop") == 1
    assert scene.argocd.most_streams <= 1


def test_a_person_who_clears_a_task_gets_a_new_sync(scene: Scene) -> None:
    dag_id = "example_argocd_sync_then_gate"
    scene.begin(dag_id, "cleared")
    scene.finish(dag_id, "cleared")
    before = len(scene.argocd.started)

    # The command clears the task in all runs.
    scene.command("tasks", "clear", dag_id, "--task-regex", "sync", "--yes")
    runs = len(list((scene.airflow.home / "logs" / f"dag_id={dag_id}").glob("run_id=*")))
    end = time.monotonic() + PATIENCE
    while len(scene.argocd.started) < before + runs:
        assert time.monotonic() < end, scene.airflow.log_tail(40)
        time.sleep(0.2)

    assert scene.finish(dag_id, "cleared")["sync"] == "success"
    assert len(scene.argocd.started) == before + runs


def test_a_bad_quality_rolls_back_to_the_last_good_revision(scene: Scene) -> None:
    dag_id = "example_argocd_rollback_on_quality"
    history = scene.argocd.applications["shop"]["status"]["history"]
    scene.argocd.heads["shop"] = "c" * 40
    good = history[-1]["revision"]

    scene.begin(dag_id, "bad", quality=0.1)

    assert set(scene.finish(dag_id, "bad").values()) == {"success"}
    assert [row["revision"] for row in history[-2:]] == ["c" * 40, good]


def test_a_nightly_rebuild_runs_without_a_triggerer(scene: Scene) -> None:
    scene.begin("example_argocd_nightly_rebuild", "night")

    states = scene.finish("example_argocd_nightly_rebuild", "night")

    assert states == dict.fromkeys(("refresh", "sync", "all_healthy"), "success")


def test_a_failed_sync_fails_the_task_with_argo_cds_words_in_its_log(scene: Scene) -> None:
    dag_id = "example_argocd_rollback_on_quality"
    scene.argocd.runs("shop", outcome="Failed", message="one or more tasks failed", seconds=0.5)
    try:
        scene.begin(dag_id, "failing")
        states = scene.finish(dag_id, "failing")
    finally:
        scene.argocd.runs("shop", seconds=2.0)

    assert states["sync"] == "failed"
    log = scene.log(dag_id, "failing", "sync")
    assert "ArgoCDOperationFailedError" in log
    assert "one or more tasks failed [PreSync/fermata-hold: Job has reached" in log


def test_a_wait_takes_no_worker_and_goes_on_within_two_seconds_of_the_change(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    dag_id = "example_argocd_smoke_after_sync"
    scene.argocd.begin("shop")
    scene.begin(dag_id, "waiting")
    scene.wait_for(dag_id, "waiting", "synced", "deferred")
    _settled(scene)

    scene.argocd.end("shop", "Succeeded")
    scene.argocd.has_health("shop", "Healthy")
    changed = time.monotonic()
    while scene.states(dag_id, "waiting")["synced"] == "deferred":
        time.sleep(0.02)
    taken = time.monotonic() - changed

    with capsys.disabled():
        print(f"\nfrom Argo CD's change to the end of the deferral: {taken:.2f} s")
    assert set(scene.finish(dag_id, "waiting").values()) == {"success"}


def test_a_triggerer_that_is_killed_is_no_end_of_a_wait(scene: Scene) -> None:
    dag_id = "example_argocd_smoke_after_sync"
    scene.argocd.begin("shop")
    scene.begin(dag_id, "killed")
    scene.wait_for(dag_id, "killed", "synced", "deferred")
    _settled(scene)

    scene.triggerer.kill()
    scene.argocd.end("shop", "Succeeded")
    scene.argocd.has_health("shop", "Healthy")
    scene.triggerer.start()

    assert scene.finish(dag_id, "killed")["synced"] == "success"


def _settled(scene: Scene) -> None:
    end = time.monotonic() + PATIENCE
    while scene.argocd.streams == 0:
        assert time.monotonic() < end, scene.airflow.log_tail()
        time.sleep(0.05)
