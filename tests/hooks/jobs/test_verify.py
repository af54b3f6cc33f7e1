"""verify by hand: what has passed already is proven again only if somebody insists."""

from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.jobs.verify import run_verify
from fermata_spec.errors import InconclusiveError
from fermata_spec.plan import Plan, VerifyPolicy
from fermata_spec.report import Report
from workplaces import OLD, Surroundings, json_report, make_plan, new_report, outcomes

QUICK = VerifyPolicy(deadline=60.0, settle=5.0)


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
def passed(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision that has passed, as Airflow holds it."""
    plan = make_plan("etl", "load", revision=OLD, verify=QUICK)
    for dag in plan.dags:
        airflow.add_dag(dag.dag_id, file=dag.file, doc_md=f"fermata:{dag.digest}")
    around.verified(plan)
    return plan


def verified(around: Surroundings, plan: Plan, *, force: bool = False) -> Report:
    """Verify ``plan`` in a process of its own; return its report."""
    report = new_report(plan, "verify")
    run_verify(plan, around.place(), report, force=force)
    return report


def test_what_has_passed_is_not_proven_again(
    around: Surroundings, airflow: FakeAirflow, passed: Plan
) -> None:
    report = verified(around, passed)

    assert report.message == "no DAG is touched: nothing to prove"
    assert airflow.requests == []


def test_by_force_every_dag_of_the_plan_is_proven(around: Surroundings, passed: Plan) -> None:
    report = verified(around, passed, force=True)

    assert report.verdict == "pass"
    assert "2 of 2 changed DAGs shown by Airflow" in report.message
    assert outcomes(report) == {"etl": "parsed", "load": "parsed"}


def test_by_force_what_somebody_has_changed_since_is_seen(
    around: Surroundings, airflow: FakeAirflow, passed: Plan
) -> None:
    airflow.dags["load"].doc_md = "another revision"

    with pytest.raises(InconclusiveError, match="not shown: load"):
        verified(around, passed, force=True)


@pytest.mark.slow
def test_force_is_an_option_of_the_command(around: Surroundings, passed: Plan) -> None:
    plan = replace(passed, verify=VerifyPolicy(deadline=30.0, settle=0.0))

    done = around.run("verify", "--force", "--format", "json", plan=plan)

    assert done.returncode == 0, done.stderr
    assert {check["name"] for check in json_report(done)["checks"]} >= {"evidence", "inventory"}
