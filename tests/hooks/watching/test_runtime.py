"""The watch names what has changed in Airflow itself without a commit."""

import logging

import pytest

from fermata_hooks.dagset_status import FileDagSets, verified_now
from fermata_hooks.documents import FileDocuments
from fermata_hooks.runtime import providers_digest, take_runtime
from fermata_spec.dagset import DagSetStatus
from watch_scene import Scene
from workplaces import OLD, make_plan

INVENTORY = 700.0  # seconds: one look at the runtime, and its time of rest


@pytest.fixture
def passed(scene: Scene) -> Scene:
    """An application whose last pass has written down what Airflow is made of."""
    place = scene.around.place()
    plan = make_plan("etl", revision=OLD)
    runtime = take_runtime(place.airflow)
    verified = verified_now(
        plan, scene.clock, airflow=runtime["Airflow"], providers=providers_digest(runtime)
    )
    status = DagSetStatus(revision=OLD, verdict="pass", verified=verified)
    FileDagSets(FileDocuments(scene.around.folder)).write(plan.application, status)
    return scene


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if "without a commit" in line]


def test_what_is_as_it_was_is_not_worth_a_word(
    passed: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "fermata"):
        watch = passed.run(3 * INVENTORY)

    assert told(caplog) == []
    assert b"fermata_runtime_changes{" not in watch.metrics.exposition()


def test_other_providers_are_named_once_by_a_watch_that_saw_them_before(
    passed: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    watch = passed.watch()
    watch.do_pass()
    passed.airflow.providers["apache-airflow-providers-standard"] = "2.0.0"

    with caplog.at_level(logging.INFO, "fermata"):
        passes = []
        for _ in range(3):
            passed.clock.sleep(INVENTORY)
            passes.append(watch.do_pass())

    said = "apache-airflow-providers-standard 1.9.0 is 2.0.0 now"
    assert told(caplog) == [f"demo: since its last pass, without a commit: {said}"]
    assert passes[-1].changed == {"demo": (said,)}
    assert b'fermata_runtime_changes{application="demo"} 1.0' in watch.metrics.exposition()


def test_a_watch_that_has_not_seen_them_before_tells_that_they_are_others(
    passed: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    passed.airflow.providers["apache-airflow-providers-git"] = "1.0.0"

    with caplog.at_level(logging.INFO, "fermata"):
        passed.watch().do_pass()

    assert told(caplog) == ["demo: since its last pass, without a commit: its providers are others"]


def test_another_airflow_is_noticed_by_a_watch_that_runs_on(
    passed: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    watch = passed.watch()
    watch.do_pass()
    passed.airflow.answers(200, path="/version", times=0, body=b'{"version": "3.4.0"}')
    passed.clock.sleep(INVENTORY)

    with caplog.at_level(logging.INFO, "fermata"):
        watch.do_pass()

    [line] = told(caplog)
    assert line.endswith("Airflow 3.3.2 is 3.4.0 now")


def test_without_the_permission_to_see_providers_only_the_version_counts(
    passed: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    passed.airflow.accounts.denied.add("/providers")

    with caplog.at_level(logging.INFO, "fermata"):
        passed.watch().do_pass()

    assert told(caplog) == []


def test_a_pass_of_an_older_release_has_written_nothing_down_and_costs_nothing(
    scene: Scene,
) -> None:
    scene.around.verified(make_plan("etl", revision=OLD))
    scene.airflow.requests.clear()

    scene.watch().do_pass()

    assert scene.airflow.sent("GET", "/providers") == []
