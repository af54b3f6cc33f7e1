"""One sync of a denied revision, when what was in its way is gone; never two."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from fakes.fake_airflow import FakeRun
from fermata_hooks.agenda import MAY_NOT, SPENT, Agenda, Denial
from fermata_hooks.argocd import MARKER
from fermata_hooks.holding import Patience, release_hold
from fermata_hooks.locks import Lock
from watch_scene import Scene, lines_about
from workplaces import NEW

DAY, HOUR = 86400.0, 3600.0


def denied(scene: Scene, revision: str = NEW) -> None:
    """Let the sync of a revision be denied, as the drain's deadline does, and end."""
    scene.argocd.begin("demo", revision=revision)
    scene.hold("etl", revision=revision)
    scene.clock.sleep(900)
    release_hold(scene.around.place().holding, "demo", revision=revision, patience=Patience())
    scene.place().agendas.deny(
        Denial(
            application="demo",
            revision=revision,
            rule="drain-deadline",
            blocking=("report",),
            at=scene.clock.now(),
        )
    )
    scene.argocd.end("demo", "Failed", "one or more tasks completed unsuccessfully")


def agenda(scene: Scene) -> Agenda:
    return scene.place().agendas.read()


def outlook(scene: Scene) -> str:
    return agenda(scene).denials["demo"].outlook


@pytest.fixture
def blocked(scene: Scene) -> Scene:
    """A revision was denied because a task of ``report`` runs; the watch may sync."""
    scene.argocd.rights.add("sync")
    scene.airflow.add_task("report", "r1", "load", "running")
    denied(scene)
    return scene


def unblock(scene: Scene) -> None:
    scene.airflow.tasks[0].state = "success"


def test_the_change_goes_out_when_the_massive_dag_has_ended(
    blocked: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "fermata"):
        blocked.run(HOUR, period=60)
        during = list(blocked.argocd.started)
        waiting = outlook(blocked)
        unblock(blocked)
        blocked.run(120)

    assert during == []
    assert waiting.endswith("when nothing is in its way any more: 1 task(s) of report")
    assert blocked.argocd.started == ["demo"]
    assert len(lines_about(caplog.messages, "one sync started")) == 1


def test_exactly_one_sync_is_started_however_often_it_is_denied_again(blocked: Scene) -> None:
    unblock(blocked)
    blocked.run(120)
    blocked.airflow.tasks[0].state = "running"
    denied(blocked)
    unblock(blocked)

    blocked.run(HOUR, period=60)

    assert blocked.argocd.started == ["demo"]
    assert outlook(blocked) == SPENT


def test_two_watches_start_one(blocked: Scene) -> None:
    unblock(blocked)
    watches = [blocked.watch(), blocked.watch()]

    for _ in range(3):
        for watch in watches:
            watch.do_pass()
        blocked.clock.sleep(60)

    assert blocked.argocd.started == ["demo"]


def test_a_restart_starts_no_second_one(blocked: Scene) -> None:
    unblock(blocked)
    blocked.run(60)
    blocked.argocd.begin("demo", revision=NEW)
    blocked.argocd.end("demo", "Failed", "again")

    blocked.run(HOUR, period=60)

    assert blocked.argocd.started == ["demo"]
    assert "there will be no other" in outlook(blocked)


def test_a_sync_that_succeeds_ends_the_story(blocked: Scene) -> None:
    unblock(blocked)
    blocked.run(60)
    blocked.argocd.begin("demo", revision=NEW)
    blocked.argocd.end("demo", "Succeeded")

    blocked.run(120)

    assert not agenda(blocked).denials


def test_without_the_right_the_agenda_says_that_nothing_will_happen(blocked: Scene) -> None:
    blocked.argocd.rights.remove("sync")
    unblock(blocked)

    blocked.run(HOUR, period=60)

    assert not blocked.argocd.started
    assert outlook(blocked) == MAY_NOT
    assert agenda(blocked).may_start is False


def test_without_argo_cd_the_agenda_says_that_nothing_will_happen(blocked: Scene) -> None:
    unblock(blocked)

    blocked.run(HOUR, argocd=False)

    assert not blocked.argocd.started
    assert outlook(blocked).startswith("nothing will happen by itself")


def test_a_newer_commit_takes_its_place(blocked: Scene) -> None:
    blocked.argocd.newest("demo", "c" * 40)
    unblock(blocked)

    blocked.run(120)

    assert not blocked.argocd.started
    assert not agenda(blocked).denials


def test_a_commit_that_the_refresh_brings_takes_its_place(blocked: Scene) -> None:
    unblock(blocked)
    blocked.argocd.on_refresh = lambda name: blocked.argocd.newest(name, "c" * 40)

    blocked.run(120)

    assert not blocked.argocd.started


def test_retries_of_argo_cd_itself_are_waited_for(blocked: Scene) -> None:
    unblock(blocked)
    blocked.argocd.begin("demo", revision=NEW)
    blocked.argocd.back_off("demo")

    blocked.run(600)

    assert not blocked.argocd.started


def test_a_refusal_is_told_once_and_asked_again_when_it_may_help(
    blocked: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    unblock(blocked)
    blocked.argocd.refuses_syncs = "cannot sync: blocked by sync window"

    with caplog.at_level(logging.INFO, "fermata"):
        blocked.run(600)
        refused = outlook(blocked)
        blocked.argocd.refuses_syncs = ""
        blocked.run(120)

    assert "blocked by sync window" in refused
    assert blocked.argocd.started == ["demo"]
    assert len(lines_about(caplog.messages, "blocked by sync window")) == 1


def test_an_answer_that_was_lost_after_the_sync_began_starts_no_second_one(blocked: Scene) -> None:
    unblock(blocked)
    watch = blocked.watch()
    blocked.argocd.on_sync = lambda: setattr(blocked.argocd, "loses_answers", True)
    watch.do_pass()
    blocked.argocd.loses_answers = False

    blocked.run(HOUR, period=60)

    assert blocked.argocd.started == ["demo"]
    assert "there will be no other" in outlook(blocked)


def test_a_request_that_never_arrived_is_made_again_when_it_cannot_arrive_any_more(
    blocked: Scene,
) -> None:
    unblock(blocked)
    now = blocked.clock.now()

    def claim(agenda: Agenda) -> Agenda:
        """Write down what a watch does that is killed right afterwards."""
        denial = replace(agenda.denials["demo"], state="started", marker="dead", started=now)
        return agenda.with_denial("demo", denial)

    blocked.place().agendas.change(claim)
    blocked.run(240)
    early = list(blocked.argocd.started)

    blocked.run(300)

    assert early == []
    assert blocked.argocd.started == ["demo"]
    (info,) = blocked.argocd.bodies[0]["infos"]
    assert info["name"] == MARKER
    assert info["value"] != "dead"


def test_a_denial_of_last_week_is_forgotten(blocked: Scene) -> None:
    blocked.clock.sleep(8 * DAY)
    unblock(blocked)

    blocked.run(120)

    assert not blocked.argocd.started
    assert not agenda(blocked).denials


def refused(scene: Scene, **more: Any) -> None:  # noqa: ANN401
    """Let the sync of a revision be denied by a guard; ``more`` are fields of the denial."""
    scene.argocd.rights.add("sync")
    scene.argocd.begin("demo", revision=NEW)
    scene.place().agendas.deny(
        Denial(
            application="demo",
            revision=NEW,
            rule="no-fridays",
            blocking=(),
            at=scene.clock.now(),
            **more,
        )
    )
    scene.argocd.end("demo", "Failed", "one or more tasks completed unsuccessfully")


def test_the_change_goes_out_when_the_freeze_has_ended(scene: Scene) -> None:
    refused(scene, opens=scene.clock.now() + 2 * HOUR)

    scene.run(HOUR, period=60)
    during, said = list(scene.argocd.started), outlook(scene)
    scene.run(HOUR + 180, period=60)

    assert during == []
    assert said.endswith("no-fridays opens at 2027-01-15T10:00:00Z")
    assert scene.argocd.started == ["demo"]


def test_the_change_goes_out_when_it_is_unlocked(scene: Scene) -> None:
    locks = scene.place().locks
    locks.put(
        Lock(
            application="demo",
            reason="audit",
            owner="ann",
            since=scene.clock.now(),
            expires=None,
        )
    )
    refused(scene)

    scene.run(HOUR, period=60)
    during, said = list(scene.argocd.started), outlook(scene)
    locks.remove("demo")
    scene.run(180, period=60)

    assert during == []
    assert "locked by ann" in said
    assert scene.argocd.started == ["demo"]


def test_the_change_goes_out_when_the_protected_dag_has_run(scene: Scene) -> None:
    run = FakeRun(dag_id="report", run_id="r1", state="running")
    scene.airflow.runs["report", "r1"] = run
    refused(scene, running=("report",))

    scene.run(HOUR, period=60)
    during, said = list(scene.argocd.started), outlook(scene)
    run.state = "success"
    scene.run(180, period=60)

    assert during == []
    assert said.endswith("report runs")
    assert scene.argocd.started == ["demo"]


def test_a_guard_that_may_say_no_for_ever_starts_nothing(scene: Scene) -> None:
    refused(scene, final=True)

    scene.run(HOUR, period=60)

    assert scene.argocd.started == []
    assert outlook(scene).startswith("nothing will happen by itself: no-fridays may say no")


def test_after_such_a_denial_another_one_counts_as_the_first(scene: Scene) -> None:
    refused(scene, final=True)
    refused(scene, opens=scene.clock.now() + HOUR)

    scene.run(HOUR + 180, period=60)

    assert scene.argocd.started == ["demo"]
