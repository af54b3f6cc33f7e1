"""How seldom the watch asks, what it does when nobody answers, and what it answers itself."""

import logging
from collections import Counter

import pytest

from fakes.fake_airflow import FakeAirflow, Fault
from fermata_hooks.watching import Watch
from fermata_spec.errors import UnavailableError
from watch_scene import EndingClock, Scene, lines_about

HOUR = 3600.0


def kinds(airflow: FakeAirflow) -> Counter[str]:
    """Return how often each thing was asked of Airflow, without the queries."""
    return Counter(line.partition("?")[0] for line in airflow.requests)


@pytest.mark.slow
def test_an_idle_hour_asks_airflow_for_health_and_seldom_for_its_dags(scene: Scene) -> None:
    scene.run(60)
    scene.airflow.requests.clear()

    scene.run(HOUR)

    asked = kinds(scene.airflow)
    setting_up = asked.pop("POST /auth/token", 0) + asked.pop("GET /api/v2/version", 0)
    assert setting_up <= 2
    assert asked == {
        "GET /api/v2/monitor/health": 60,
        "GET /api/v2/importErrors": 60,
        "GET /api/v2/dags": 6,
    }


@pytest.mark.slow
def test_an_idle_hour_reads_the_ledger_once_a_pass_and_asks_argo_cd_nothing(scene: Scene) -> None:
    scene.run(HOUR)

    assert scene.documents.calls == {"read ledger": 240, "read agenda": 60, "list sync": 6}
    assert not scene.argocd.requests


@pytest.mark.slow
def test_a_held_hour_asks_argo_cd_once_a_pass(scene: Scene) -> None:
    scene.begin_sync("etl")
    argocd = scene.argocd
    argocd.saw_hooks_end("demo")
    scene.airflow.requests.clear()

    scene.run(HOUR - 60)

    assert set(argocd.requests[1:]) == {"GET /api/v1/applications/demo?project=dags"}
    assert len(argocd.requests) == 236
    assert not scene.airflow.sent("GET", "eventLogs")


def test_an_airflow_that_is_away_is_told_once_with_how_long_it_was(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.airflow.answers(503, path="/monitor/health", times=4 * 10)

    with caplog.at_level(logging.INFO, "fermata"):
        scene.run(HOUR / 2)

    (away,) = lines_about(caplog.messages, "Airflow: unavailable")
    (back,) = lines_about(caplog.messages, "Airflow: available again")
    assert "503" in away
    assert "after 1" in back  # 10 minutes and a little


@pytest.mark.slow
def test_what_is_owed_is_settled_as_soon_as_airflow_is_back(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin_sync("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")
    scene.airflow.answers(503, path="/dags/etl", times=40)

    with caplog.at_level(logging.INFO, "fermata"):
        watch = scene.run(HOUR / 2)

    assert scene.paused() == {"off"}
    assert scene.at_rest()
    assert len(lines_about(caplog.messages, "settling: unavailable")) == 1
    assert len(lines_about(caplog.messages, "settling: available again")) == 1
    assert watch.do_pass().failure is None


class NoStore:
    """Documents of a store that gives no answer for a while."""

    def __init__(self, scene: Scene, until: float) -> None:
        self._scene = scene
        self._until = until
        self.asked: list[float] = []

    def __getattr__(self, name: str) -> object:
        now = self._scene.clock.now()
        self.asked.append(now)
        if now < self._until:
            raise UnavailableError("Kubernetes: no answer: Connection refused")
        return getattr(self._scene.documents, name)


def watch_without_store(scene: Scene, *, away: float, seconds: float) -> tuple[Watch, NoStore]:
    store = NoStore(scene, scene.clock.now() + away)
    place = scene.place(clock=EndingClock(scene.clock, seconds))
    place.__dict__["documents"] = store
    return scene.watch_of(place), store


def test_an_api_server_that_is_away_is_told_once_and_tried_again_each_period(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin_sync("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")
    watch, store = watch_without_store(scene, away=600, seconds=900)

    with caplog.at_level(logging.INFO, "fermata"):
        scene.run_to_its_end(watch)

    assert scene.paused() == {"off"}
    (away,) = lines_about(caplog.messages, "ledger: unavailable")
    (back,) = lines_about(caplog.messages, "ledger: available again after 9m")
    assert "Connection refused" in away
    pauses = [later - sooner for sooner, later in zip(store.asked, store.asked[1:], strict=False)]
    assert max(pauses) <= 15.0
    assert back


def test_a_watch_is_ready_once_a_pass_came_to_its_end(scene: Scene) -> None:
    watch = scene.watch()
    before = watch.questions.ready()

    watch.do_pass()

    assert before == "no pass has come to its end yet"
    assert watch.questions.ready() == ""


def test_a_watch_without_its_ledger_is_alive_and_not_ready(scene: Scene) -> None:
    watch, _ = watch_without_store(scene, away=600, seconds=900)

    watch.do_pass()

    assert watch.questions.alive() == ""
    assert "Connection refused" in watch.questions.ready()


def test_a_watch_without_airflow_is_ready(scene: Scene) -> None:
    scene.airflow.answers(503, times=0)
    watch = scene.watch()

    watch.do_pass()

    assert watch.questions.ready() == ""


def test_a_loop_that_stands_still_is_not_alive(scene: Scene) -> None:
    watch = scene.watch()
    watch.do_pass()
    scene.clock.sleep(700)

    assert watch.questions.alive() == "no pass began for 11m40s"


def test_the_metrics_say_what_is_held_and_how_airflow_is(scene: Scene) -> None:
    scene.airflow.add_import_error("broken.py")
    scene.airflow.health["triggerer"].status = "unhealthy"
    scene.begin_sync("etl", "off")
    watch = scene.watch()
    watch.do_pass()
    scene.clock.sleep(5)

    text = watch.metrics.exposition().decode().splitlines()

    for line in (
        "fermata_holds 1.0",
        "fermata_held_dags 2.0",
        "fermata_owed_dags 1.0",
        "fermata_waiting_dags 0.0",
        "fermata_airflow_import_errors 1.0",
        'fermata_airflow_component_healthy{component="scheduler"} 1.0',
        'fermata_airflow_component_healthy{component="triggerer"} 0.0',
        'fermata_airflow_dags{state="present"} 3.0',
        'fermata_airflow_dags{state="paused"} 2.0',
        'fermata_watch_passes_total{outcome="done"} 1.0',
        "fermata_watch_seconds_since_pass 5.0",
        "fermata_unverified_applications 0.0",
        'fermata_calls_total{kind="argo cd GET"} 2.0',
    ):
        assert line in text, line


def test_import_errors_and_sick_components_are_told_when_they_change(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    watch = scene.watch()
    with caplog.at_level(logging.INFO, "fermata"):
        for _ in range(3):
            watch.do_pass()
            scene.clock.sleep(60)
        scene.airflow.add_import_error("broken.py")
        scene.airflow.health["scheduler"].status = "unhealthy"
        for _ in range(3):
            watch.do_pass()
            scene.clock.sleep(60)
        scene.airflow.import_errors.clear()
        scene.airflow.health["scheduler"].status = "healthy"
        watch.do_pass()

    assert lines_about(caplog.messages, "Airflow: ") == [
        "Airflow: scheduler is unhealthy",
        "Airflow: 1 import error(s), 0 before",
        "Airflow: scheduler is healthy",
        "Airflow: 0 import error(s), 1 before",
    ]


def test_a_lost_answer_of_argo_cd_is_no_end_of_a_hold(scene: Scene) -> None:
    scene.begin_sync("etl")
    scene.argocd.loses_answers = True

    scene.run(120)

    assert scene.paused() == {"etl", "off"}


def test_a_slow_airflow_does_not_keep_the_watch_from_its_ledger(scene: Scene) -> None:
    scene.airflow.faults.order(Fault(path="/monitor/health", times=1, answer=502))

    done = scene.watch().do_pass()

    assert done.holds is not None
