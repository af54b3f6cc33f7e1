"""A real Airflow with the provider and a triggerer that can be killed, and an Argo CD on loopback.

Tasks run in their own processes, as Airflow starts them; the provider is installed from its wheel.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_layers import with_provider
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

PATIENCE = 240.0
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

    def asked_by(self, dag_id: str, run_id: str) -> list[dict[str, str]]:
        """Return the ``infos`` of each sync that a run has asked for, whoever asked for others."""
        asked = [
            {row["name"]: row["value"] for row in body["infos"]} for body in self.argocd.bodies
        ]
        return [infos for infos in asked if (Initiator.of(infos) or ())[:2] == (dag_id, run_id)]

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


@contextmanager
def provider_scene(
    server: AirflowServer, folder: Path, files: Mapping[str, str], *, dags: int, applications: str
) -> Iterator[Scene]:
    """Have DAG ``files`` (so many DAGs in all), and ``applications``, separated by spaces."""
    installation = with_provider(server.installation, folder / "layer")
    with ArgoCdServer() as argocd:
        for name in applications.split():
            argocd.add(name)
        dags_folder = folder / "dags"
        dags_folder.mkdir()
        for name, text in files.items():
            (dags_folder / name).write_text(text, encoding="utf-8")
        running = AirflowServer(installation).running(dags_folder=dags_folder, settings=SETTINGS)
        with running as airflow:
            credentials = PasswordFiles(airflow.username_file, airflow.password_file)
            # An answer takes as long as a loaded machine takes.
            clock = SystemClock(Termination())
            api = AirflowApi(airflow.url, credentials, clock=clock, timeout=120.0)
            triggerer = Triggerer(installation.python, airflow.home)
            scene = Scene(airflow, api, argocd, installation.python, triggerer)
            triggerer.start()
            try:
                _connect(scene, folder)
                _wait_for_dags(scene, dags)
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
