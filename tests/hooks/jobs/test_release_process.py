"""The release as Kubernetes and people see it: exit code, stdout, stderr, and what is left."""

from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.hold import run_hold
from fermata_spec.plan import Plan, ReleasePolicy
from workplaces import OLD, Surroundings, changed, json_report, make_plan, new_report

pytestmark = pytest.mark.slow


@pytest.fixture
def held(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision that changes ``etl``, held by the applications ``demo`` and ``other``."""
    airflow.add_dag("etl", file="etl.py")
    airflow.add_dag("mail", file="mail.py")
    before = make_plan("etl", "mail", revision=OLD)
    around.verified(before)
    plan = changed(before, "etl")
    run_hold(plan, around.place(), new_report(plan))
    other = replace(changed(before, "mail"), application="other")
    around.verified(replace(before, application="other"))
    run_hold(other, around.place(), new_report(other))
    assert around.paused() == {"etl", "mail"}
    return plan


def applications(around: Surroundings) -> list[str]:
    holds, _ = read_status(around.place().ledger)
    return [hold.application for hold in holds]


def test_with_a_plan_the_hold_of_its_revision_ends(around: Surroundings, held: Plan) -> None:
    done = around.run("release", plan=held)

    assert done.returncode == 0, done.stderr
    assert "release demo@bbbbbbbbbbbb: pass: 1 DAG(s) settled" in done.stderr
    assert around.paused() == {"mail"}


def test_by_hand_the_hold_of_one_application_ends_without_a_plan(
    around: Surroundings, airflow: FakeAirflow, held: Plan
) -> None:
    airflow.runs["etl", "r1"] = FakeRun(dag_id="etl", run_id="r1", state="queued")

    done = around.run("release", "--application", held.application, "--format", "json")

    report = json_report(done)
    assert done.returncode == 0, done.stderr
    assert report["dags"] == [{"dag_id": "etl", "done": "running again", "why": "starts 1 queued"}]
    assert applications(around) == ["other"]


def test_by_hand_the_holds_of_all_applications_end(around: Surroundings, held: Plan) -> None:
    del held

    done = around.run("release", "--all")

    assert done.returncode == 0, done.stderr
    assert applications(around) == []
    assert around.paused() == set()


@pytest.mark.parametrize(
    ("select", "left"),
    [
        (["etl"], {"mail"}),
        (["e*", "m*"], set()),
        (["all", "!etl"], {"etl"}),
        (["tag:nightly"], {"etl"}),
    ],
    ids=["an id", "patterns", "all but one", "a tag"],
)
def test_by_hand_some_of_the_held_dags_go_on(
    around: Surroundings, held: Plan, select: list[str], left: set[str]
) -> None:
    del held
    around.airflow.dags["mail"].tags = ["nightly"]

    done = around.run("release", "--all", *(f"--select={each}" for each in select))

    assert done.returncode == 0, done.stderr
    assert around.paused() == left
    assert f"{len(left)} DAG(s) stay held" in done.stderr
    assert applications(around) == ["demo", "other"]


def test_of_one_applications_hold_some_go_on_and_what_another_holds_stays(
    around: Surroundings, held: Plan
) -> None:
    del held

    done = around.run("release", "--application", "demo", "--select", "mail")

    assert done.returncode == 2
    assert "--select: mail: none of 1 held DAG(s)" in done.stderr
    assert around.paused() == {"etl", "mail"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--all", "--select=affected"], "what is affected a plan says"),
        (["--all", "--select=etk"], "did you mean etl?"),
        (["--all", "--select=!etl"], "nothing is selected"),
        (["--select=etl"], "--select: give --application or --all"),
    ],
    ids=["affected", "nobody's", "only what is not", "without a hold"],
)
def test_a_selection_that_means_nothing_releases_nothing(
    around: Surroundings, held: Plan, args: list[str], said: str
) -> None:
    del held

    done = around.run("release", *args)

    assert done.returncode == 2
    assert said in done.stderr
    assert around.paused() == {"etl", "mail"}


def test_a_dry_run_of_some_changes_nothing(around: Surroundings, held: Plan) -> None:
    del held

    done = around.run("release", "--all", "--select=etl", "--dry-run", "--format", "json")

    assert [dag["dag_id"] for dag in json_report(done)["dags"]] == ["etl"]
    assert around.paused() == {"etl", "mail"}


def test_a_dry_run_by_hand_changes_nothing(around: Surroundings, held: Plan) -> None:
    done = around.run("release", "--dry-run", "--all", "--format", "json")

    assert done.returncode == 0
    assert {dag["dag_id"]: dag["done"] for dag in json_report(done)["dags"]} == {
        "etl": "would run again",
        "mail": "would run again",
    }
    assert applications(around) == [held.application, "other"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param([], "which hold? give --plan, --application or --all", id="nothing"),
        pytest.param(["--all", "--application", "demo"], "give one of them", id="both"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_one_line(
    around: Surroundings, args: list[str], said: str
) -> None:
    done = around.run("release", *args)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line


def test_above_a_strict_limit_it_ends_with_3_and_the_reason_is_in_the_ledger(
    around: Surroundings, airflow: FakeAirflow, held: Plan
) -> None:
    airflow.runs["etl", "r1"] = FakeRun(dag_id="etl", run_id="r1", state="queued")
    policy = ReleasePolicy(limit=0, over_limit="refuse")

    done = around.run("release", plan=replace(held, release=policy))

    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("demo: kept held until ")
    assert around.paused() == {"etl", "mail"}
    by_hand = around.run("release", "--application", "demo")
    assert by_hand.returncode == 0
    assert around.paused() == {"mail"}
