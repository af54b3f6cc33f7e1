"""What the watch does with the DAGs, however their sync ends."""

import logging

import pytest

from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import Patience, release_hold
from fermata_spec.errors import SettingsError
from sync_stories import ENDED, NOT_ENDED, Story
from watch_scene import LEASE, Scene, lines_about
from workplaces import NEW, OLD

NAMED = pytest.mark.parametrize("named", [True, False], ids=["operation known", "unknown"])


@NAMED
@pytest.mark.parametrize(("story", "reason"), ENDED.values(), ids=ENDED.keys())
def test_dags_of_a_sync_that_ended_without_us_go_on(
    scene: Scene, caplog: pytest.LogCaptureFixture, story: Story, reason: str, *, named: bool
) -> None:
    scene.begin_sync("etl", "off", named=named)
    assert scene.paused() == {"etl", "off"}
    scene.clock.sleep(10)
    story(scene.argocd)

    with caplog.at_level(logging.INFO, "fermata"):
        scene.watch().do_pass()

    assert scene.paused() == {"off"}
    assert scene.at_rest()
    assert reason in "\n".join(lines_about(caplog.messages, "hold of 2 DAG(s) ended"))


@NAMED
@pytest.mark.parametrize("story", NOT_ENDED.values(), ids=NOT_ENDED.keys())
def test_dags_of_a_sync_that_may_go_on_stay_held(
    scene: Scene, story: Story, *, named: bool
) -> None:
    scene.begin_sync("etl", named=named)
    scene.clock.sleep(10)
    story(scene.argocd)

    for _ in range(4):
        scene.watch().do_pass()
        scene.clock.sleep(15)

    assert scene.paused() == {"etl", "off"}
    assert scene.ledger().holds["demo"].held == {"etl"}


@pytest.mark.slow
@pytest.mark.parametrize("story", NOT_ENDED.values(), ids=NOT_ENDED.keys())
def test_the_lease_bounds_every_hold(scene: Scene, story: Story) -> None:
    scene.begin_sync("etl")
    scene.clock.sleep(10)
    story(scene.argocd)

    scene.run(LEASE + 120, period=60)

    assert scene.paused() == {"off"}
    assert scene.at_rest()


def test_without_argo_cd_only_the_lease_ends_a_hold(scene: Scene) -> None:
    scene.begin_sync("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")

    scene.run(LEASE - 60, argocd=False, period=60)
    held = scene.paused()
    scene.run(240, argocd=False)

    assert held == {"etl", "off"}
    assert scene.paused() == {"off"}
    assert not scene.argocd.requests


def test_an_application_deleted_while_no_watch_ran_is_left_to_the_lease(scene: Scene) -> None:
    scene.begin_sync("etl")
    scene.watch().do_pass()
    scene.argocd.remove("demo")

    scene.watch().do_pass()  # Argo CD says "permission denied", as it does to a wrong token

    assert scene.paused() == {"etl", "off"}


def test_dags_of_an_application_deleted_under_our_eyes_go_on(scene: Scene) -> None:
    scene.begin_sync("etl")
    watch = scene.watch()
    watch.do_pass()
    scene.argocd.remove("demo")

    watch.do_pass()

    assert scene.paused() == {"off"}


def test_an_argo_cd_that_may_not_be_asked_is_told_once_and_ends_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin_sync("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")
    scene.argocd.rights.clear()

    with caplog.at_level(logging.INFO, "fermata"):
        scene.run(300)

    assert scene.paused() == {"etl", "off"}
    (line,) = lines_about(caplog.messages, "Argo CD: refuses")
    assert "permission denied" in line


def test_a_retry_that_joined_is_waited_for(scene: Scene) -> None:
    scene.begin_sync("etl")
    scene.argocd.back_off("demo")
    scene.watch().do_pass()
    scene.hold("etl", operation=scene.ledger().holds["demo"].operation)

    scene.watch().do_pass()

    assert scene.paused() == {"etl", "off"}


def test_the_hold_of_a_newer_revision_is_not_ended_with_the_older_one(scene: Scene) -> None:
    scene.begin_sync("etl", revision=OLD)
    scene.argocd.end("demo", "Failed", "Operation terminated")
    scene.clock.sleep(1)
    scene.begin_sync("etl", "report", revision=NEW)

    scene.watch().do_pass()

    assert scene.ledger().holds["demo"].revision == NEW
    assert scene.paused() == {"etl", "report", "off"}


def test_a_dag_that_another_hold_lists_stays_held(scene: Scene) -> None:
    scene.begin_sync("etl", "report")
    scene.hold("etl", application="other")
    scene.argocd.end("demo", "Failed", "Operation terminated")

    scene.watch().do_pass()

    assert scene.paused() == {"etl", "off"}


def test_two_watches_at_once_do_no_more_than_one(scene: Scene) -> None:
    scene.begin_sync("etl", "report")
    scene.argocd.end("demo", "Failed", "Operation terminated")
    watches = [scene.watch(), scene.watch()]

    for watch in watches:
        watch.do_pass()

    assert scene.paused() == {"off"}
    assert scene.at_rest()
    assert len(scene.airflow.sent("PATCH", "/dags/etl")) == 2  # one pause, one resume


def test_what_may_still_land_is_waited_for_and_told_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.airflow.loses(path="/dags/etl", effect="later")
    scene.begin_sync("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")

    with caplog.at_level(logging.INFO, "fermata"):
        scene.run(120)
        waits = scene.ledger().lines
        scene.airflow.land()
        scene.run(600)

    assert set(waits) == {"etl"}
    assert scene.paused() == {"off"}
    assert scene.at_rest()
    assert len(lines_about(caplog.messages, "etl: waits")) <= 2  # once for each watch


def test_a_persons_pause_during_the_hold_is_kept_and_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin_sync("etl", "report")
    scene.clock.sleep(5)
    scene.airflow.person_pauses("etl")
    scene.argocd.end("demo", "Failed", "Operation terminated")

    with caplog.at_level(logging.INFO, "fermata"):
        scene.watch().do_pass()

    assert scene.paused() == {"etl", "off"}
    assert lines_about(caplog.messages, "etl: left paused: ann paused it")


class TestALedgerThatIsTakenAway:
    def test_is_put_back_where_the_event_log_tells_what_persons_did(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.begin_sync("etl")
        watch = scene.watch()
        watch.do_pass()
        FileDocuments(scene.around.folder).delete("ledger")

        with caplog.at_level(logging.INFO, "fermata"):
            watch.do_pass()

        assert scene.ledger().holds["demo"].held == {"etl"}
        assert lines_about(caplog.messages, "it was deleted, and is put back; it owes 1 DAG(s)")
        scene.argocd.end("demo", "Failed", "Operation terminated")
        watch.do_pass()
        assert scene.paused() == {"off"}

    def test_names_its_dags_where_the_event_log_tells_nothing(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.airflow.accounts.denied.add("eventLogs")
        scene.begin_sync("etl")
        watch = scene.watch()
        watch.do_pass()
        FileDocuments(scene.around.folder).delete("ledger")

        with caplog.at_level(logging.INFO, "fermata"):
            watch.do_pass()
            watch.do_pass()

        assert scene.at_rest()
        (line,) = lines_about(caplog.messages, "ledger: it was deleted")
        assert "etl" in line
        assert b"fermata_lost_dags 1.0" in watch.metrics.exposition()

    def test_damaged_is_never_written_to(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.begin_sync("etl")
        watch = scene.watch()
        watch.do_pass()
        FileDocuments(scene.around.folder).put("ledger", b"by hand")

        with caplog.at_level(logging.INFO, "fermata"):
            failures = [watch.do_pass().failure for _ in range(3)]

        assert all(isinstance(failure, SettingsError) for failure in failures)
        assert scene.written("ledger") == b"by hand"
        assert len(lines_about(caplog.messages, "ledger: refuses")) == 1
        assert watch.questions.ready().startswith("ledger: ")


def test_a_release_meanwhile_leaves_nothing_to_do(scene: Scene) -> None:
    scene.begin_sync("etl")
    watch = scene.watch()
    watch.do_pass()
    release_hold(scene.around.place().holding, "demo", revision=NEW, patience=Patience())
    scene.argocd.end("demo", "Succeeded")

    done = watch.do_pass()

    assert done.holds is not None
    assert not done.holds.ended
    assert scene.at_rest()
