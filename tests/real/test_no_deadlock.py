"""A DAG that syncs the application which changes that very DAG: neither waits for the other.

Both sides are real: the DAG's task asks Argo CD (on loopback) for a sync, whose PreSync is the
process ``fermata hold`` on the same Airflow. The task waits for the sync, so the sync must not
wait for the task.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fermata_hooks.demo.airflow_server import AirflowServer
from fermata_hooks.handoff import source_digest
from fermata_spec.plan import HoldPolicy, Plan, PlannedDag, VerifyPolicy, dump_plan
from provider_scene import PATIENCE, Scene, provider_scene
from workplaces import fermata

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.long,
    pytest.mark.timeout(900),
]

NEW = "b" * 40
HOLD = HoldPolicy(drain_deadline=60.0, late=5.0, lease=600.0)
VERIFY = VerifyPolicy(deadline=120.0, settle=1.0, serialize_lag=0.0, mount_lag=0.0)
DAG = """\
from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow.decorators import task
    from airflow.models import DAG

from fermata_airflow.operators.argocd import ArgoCDSyncOperator


@task
def load():
    print("loads with {text} text")


with DAG("{dag_id}", schedule=None, start_date=datetime(2024, 1, 1)):
    sync = ArgoCDSyncOperator(
        task_id="sync",
        application="{application}",
        deferrable={deferrable},
        look_interval=0.5,
        poll_interval=1.0,
        retries=2,
    )
    sync >> load()
"""
DEFERRABLE = {"own_waits": False, "own_defers": True, "own_unknown": False}


def text_of(dag_id: str, text: str) -> str:
    application, deferrable = application_of(dag_id), DEFERRABLE[dag_id]
    return DAG.format(dag_id=dag_id, text=text, application=application, deferrable=deferrable)


def application_of(dag_id: str) -> str:
    """Return a name for the DAG's application: an underscore would set off a namespace."""
    return dag_id.replace("_", "-")


class Sync:
    """What Argo CD does for one operation: it runs the hooks, and applies between them."""

    def __init__(self, scene: Scene, dag_id: str, folder: Path, *, knows: bool = True) -> None:
        self.scene, self.dag_id, self.folder, self.knows = scene, dag_id, folder, knows
        self.codes: dict[str, int] = {}
        self.told: dict[str, str] = {}
        self.seen: dict[str, object] = {}
        self.plan_file = folder / "plan.json"
        new = source_digest(text_of(dag_id, "new"))
        planned = PlannedDag(
            dag_id=dag_id, digest=new, file=f"{dag_id}.py", evidence="source", source_digest=new
        )
        self.plan = Plan(
            application=application_of(dag_id),
            revision=NEW,
            airflow_url=scene.airflow.url,
            dags=(planned,),
            hold=HOLD,
            verify=VERIFY,
        )
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        """Wait until a sync is asked for, and go through it."""
        argocd, name = self.scene.argocd, self.plan.application
        end = time.monotonic() + PATIENCE
        while "operation" not in argocd.applications[name]:
            if time.monotonic() > end:
                return
            time.sleep(0.1)
        argocd.begin(name, revision=NEW)
        if self.hook("hold"):
            self.hook("release")
            argocd.end(name, "Failed", "one or more synchronization tasks completed unsuccessfully")
            return
        self.look()
        file = self.scene.airflow.dags_folder / f"{self.dag_id}.py"
        file.write_text(text_of(self.dag_id, "new"), encoding="utf-8")
        # Airflow 2's one executor of SQLite parses nothing while a task of it runs.
        blocked = self.scene.airflow.version.startswith("2.") and not DEFERRABLE[self.dag_id]
        code = self.hook("release" if blocked else "finish")
        argocd.end(name, "Failed" if code else "Succeeded", "successfully synced")
        argocd.has_health(name, "Healthy")

    def look(self) -> None:
        """Look at Airflow between hold and release."""
        dag = self.scene.api.dag(self.dag_id)
        states = self.scene.states(self.dag_id, "own")
        self.seen = {"paused": dag.is_paused if dag else None, **states}

    def hook(self, name: str) -> int:
        """Run a hook as its Job would; return its exit code."""
        self.plan_file.write_text(dump_plan(self.plan))
        airflow, argocd = self.scene.airflow, self.scene.argocd
        env = {
            "PATH": os.environ["PATH"],
            "FERMATA_PLAN": str(self.plan_file),
            "FERMATA_LEDGER": f"file:{self.folder}/ledger",
            "FERMATA_AIRFLOW_USERNAME_FILE": str(airflow.username_file),
            "FERMATA_AIRFLOW_PASSWORD_FILE": str(airflow.password_file),
        }
        if self.knows:
            env["FERMATA_ARGOCD_URL"] = argocd.url
            env["FERMATA_ARGOCD_TOKEN_FILE"] = str(argocd.token_file(self.folder))
        done = subprocess.run(
            fermata(name), env=env, capture_output=True, text=True, check=False, timeout=300
        )
        self.codes[name] = done.returncode
        self.told[name] = done.stdout + done.stderr
        return done.returncode


@pytest.fixture(scope="module")
def scene(
    airflow_server: AirflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    files = {f"{dag_id}.py": text_of(dag_id, "old") for dag_id in DEFERRABLE}
    with provider_scene(
        airflow_server,
        tmp_path_factory.mktemp("own"),
        files,
        dags=len(files),
        applications=" ".join(map(application_of, DEFERRABLE)),
    ) as scene:
        yield scene


def synced(sync: Sync) -> dict[str, str]:
    """Run the DAG, and the sync that it asks for; return the state of each task."""
    sync.thread.start()
    sync.scene.begin(sync.dag_id, "own")
    try:
        return sync.scene.finish(sync.dag_id, "own")
    finally:
        sync.thread.join()


@pytest.mark.parametrize(
    ("dag_id", "state"),
    [
        pytest.param("own_waits", "running", id="on a worker"),
        pytest.param("own_defers", "deferred", id="in the triggerer"),
    ],
)
def test_a_dag_that_syncs_itself_is_held_without_being_waited_for(
    scene: Scene, tmp_path: Path, dag_id: str, state: str
) -> None:
    sync = Sync(scene, dag_id, tmp_path)

    states = synced(sync)

    assert set(sync.codes.values()) == {0}, sync.told
    assert sync.seen["paused"] is True
    assert sync.seen["sync"] == state
    assert sync.seen.get("load") in (None, "none", "scheduled")
    assert states == {"sync": "success", "load": "success"}
    assert "loads with new text" in scene.log(dag_id, "own", "load")
    dag = scene.api.dag(dag_id)
    assert dag is not None
    assert not dag.is_paused


def test_a_hold_that_may_not_ask_argo_cd_ends_at_its_deadline_and_names_the_task(
    scene: Scene, tmp_path: Path
) -> None:
    sync = Sync(scene, "own_unknown", tmp_path, knows=False)
    sync.plan = replace(sync.plan, hold=replace(HOLD, drain_deadline=5.0))
    sync.thread.start()
    scene.begin("own_unknown", "own")
    sync.thread.join()

    assert sync.codes == {"hold": 3, "release": 0}, sync.told
    assert "own_unknown.sync" in sync.told["hold"]
    dag = scene.api.dag("own_unknown")
    assert dag is not None
    assert not dag.is_paused
    scene.api.set_run_state("own_unknown", "own", "failed")
