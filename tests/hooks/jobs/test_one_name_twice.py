"""Two applications of one name, of two Argo CDs say, on one ledger: nothing is lost."""

from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.finish import run_finish
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import after_failure
from fermata_spec.errors import InconclusiveError
from fermata_spec.plan import Plan, VerifyPolicy
from workplaces import OLD, Surroundings, changed, make_plan, new_report

QUICK = VerifyPolicy(deadline=5.0, settle=0.0)


@pytest.fixture
def one(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision of the one that changes ``etl``; ``mail`` is the other's."""
    airflow.add_dag("etl", file="etl.py")
    airflow.add_dag("mail", file="mail.py")
    before = make_plan("etl", revision=OLD, verify=QUICK)
    around.verified(before)
    return changed(before, "etl")


@pytest.fixture
def other(one: Plan) -> Plan:
    """The other of that name, at a revision of its own."""
    return replace(make_plan("mail", revision="d" * 40, verify=QUICK), application=one.application)


def test_the_second_joins_the_first_and_everything_is_given_back_in_the_end(
    around: Surroundings, one: Plan, other: Plan
) -> None:
    run_hold(one, around.place(), new_report(one))
    report = new_report(other)
    run_hold(other, around.place(), report)

    assert around.paused() == {"etl", "mail"}
    assert any("joined the hold of bbbbbbbbbbbb" in check.message for check in report.checks)

    report = new_report(one, "release")
    after_failure(one, around.place(), report)
    assert "left to dddddddddddd" in report.message
    assert around.paused() == {"etl", "mail"}

    after_failure(other, around.place(), new_report(other, "release"))
    assert around.paused() == set()
    assert read_status(around.place().ledger) == ((), ())


def test_the_first_does_not_pass_over_a_hold_that_is_not_its_own_any_more(
    around: Surroundings, one: Plan, other: Plan
) -> None:
    run_hold(one, around.place(), new_report(one))
    run_hold(other, around.place(), new_report(other))

    with pytest.raises(InconclusiveError):
        run_finish(one, around.place(), new_report(one, "finish"))

    assert around.paused() == {"etl", "mail"}


def test_at_the_same_commit_the_first_release_ends_the_hold_of_both(
    around: Surroundings, one: Plan, other: Plan
) -> None:
    same = replace(other, revision=one.revision)
    run_hold(one, around.place(), new_report(one))
    run_hold(same, around.place(), new_report(same))

    after_failure(one, around.place(), new_report(one, "release"))

    assert around.paused() == set()
    with pytest.raises(InconclusiveError):
        run_finish(same, around.place(), new_report(same, "finish"))
    assert around.paused() == set()
