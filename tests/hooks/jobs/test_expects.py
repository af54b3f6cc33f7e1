"""hold and what Airflow must offer: asked before anything is paused."""

from dataclasses import replace
from typing import Any

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.jobs.hold import preview_hold, run_hold
from fermata_spec.errors import InconclusiveError, RefusedError, RejectedError
from fermata_spec.plan import Expectations, Plan
from fermata_spec.report import Report
from workplaces import OLD, Surroundings, changed, make_plan, new_report

STANDARD = "apache-airflow-providers-standard"


@pytest.fixture
def plan(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A change of ``etl``."""
    airflow.add_dag("etl", file="etl.py")
    before = make_plan("etl", revision=OLD)
    around.verified(before)
    return changed(before, "etl")


def held(around: Surroundings, plan: Plan, **expects: Any) -> Report:  # noqa: ANN401
    report = new_report(plan)
    run_hold(replace(plan, expects=Expectations(**expects)), around.place(), report)
    return report


def messages(report: Report) -> list[str]:
    return [check.message for check in report.checks if check.name.startswith("expects")]


def test_what_is_there_is_named_with_its_version(
    around: Surroundings, airflow: FakeAirflow, plan: Plan
) -> None:
    airflow.known_connections.add("warehouse")
    airflow.variables["region/zone"] = "hunter2"

    report = held(
        around,
        plan,
        airflow=">=2.11",
        providers={STANDARD: ">=1.0"},
        pools=("default_pool",),
        connections=("warehouse",),
        variables=("region/zone",),
    )

    assert messages(report) == [
        f"Airflow {airflow.release.version}",
        f"{STANDARD} 1.9.0",
        "pool default_pool is there",
        "connection warehouse is there",
        "variable region/zone is there",
    ]
    assert around.paused() == {"etl"}


@pytest.mark.parametrize(
    ("expects", "message"),
    [
        ({"airflow": ">=4"}, "Airflow is .*, >=4 is wanted"),
        ({"providers": {STANDARD: "<1"}}, f"{STANDARD} is 1.9.0, <1 is wanted"),
        ({"providers": {"nobodys": ">=1"}}, "nobodys: not installed in Airflow"),
        ({"pools": ("etl",)}, "pool etl: Airflow has none"),
    ],
)
def test_what_is_absent_is_refused_before_anything_is_paused(
    around: Surroundings, plan: Plan, expects: dict[str, Any], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        held(around, plan, **expects)

    assert around.paused() == set()


@pytest.mark.parametrize("thing", ["connections", "variables"])
def test_what_a_secrets_backend_may_have_is_inconclusive_not_absent(
    around: Surroundings, plan: Plan, thing: str
) -> None:
    with pytest.raises(InconclusiveError, match="which the API does not show"):
        held(around, plan, **{thing: ("warehouse",)})

    assert around.paused() == set()


def test_what_cannot_be_told_is_only_warned_of_where_that_is_wanted(
    around: Surroundings, plan: Plan
) -> None:
    report = held(around, plan, connections=("warehouse",), unseen="warn")

    assert [c.verdict for c in report.checks if c.name == "expects connection warehouse"] == [
        "inconclusive"
    ]
    assert around.paused() == {"etl"}


@pytest.mark.parametrize("thing", ["providers", "pools", "connections", "variables"])
def test_without_the_permission_it_is_inconclusive_and_the_permission_is_named(
    around: Surroundings, airflow: FakeAirflow, plan: Plan, thing: str
) -> None:
    airflow.accounts.denied.add(thing)
    expects: dict[str, Any] = {thing: {STANDARD: ">=1"} if thing == "providers" else ("a",)}

    with pytest.raises(InconclusiveError, match=f"needs can_read on {thing.capitalize()}"):
        held(around, plan, **expects)


def test_another_refusal_is_not_taken_for_a_permission(
    around: Surroundings, airflow: FakeAirflow, plan: Plan
) -> None:
    airflow.answers(400, path="/pools", times=0)

    with pytest.raises(RejectedError, match="400"):
        held(around, plan, pools=("a",))


def test_nothing_is_asked_that_is_not_wanted(
    around: Surroundings, airflow: FakeAirflow, plan: Plan
) -> None:
    held(around, plan)

    asked = {"providers", "pools", "connections", "variables"}
    assert not [line for line in airflow.requests if asked & set(line.split("/"))]


def test_a_dry_run_refuses_as_the_hold_would(around: Surroundings, plan: Plan) -> None:
    plan = replace(plan, expects=Expectations(pools=("etl",)))

    with pytest.raises(RefusedError, match="pool etl"):
        preview_hold(plan, around.place(), new_report(plan))
