"""verify by hand: what has passed already is proven again only if somebody insists."""

from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.handoff import last_pass_name, take_baseline, write_handoff
from fermata_hooks.jobs.verify import run_verify
from fermata_spec.errors import InconclusiveError, RefusedError
from fermata_spec.plan import CHECK_MODES, Mode, Plan, VerifyPolicy
from fermata_spec.report import Check, Report
from workplaces import OLD, Surroundings, changed, json_report, make_plan, new_report, outcomes

QUICK = VerifyPolicy(deadline=60.0, settle=5.0)
ERRORS_TOLD: dict[str, Mode] = {**CHECK_MODES, "import_errors": "warn"}


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


def check(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


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


class TestWithoutAHold:
    """Nobody has taken a baseline before this revision was applied."""

    def test_the_first_pass_of_all_has_nothing_to_judge_errors_by(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        airflow.add_import_error("theirs.py")

        with pytest.raises(InconclusiveError, match="without a baseline from before the change"):
            verified(around, passed, force=True)

    def test_an_error_that_was_there_at_the_last_pass_is_old(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        airflow.add_import_error("theirs.py")
        self._pass_under_a_hold(around, passed)

        report = verified(around, changed(passed), force=True)

        assert report.verdict == "pass"
        assert "1 old one as before" in check(report, "import errors").message
        said = check(report, "settle").message
        assert f"no hold has taken a baseline: judged by the last pass, of {OLD[:12]} at " in said

    def test_an_error_since_the_last_pass_is_new(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        self._pass_under_a_hold(around, passed)
        airflow.add_import_error("theirs.py")

        with pytest.raises(RefusedError, match=r"theirs\.py: ImportError: no"):
            verified(around, changed(passed), force=True)

    def test_dags_that_were_there_at_the_last_pass_are_lost(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        airflow.add_dag("theirs")
        self._pass_under_a_hold(around, passed)
        airflow.dags["theirs"].is_stale = True

        with pytest.raises(RefusedError, match=r"1 DAG lost \(33\.3%, more than 5\.0%\): theirs"):
            verified(around, changed(passed), force=True)

    def test_a_damaged_record_of_the_last_pass_is_none(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        self._pass_under_a_hold(around, passed)
        around.place().documents.put(last_pass_name(passed.application), b"damaged")
        airflow.add_import_error("theirs.py")

        with pytest.raises(InconclusiveError, match="without a baseline from before the change"):
            verified(around, changed(passed), force=True)

    def test_a_pass_without_the_sight_of_errors_is_no_baseline(
        self, around: Surroundings, airflow: FakeAirflow, passed: Plan
    ) -> None:
        airflow.accounts.denied.add("importErrors")
        plan = replace(passed, verify=replace(QUICK, checks=ERRORS_TOLD))

        assert verified(around, plan, force=True).verdict == "pass"

        name = last_pass_name(passed.application)
        assert around.place().documents.read(name).content is None

    def _pass_under_a_hold(self, around: Surroundings, plan: Plan) -> None:
        place = around.place()
        write_handoff(
            place.documents, take_baseline(place.airflow, plan, plan.digests(), place.clock)
        )
        assert verified(around, plan, force=True).verdict == "pass"


@pytest.mark.slow
def test_force_is_an_option_of_the_command(around: Surroundings, passed: Plan) -> None:
    plan = replace(passed, verify=VerifyPolicy(deadline=30.0, settle=0.0))

    done = around.run("verify", "--force", "--format", "json", plan=plan)

    assert done.returncode == 0, done.stderr
    assert {check["name"] for check in json_report(done)["checks"]} >= {"evidence", "inventory"}
