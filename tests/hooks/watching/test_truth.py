"""What ``DagSet.status`` says between syncs."""

import logging
from dataclasses import replace

import pytest

from fermata_hooks.dagset_status import conclude, syncing
from fermata_hooks.dagset_views import DagSetView
from fermata_hooks.watching import unverified
from fermata_spec.dagset import DagSetStatus, Figures, Verified
from watch_scene import LEASE, Scene, lines_about
from workplaces import NEW, OLD, changed, make_plan

PASSED = DagSetStatus(
    revision=OLD,
    verdict="pass",
    message="2 DAG(s) verified",
    verified=Verified(revision=OLD, at="", evidence="", digests={"etl": "0", "report": "1"}),
)
PLAN = make_plan("etl", "report")


def status(scene: Scene) -> DagSetStatus:
    return scene.place().dagsets.read("demo")


def write(scene: Scene, status: DagSetStatus) -> None:
    scene.place().dagsets.write("demo", status)


class TestUnverified:
    @pytest.mark.parametrize(
        ("wanted", "unproven", "found"),
        [
            pytest.param({"etl": "0", "report": "1"}, (), None, id="as verified"),
            pytest.param({"etl": "9", "report": "1"}, (), ("etl",), id="changed"),
            pytest.param({"etl": "0"}, (), ("report",), id="removed"),
            pytest.param({"etl": "0", "report": "1", "new": "2"}, (), ("new",), id="added"),
            pytest.param({"etl": "0", "report": "1"}, ("etl",), ("etl",), id="attempted since"),
            pytest.param(None, (), None, id="spec unknown"),
            pytest.param(None, ("report",), ("report",), id="spec unknown, attempted since"),
        ],
    )
    def test_is_what_differs_from_the_last_pass(
        self,
        wanted: dict[str, str] | None,
        unproven: tuple[str, ...],
        found: tuple[str, ...] | None,
    ) -> None:
        view = DagSetView(
            application="demo", status=replace(PASSED, unproven=unproven), wanted=wanted
        )

        result = unverified(view)

        assert (result.dag_ids if result else None) == found

    def test_is_nothing_while_a_sync_is_under_way(self) -> None:
        status = replace(PASSED, phase="Syncing", unproven=("etl",))

        assert unverified(DagSetView(application="demo", status=status)) is None

    def test_is_everything_where_nothing_ever_passed(self) -> None:
        view = DagSetView(application="demo", status=DagSetStatus(), wanted={"etl": "0"})

        result = unverified(view)

        assert result is not None
        assert result.message == "unverified: 1 DAG(s) not verified and nothing ever was: etl"

    def test_names_a_few_and_counts_the_rest(self) -> None:
        ids = tuple(f"d{n}" for n in range(8))

        result = unverified(DagSetView(application="demo", status=replace(PASSED, unproven=ids)))

        assert result is not None
        assert "8 DAG(s) not verified since aaaaaaaaaaaa passed" in result.message
        assert result.message.endswith("d0, d1, d2, d3, d4 and 3 more")


def test_what_is_not_verified_is_said_once_in_log_status_and_metrics(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    write(scene, replace(PASSED, unproven=("etl",)))

    with caplog.at_level(logging.INFO, "fermata"):
        watch = scene.run(600)

    assert status(scene).verdict == "inconclusive"
    assert status(scene).message.startswith("unverified: 1 DAG(s)")
    assert status(scene).verified == PASSED.verified
    assert len(lines_about(caplog.messages, "demo: unverified: 1 DAG(s)")) == 1
    text = watch.metrics.exposition()
    assert b"fermata_unverified_applications 1.0" in text
    assert b'fermata_unverified_dags{application="demo"} 1.0' in text


def test_a_verdict_that_says_more_is_left(scene: Scene) -> None:
    failed = replace(PASSED, verdict="fail", message="3 import errors", unproven=("etl",))
    write(scene, failed)

    scene.run(120)

    assert status(scene) == failed


def test_a_pass_makes_it_verified_again(scene: Scene) -> None:
    write(scene, replace(PASSED, unproven=("etl",)))
    watch = scene.watch()
    watch.do_pass()
    write(scene, PASSED)
    scene.clock.sleep(60)

    assert watch.do_pass().unverified == ()
    assert b"fermata_unverified_applications 0.0" in watch.metrics.exposition()


def test_a_kept_hold_that_ends_is_not_counted_any_more(scene: Scene) -> None:
    scene.begin_sync("etl")
    held = DagSetStatus(revision=NEW, verdict="fail", dags=Figures(wanted=1, held=1))
    scene.place().dagsets.write("demo", held)
    scene.argocd.end("demo", "Failed", "Operation terminated")

    scene.watch().do_pass()

    assert status(scene).verdict == "fail"
    assert status(scene).dags == Figures(wanted=1, held=0)


class TestAStaleSyncing:
    def test_ends_with_its_hold(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        syncing(scene.place().dagsets, PLAN)
        scene.begin_sync("etl")
        scene.argocd.end("demo", "Failed", "Operation terminated")

        with caplog.at_level(logging.INFO, "fermata"):
            scene.watch().do_pass()

        after = status(scene)
        assert after.phase == "Idle"
        assert after.verdict == "inconclusive"
        assert "ended without an answer: its sync ended: Failed: Operation terminated" in (
            after.message
        )
        assert set(after.unproven) == {"etl", "report"}

    def test_stays_while_its_hold_is_in_force(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)
        scene.begin_sync("etl")

        scene.run(LEASE - 60, period=60)

        assert status(scene).phase == "Syncing"

    def test_without_a_hold_ends_when_argo_cd_has_no_operation_of_it(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)
        scene.argocd.begin("demo")
        scene.run(300)
        during = status(scene).phase
        scene.argocd.end("demo", "Failed", "Operation terminated")

        scene.run(120)

        assert during == "Syncing"
        assert status(scene).phase == "Idle"
        assert "no operation of it any more" in status(scene).message

    def test_just_begun_is_left_to_its_hook(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)

        scene.run(45)

        assert status(scene).phase == "Syncing"

    def test_without_argo_cd_ends_after_an_hour_also_across_restarts(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)
        for _ in range(12):
            scene.run(300, argocd=False)
        before = status(scene).phase

        scene.run(420, argocd=False)

        assert before == "Syncing"
        assert status(scene).phase == "Idle"
        assert "nothing was heard of it" in status(scene).message

    def test_of_a_newer_sync_begins_its_time_anew(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)
        scene.run(LEASE - 120, argocd=False, period=60)
        syncing(scene.place().dagsets, changed(PLAN, "etl", revision="c" * 40))

        scene.run(600, argocd=False)

        assert status(scene).phase == "Syncing"

    def test_that_its_hook_ends_meanwhile_is_not_written_over(self, scene: Scene) -> None:
        syncing(scene.place().dagsets, PLAN)
        scene.run(300, argocd=False)
        conclude(scene.place().dagsets, PLAN, verdict="pass", message="all good")

        scene.run(LEASE, argocd=False, period=60)

        assert status(scene).message != "all good"  # it has no ``verified``: unverified
        assert status(scene).revision == NEW
