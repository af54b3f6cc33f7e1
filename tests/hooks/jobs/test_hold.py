from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.handoff import read_handoff
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.hold import preview_hold, run_hold
from fermata_spec.errors import (
    RefusedError,
    RejectedError,
    SettingsError,
    TerminatedError,
    UnavailableError,
)
from fermata_spec.plan import HoldPolicy, Plan, SmokeDag, SmokePolicy
from fermata_spec.report import Report
from fermata_spec.selectors import Selector, parse_selectors
from workplaces import (
    NEW,
    OLD,
    CountedDocuments,
    Surroundings,
    changed,
    make_plan,
    new_report,
    outcomes,
)


def held(around: Surroundings, plan: Plan) -> Report:
    """Run a hold of ``plan`` in a process of its own; return its report."""
    report = new_report(plan)
    run_hold(plan, around.place(), report)
    return report


@pytest.fixture
def verified(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision with DAGs ``etl``, ``load`` and ``mail`` that Airflow holds, proven."""
    for dag_id in ("etl", "load", "mail"):
        airflow.add_dag(dag_id, file=f"{dag_id}.py")
    plan = make_plan("etl", "load", "mail", revision=OLD)
    around.verified(plan)
    return plan


def test_a_change_that_touches_nothing_asks_five_times_and_pauses_nothing(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    plan, documents = changed(verified), CountedDocuments(around.folder)
    report = new_report(plan)

    run_hold(plan, around.place(documents=documents), report)

    assert report.verdict == "pass"
    assert report.message == "no DAG is touched: nothing is paused"
    assert documents.calls.total() + len(airflow.requests) <= 5
    assert around.paused() == set()


def test_a_change_that_touches_nothing_is_told_to_finish_all_the_same(
    around: Surroundings, verified: Plan
) -> None:
    plan = changed(verified)

    held(around, plan)

    place = around.place()
    handoff = read_handoff(place.documents, plan.application, plan.revision)
    assert handoff is not None
    assert handoff.affected == ()
    assert place.dagsets.read(plan.application).phase == "Syncing"


def test_what_is_listed_beside_affected_is_held_also_when_nothing_is_touched(
    around: Surroundings, verified: Plan
) -> None:
    policy = HoldPolicy(select=Selector(mode="affected", dag_ids=("mail",)))

    held(around, make_plan(*verified.dags, hold=policy))

    assert around.paused() == {"mail"}


def test_the_first_sync_holds_nothing_because_airflow_knows_no_dag(around: Surroundings) -> None:
    plan = make_plan("etl", "load")

    report = held(around, plan)

    assert report.verdict == "pass"
    assert outcomes(report) == {"etl": "not held", "load": "not held"}
    assert {dag.why for dag in report.dags} == {"Airflow has not parsed it yet"}
    assert read_status(around.place().ledger) == ((), ())


def test_only_what_the_change_touches_is_paused(around: Surroundings, verified: Plan) -> None:
    report = held(around, changed(verified, "etl", "load"))

    assert around.paused() == {"etl", "load"}
    assert outcomes(report) == {"etl": "held", "load": "held"}
    assert report.verdict == "pass"


def test_all_dags_are_listed_once(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    held(around, changed(verified, "etl", "load"))

    assert len([line for line in airflow.sent("GET") if "/dags?" in line]) == 1


def test_a_dag_that_leaves_git_is_held_as_well(around: Surroundings, verified: Plan) -> None:
    plan = make_plan(*(dag for dag in verified.dags if dag.dag_id != "mail"))

    held(around, plan)

    assert around.paused() == {"mail"}


def test_a_dag_that_a_person_has_paused_is_left_alone_and_owed_nothing(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.person_pauses("etl")

    report = held(around, changed(verified, "etl", "load"))

    assert outcomes(report) == {"etl": "left paused", "load": "held"}
    _, lines = read_status(around.place().ledger)
    assert [line.dag_id for line in lines] == ["load"]
    assert len(airflow.sent("PATCH", "/dags/etl")) == 0


def test_the_baseline_is_written_before_the_first_pause(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.answers(403, method="PATCH", path="/dags/etl")
    plan = changed(verified, "etl")

    with pytest.raises(RejectedError, match="etl not paused"):
        held(around, plan)

    handoff = read_handoff(around.place().documents, plan.application, plan.revision)
    assert handoff is not None
    assert handoff.affected == ("etl",)


def test_at_the_deadline_the_answer_is_no_and_the_blockers_are_in_the_report(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "r1", "load", "running")
    plan, report = changed(verified, "etl"), new_report(verified)

    with pytest.raises(RefusedError, match=r"1 task.*nothing will happen by itself"):
        run_hold(plan, around.place(), report)

    denial = around.place().agendas.read().denials["demo"]
    assert (denial.revision, denial.rule, denial.blocking) == (NEW, "drain-deadline", ("etl",))
    assert [(b.dag_id, b.task_id, b.state) for b in report.blockers] == [("etl", "load", "running")]
    assert around.paused() == {"etl"}
    holds, _ = read_status(around.place().ledger)
    assert [hold.application for hold in holds] == ["demo"]


def test_proceed_goes_on_and_says_in_spite_of_whom(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "r1", "load", "running")
    plan = make_plan(*changed(verified, "etl").dags, hold=HoldPolicy(on_deadline="proceed"))

    report = held(around, plan)

    assert report.verdict == "pass"
    assert "went on in spite of 1 task(s) still active after 15m: etl.load" in report.message
    assert [blocker.task_id for blocker in report.blockers] == ["load"]


def test_the_run_that_started_the_sync_is_no_blocker(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "deploys", "sync", "running")
    place = replace(around.place(), started_by=("etl", "deploys"))
    report = new_report(verified)

    run_hold(changed(verified, "etl"), place, report)

    assert report.verdict == "pass"
    assert report.blockers == []


def test_a_retry_joins_the_hold_and_pauses_nothing_twice(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    plan = changed(verified, "etl")
    held(around, plan)

    report = held(around, plan)

    assert "joined" in next(check.message for check in report.checks if check.name == "hold")
    assert len(airflow.sent("PATCH", "/dags/etl")) == 1
    holds, lines = read_status(around.place().ledger)
    assert [hold.revision for hold in holds] == [plan.revision]
    assert [line.dag_id for line in lines] == ["etl"]


def test_a_revert_that_touches_nothing_joins_the_open_hold(
    around: Surroundings, verified: Plan
) -> None:
    held(around, changed(verified, "etl"))
    revert = changed(verified, revision="c" * 40)
    around.verified(verified)

    held(around, revert)

    holds, _ = read_status(around.place().ledger)
    assert [(hold.revision, hold.held) for hold in holds] == [(revert.revision, ("etl",))]


def test_smoke_dags_and_excluded_dags_are_not_held_and_the_report_says_why(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.dags["load"].tags = ["never-hold"]
    plan = make_plan(
        *changed(verified, "etl", "load", "mail").dags,
        hold=HoldPolicy(exclude=Selector(mode="listed", tags=("never-hold",))),
        smoke=SmokePolicy(dags=(SmokeDag(dag_id="mail"),)),
    )

    report = held(around, plan)

    assert around.paused() == {"etl"}
    assert {dag.dag_id: dag.why for dag in report.dags if dag.done == "not held"} == {
        "load": "excluded by hold.exclude",
        "mail": "a smoke DAG: a held one would stay queued for ever",
    }


def test_what_is_wanted_takes_the_place_of_the_plans_selection_but_not_of_its_exclusions(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.dags["load"].tags = ["never-hold"]
    policy = HoldPolicy(exclude=Selector(mode="listed", tags=("never-hold",)))
    plan, report = make_plan(*changed(verified, "etl").dags, hold=policy), new_report(verified)

    run_hold(plan, around.place(), report, parse_selectors(["all", "!etl", "tag:unknown"]))

    assert around.paused() == {"mail"}
    select = next(check for check in report.checks if check.name == "select")
    assert select.message == "no DAG matches tag:unknown"


def test_a_first_deployment_goes_on_though_its_selection_matches_nothing_yet(
    around: Surroundings, airflow: FakeAirflow
) -> None:
    airflow.add_dag("of_others", file="others.py")
    policy = HoldPolicy(select=Selector(mode="listed", dag_ids=("computed",), tags=("nightly",)))

    report = held(around, make_plan("etl", hold=policy))

    assert report.verdict == "pass"
    assert around.paused() == set()


def test_a_selection_that_matches_nothing_stops_before_anything_is_paused(
    around: Surroundings, verified: Plan
) -> None:
    policy = HoldPolicy(select=Selector(mode="listed", tags=("nightly",)))

    with pytest.raises(SettingsError, match="tag:nightly: matches none of 3 DAG"):
        held(around, make_plan(*changed(verified, "etl").dags, hold=policy))

    assert around.paused() == set()


def test_a_selected_dag_that_nobody_knows_stops_before_anything_is_paused(
    around: Surroundings, verified: Plan
) -> None:
    plan = make_plan(
        *verified.dags, hold=HoldPolicy(select=Selector(mode="listed", dag_ids=("elt",)))
    )

    with pytest.raises(SettingsError, match=r"'elt'.*did you mean etl"):
        held(around, plan)

    assert around.paused() == set()


def test_an_airflow_that_is_down_is_worth_another_attempt(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.answers(503, times=0)

    with pytest.raises(UnavailableError):
        held(around, changed(verified, "etl"))

    assert read_status(around.place().ledger) == ((), ())


def test_a_ledger_of_a_newer_release_is_refused_and_left_as_it_is(
    around: Surroundings, verified: Plan
) -> None:
    from gzip import compress  # noqa: PLC0415 - the one place that writes a ledger by hand

    newer = compress(b'{"format": 2}')
    around.place().documents.put("ledger", newer)

    with pytest.raises(SettingsError, match="format 2"):
        held(around, changed(verified, "etl"))

    assert around.place().documents.read("ledger").content == newer
    assert around.paused() == set()


def test_a_hold_that_is_ended_while_it_drains_stops_the_sync(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "r1", "load", "running")
    place = around.place(clock=EndsTheHold(around))

    with pytest.raises(UnavailableError, match="ended or taken over"):
        run_hold(changed(verified, "etl"), place, new_report(verified))


class EndsTheHold(ManualClock):
    """A clock at whose first nap somebody empties the ledger."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.clock.now())
        self._around = around

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._around.place().documents.delete("ledger")


def test_sigterm_while_it_drains_leaves_the_hold_in_the_ledger(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "r1", "load", "running")

    with pytest.raises(TerminatedError):
        run_hold(changed(verified, "etl"), around.place(clock=Terminates()), new_report(verified))

    holds, lines = read_status(around.place().ledger)
    assert [hold.held for hold in holds] == [("etl",)]
    assert [line.mark for line in lines] == ["paused"]


class Terminates(ManualClock):
    """A clock whose first nap ends with SIGTERM."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        raise TerminatedError("terminated by SIGTERM")


def test_a_dry_run_says_what_would_be_held_and_changes_nothing(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.person_pauses("load")
    before = sorted(path.read_bytes() for path in around.folder.iterdir())
    plan = changed(verified, "etl", "load")
    report = new_report(plan)

    preview_hold(plan, around.place(), report)

    assert outcomes(report) == {"etl": "would be held", "load": "would be left paused"}
    assert report.message == "dry run: would hold 1 DAG(s), of 2 that are selected"
    assert around.paused() == {"load"}
    assert sorted(path.read_bytes() for path in around.folder.iterdir()) == before
