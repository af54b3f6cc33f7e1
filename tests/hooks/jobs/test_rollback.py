"""SyncFail with rollback enabled: the commit, the hold that stays, and what the report says."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.git_server import PASSWORD, GitOverHttp, Team
from fermata_hooks.dagset_status import conclude
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import after_failure, keep_after_failure
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import RejectedError
from fermata_spec.plan import HoldPolicy, Plan, RollbackPolicy
from fermata_spec.report import Report, Verdict
from workplaces import Surroundings, changed, json_report, make_plan, new_report

pytestmark = [pytest.mark.slow]


class Failing:
    """A sync whose revision is on a forge, is held, and has a verdict."""

    def __init__(self, around: Surroundings, folder: Path, server: GitOverHttp, team: Team) -> None:
        self.around = around
        self.team = team
        self.verified = team.commit({"dags/etl.py": "good\n"}, "Good")
        self.failed = team.commit({"dags/etl.py": "bad\n"}, "Bad")
        self.secret = server.secret(folder / "secret")
        plan = make_plan("etl", revision=self.verified)
        around.verified(plan)
        policy = RollbackPolicy(enabled=True, max_age=10 * 365 * 86400.0)
        self.plan = replace(
            changed(plan, "etl", revision=self.failed),
            hold=HoldPolicy(on_failure="keep"),
            rollback=policy,
        )

    def ends(self, verdict: Verdict) -> None:
        """Let hold and finish have run; finish kept the hold and wrote the verdict."""
        plan, place = self.plan, self.around.place()
        run_hold(plan, place, new_report(plan))
        keep_after_failure(plan, place, new_report(plan), ["etl"])
        conclude(place.dagsets, plan, verdict=verdict, message="etl: SyntaxError")

    def place(self) -> Workplace:
        place = self.around.place()
        return replace(place, settings=replace(place.settings, repository_dir=self.secret))

    def sync_fail(self, plan: Plan | None = None) -> Report:
        report = new_report(plan or self.plan, "release")
        after_failure(plan or self.plan, self.place(), report)
        return report


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path / "forge")


@pytest.fixture
def server(team: Team) -> Iterator[GitOverHttp]:
    with GitOverHttp(team.bare) as server:
        yield server


@pytest.fixture
def failing(
    around: Surroundings, airflow: FakeAirflow, tmp_path: Path, server: GitOverHttp, team: Team
) -> Failing:
    airflow.add_dag("etl", file="etl.py")
    return Failing(around, tmp_path, server, team)


def test_a_failed_revision_is_taken_back_and_its_dags_stay_held(failing: Failing) -> None:
    failing.ends("fail")

    report = failing.sync_fail()

    assert failing.team.files(failing.team.tip()) == {"dags/etl.py": "good"}
    assert f"{failing.failed[:12]} is rolled back to {failing.verified[:12]}" in report.message
    assert failing.around.paused() == {"etl"}
    (ours,), _ = read_status(failing.around.place().ledger)
    assert ours.kept


def test_the_next_sync_of_the_commit_joins_the_hold(failing: Failing) -> None:
    failing.ends("fail")
    failing.sync_fail()
    revert = replace(failing.plan, revision=failing.team.tip())

    run_hold(revert, failing.around.place(), new_report(revert))

    (ours,), _ = read_status(failing.around.place().ledger)
    assert ours.revision == revert.revision
    assert failing.around.paused() == {"etl"}


def test_a_second_sync_fail_says_that_it_was_done(failing: Failing) -> None:
    failing.ends("fail")
    failing.sync_fail()
    tip = failing.team.tip()

    report = failing.sync_fail()

    assert "rolled back already: pushed" in report.message
    assert failing.team.tip() == tip


def test_an_inconclusive_verdict_rolls_nothing_back(failing: Failing) -> None:
    failing.ends("inconclusive")

    report = failing.sync_fail()

    assert "its verdict is inconclusive" in report.message
    assert failing.team.tip() == failing.failed


def test_a_push_that_is_refused_ends_with_4_and_the_dags_stay_held(failing: Failing) -> None:
    failing.ends("fail")
    failing.team.refuse_pushes()

    with pytest.raises(RejectedError, match=r"kept held until .*main is protected") as caught:
        failing.sync_fail()

    assert PASSWORD not in str(caught.value)
    assert failing.around.paused() == {"etl"}


def test_where_it_is_not_enabled_git_is_not_asked(failing: Failing, server: GitOverHttp) -> None:
    failing.ends("fail")

    failing.sync_fail(replace(failing.plan, rollback=RollbackPolicy()))

    assert server.requests == []


def test_the_process_tells_what_it_would_do_and_then_does_it(failing: Failing) -> None:
    failing.ends("fail")
    environ = {"FERMATA_REPOSITORY_DIR": str(failing.secret), "HOME": os.environ["HOME"]}
    run = failing.around.run

    dry = run("rollback", "--dry-run", "--format", "json", plan=failing.plan, **environ)
    assert dry.returncode == 0, dry.stderr
    assert json_report(dry)["message"].startswith("dry run: it would be so:")
    assert failing.team.tip() == failing.failed

    done = run("rollback", plan=failing.plan, **environ)
    assert done.returncode == 0, done.stderr
    assert failing.team.tip() != failing.failed

    again = run("rollback", plan=failing.plan, **environ)
    assert again.returncode == 3
    assert PASSWORD not in done.stdout + done.stderr + again.stdout + again.stderr
