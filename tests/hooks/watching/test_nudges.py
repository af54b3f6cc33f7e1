"""When Argo CD is asked to look again."""

import logging
from typing import Any

import pytest

from fermata_hooks.kube import JOBS, Objects
from fermata_hooks.watching import HookJobs, Outages
from watch_scene import Scene, lines_about

HOOK = {"argocd.argoproj.io/hook": "PreSync"}
OF_DEMO = {"argocd.argoproj.io/tracking-id": "demo:batch/Job:airflow/fermata-hold-demo"}


def test_an_operation_that_stands_still_is_woken_by_one_refresh(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin_sync("etl")
    watch = scene.watch()
    watch.do_pass()
    scene.argocd.end_job("fermata-hold-demo")  # while Argo CD's controller was restarting

    with caplog.at_level(logging.INFO, "fermata"):
        for _ in range(4):
            watch.do_pass()
            scene.clock.sleep(15)

    assert scene.argocd.refreshed == ["demo"]
    assert lines_about(caplog.messages, "refresh asked for: PreSync fermata-hold-demo has ended")
    assert scene.paused() == {"etl", "off"}


def test_the_next_hook_of_the_operation_is_worth_another_refresh(scene: Scene) -> None:
    scene.begin_sync("etl")
    watch = scene.watch()
    scene.argocd.end_job("fermata-hold-demo")
    watch.do_pass()
    scene.argocd.saw_hooks_end("demo")
    scene.argocd.hook("demo", "fermata-finish-demo", "PostSync")
    watch.do_pass()
    scene.argocd.end_job("fermata-finish-demo", "Failed")

    watch.do_pass()

    assert scene.argocd.refreshed == ["demo", "demo"]


def test_a_hook_that_runs_is_left_alone(scene: Scene) -> None:
    scene.begin_sync("etl")

    scene.run(300)

    assert not scene.argocd.refreshed


def test_without_argo_cd_nobody_is_refreshed(scene: Scene) -> None:
    scene.begin_sync("etl")
    scene.argocd.end_job("fermata-hold-demo")

    scene.run(300, argocd=False)

    assert not scene.argocd.requests


class Followed:
    """Jobs as a watch of them tells, and who was nudged for which reason."""

    def __init__(self, scene: Scene) -> None:
        self.nudged: list[tuple[str, str]] = []
        nowhere = Objects(None, JOBS, "airflow")  # type: ignore[arg-type] # never asked
        self._jobs = HookJobs(nowhere, self.nudge, Outages(scene.clock))

    def nudge(self, application: str, why: str) -> None:
        self.nudged.append((application, why))

    def tell(self, *changes: tuple[str, dict[str, Any]]) -> None:
        self._jobs.take_in(changes)


def job(uid: str, condition: str = "", **annotations: str) -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True"}] if condition else []
    metadata = {"uid": uid, "name": f"job-{uid}", "annotations": annotations or HOOK | OF_DEMO}
    return {"metadata": metadata, "status": {"conditions": conditions}}


@pytest.fixture
def followed(scene: Scene) -> Followed:
    return Followed(scene)


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_a_hook_that_ends_is_told_at_once(followed: Followed, condition: str) -> None:
    followed.tell(("ADDED", job("1")), ("MODIFIED", job("1")), ("MODIFIED", job("1", condition)))

    assert followed.nudged == [("demo", "job-1 has ended")]


def test_a_hook_that_ended_between_two_requests_is_told(followed: Followed) -> None:
    followed.tell(("ADDED", job("1")))

    followed.tell(("ADDED", job("1", "Complete")))

    assert len(followed.nudged) == 1


def test_what_ended_long_ago_is_not_told(followed: Followed) -> None:
    followed.tell(("ADDED", job("1", "Complete")), ("MODIFIED", job("1", "Complete")))

    assert not followed.nudged


def test_a_job_that_is_no_hook_or_nobodys_is_not_told(followed: Followed) -> None:
    followed.tell(
        ("ADDED", job("1", **OF_DEMO)),
        ("MODIFIED", job("1", "Complete", **OF_DEMO)),
        ("ADDED", job("2", **HOOK)),
        ("MODIFIED", job("2", "Complete", **HOOK)),
    )

    assert not followed.nudged


def test_a_hook_that_was_deleted_is_forgotten(followed: Followed) -> None:
    followed.tell(("ADDED", job("1")), ("DELETED", job("1")), ("ADDED", job("1", "Complete")))

    assert not followed.nudged
