"""The example DAGs on a real Airflow with a real triggerer, against an Argo CD on loopback."""

import json
import time
from collections.abc import Iterator

import pytest

from airflow_layers import ROOT
from fermata_hooks.demo.airflow_server import AirflowServer
from fermata_spec.initiator import Initiator
from provider_scene import PATIENCE, Scene, provider_scene

pytestmark = [pytest.mark.airflow, pytest.mark.long]  # minutes: tasks in processes of their own

EXAMPLES = ROOT / "plugin" / "fermata_airflow" / "example_dags"
NEW = "b" * 40


@pytest.fixture(scope="module")
def scene(
    airflow_server: AirflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    examples = {each.name: each.read_text("utf-8") for each in EXAMPLES.glob("example_*.py")}
    folder = tmp_path_factory.mktemp("provider")
    with provider_scene(
        airflow_server, folder, examples, dags=len(examples), applications="shop"
    ) as scene:
        scene.argocd.runs("shop", seconds=2.0)
        yield scene


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
    scene.argocd.most_streams = 0  # what other tests' waits had open is theirs
    scene.begin(dag_id, "first")

    assert scene.finish(dag_id, "first") == dict.fromkeys(("sync", "healthy", "load"), "success")
    operation = scene.argocd.applications["shop"]["status"]["operationState"]["operation"]
    infos = {row["name"]: row["value"] for row in operation["info"]}
    begun = Initiator.of(infos)
    assert begun is not None
    assert begun[:3] == (dag_id, "first", "sync")
    assert len(scene.asked_by(dag_id, "first")) == 1
    assert scene.argocd.most_streams <= 1


def test_a_person_who_clears_a_task_gets_a_new_sync(scene: Scene) -> None:
    dag_id = "example_argocd_sync_then_gate"
    scene.begin(dag_id, "cleared")
    scene.finish(dag_id, "cleared")
    before = len(scene.argocd.started)

    # The command clears the task in all runs.
    scene.command("tasks", "clear", dag_id, "--task-regex", "sync", "--yes")
    runs = [run.run_id for run in scene.api.history.runs(dag_id)]
    end = time.monotonic() + PATIENCE
    while len(scene.argocd.started) < before + len(runs):
        assert time.monotonic() < end, scene.airflow.log_tail(40)
        time.sleep(0.2)

    # All of them, or what they sync next would be in the middle of another test.
    for run_id in runs:
        assert scene.finish(dag_id, run_id)["sync"] == "success"
    assert len(scene.argocd.started) == before + len(runs)


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
