"""release: every DAG as it was, what that starts told first, and the policies that bound it."""

from dataclasses import replace

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.manual_clock import ManualClock
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import after_failure, preview, run_release
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import (
    InconclusiveError,
    RefusedError,
    RejectedError,
    TerminatedError,
    UnavailableError,
)
from fermata_spec.plan import Plan, ReleasePolicy
from fermata_spec.report import Check, Report
from workplaces import OLD, CountedDocuments, Surroundings, changed, make_plan, new_report, outcomes

HOUR = 3600.0
DAGS = ("etl", "load", "mail")


@pytest.fixture
def held(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision that changes ``etl``, ``load`` and ``mail``, held."""
    for dag_id in DAGS:
        airflow.add_dag(dag_id, file=f"{dag_id}.py")
    plan = make_plan(*DAGS, revision=OLD)
    around.verified(plan)
    plan = changed(plan, *DAGS)
    run_hold(plan, around.place(), new_report(plan))
    assert around.paused() == set(DAGS)
    return plan


def released(around: Surroundings, plan: Plan, place: Workplace | None = None) -> Report:
    report = new_report(plan, "release")
    run_release(plan, place or around.place(), report)
    return report


def check(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def at_rest(around: Surroundings) -> bool:
    return read_status(around.place().ledger) == ((), ())


def queue_runs(airflow: FakeAirflow, dag_id: str, count: int) -> None:
    for number in range(count):
        run = FakeRun(dag_id=dag_id, run_id=f"r{number}", state="queued")
        airflow.runs[dag_id, run.run_id] = run


def test_every_dag_that_was_paused_for_the_hold_goes_on(around: Surroundings, held: Plan) -> None:
    report = released(around, held)

    assert around.paused() == set()
    assert outcomes(report) == dict.fromkeys(DAGS, "running again")
    assert report.verdict == "pass"
    assert at_rest(around)


def test_releasing_twice_is_harmless_and_asks_airflow_nothing(
    around: Surroundings, airflow: FakeAirflow, held: Plan
) -> None:
    released(around, held)
    airflow.requests.clear()

    report = released(around, held)

    assert report.message == "nothing was held"
    assert airflow.requests == []


def test_nothing_held_asks_four_times_at_most(around: Surroundings, airflow: FakeAirflow) -> None:
    documents, plan = CountedDocuments(around.folder), make_plan("etl")
    report = new_report(plan, "release")

    after_failure(plan, around.place(documents=documents), report)

    assert report.message == "nothing was held"
    assert documents.calls.total() + len(airflow.requests) <= 4


def test_a_pause_that_a_person_made_during_the_hold_is_kept_and_named(
    around: Surroundings, airflow: FakeAirflow, held: Plan, clock: ManualClock
) -> None:
    clock.sleep(60)
    airflow.person_pauses("etl")

    report = released(around, held)

    assert around.paused() == {"etl"}
    etl = next(dag for dag in report.dags if dag.dag_id == "etl")
    assert etl.done == "left paused"
    assert etl.why.startswith("ann paused it at ")


def test_a_hold_that_a_newer_revision_has_joined_is_left_alone(
    around: Surroundings, held: Plan
) -> None:
    newer = replace(held, revision="c" * 40)
    run_hold(newer, around.place(), new_report(newer))

    report = released(around, held)

    assert "left to cccccccccccc" in report.message
    assert around.paused() == set(DAGS)


def test_what_resuming_starts_is_told_before_it_is_done(
    around: Surroundings,
    airflow: FakeAirflow,
    held: Plan,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue_runs(airflow, "etl", 2)
    airflow.dags["load"].next_due, airflow.dags["load"].every = clock.now() - 1, HOUR

    with caplog.at_level("INFO", logger="fermata.release"):
        report = released(around, held)

    assert caplog.messages == [
        "resuming starts 3 run(s) of 2 DAG(s)",
        "etl: starts 2 queued",
        "load: starts 1 scheduled meanwhile",
    ]
    assert check(report, "resuming").numbers == {"runs": 3, "dags": 2}
    assert {dag.dag_id: dag.why for dag in report.dags} == {
        "etl": "starts 2 queued",
        "load": "starts 1 scheduled meanwhile",
        "mail": "",
    }


def test_a_dag_that_a_person_has_paused_meanwhile_starts_nothing_and_refuses_nothing(
    around: Surroundings, airflow: FakeAirflow, strict: Plan, clock: ManualClock
) -> None:
    queue_runs(airflow, "etl", 5)
    queue_runs(airflow, "load", 1)
    clock.sleep(60)
    airflow.person_pauses("etl")

    report = released(around, strict)

    assert check(report, "resuming").message == "resuming starts 1 run(s) of 1 DAG(s)"
    assert around.paused() == {"etl"}
    assert next(dag for dag in report.dags if dag.dag_id == "etl").done == "left paused"


def test_above_the_limit_a_warning_is_given(
    around: Surroundings, airflow: FakeAirflow, held: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    queue_runs(airflow, "etl", 5)

    report = released(around, replace(held, release=ReleasePolicy(limit=4)))

    assert "resuming starts 5 run(s) of 1 DAG(s), the limit is 4" in caplog.messages
    assert report.verdict == "pass"
    assert at_rest(around)


@pytest.fixture
def strict(held: Plan) -> Plan:
    """A plan that refuses to start more than four runs at once."""
    return replace(held, release=ReleasePolicy(limit=4, over_limit="refuse"))


def test_above_the_limit_the_release_is_refused_and_the_dags_stay_held_with_the_reason(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    queue_runs(airflow, "etl", 5)

    with pytest.raises(RefusedError, match=r"5 run.*the limit is 4"):
        released(around, strict)

    assert around.paused() == set(DAGS)
    ((hold,), _) = read_status(around.place().ledger)
    assert hold.kept == "resuming starts 5 run(s) of 1 DAG(s), the limit is 4"


def test_a_release_that_was_refused_is_left_alone_by_the_job_for_failed_syncs(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    queue_runs(airflow, "etl", 5)
    with pytest.raises(RefusedError):
        released(around, strict)
    report = new_report(strict, "release")

    after_failure(strict, around.place(), report)

    assert report.verdict == "pass"
    assert "the limit is 4" in report.message
    assert around.paused() == set(DAGS)


def test_at_the_limit_a_release_is_not_refused(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    queue_runs(airflow, "etl", 4)

    released(around, strict)

    assert at_rest(around)


def test_a_number_that_may_not_be_read_is_no_number_below_the_limit(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    airflow.accounts.denied.add("dagRuns")

    with pytest.raises(RefusedError, match="is not known"):
        released(around, strict)

    assert around.paused() == set(DAGS)


def test_an_airflow_that_does_not_tell_the_number_is_worth_another_attempt(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    airflow.answers(503, path="dagRuns/list", times=0)

    with pytest.raises(UnavailableError):
        released(around, strict)

    ((hold,), _) = read_status(around.place().ledger)
    assert hold.kept == ""


def test_without_a_strict_limit_what_cannot_be_told_does_not_hold_anything_up(
    around: Surroundings, airflow: FakeAirflow, held: Plan
) -> None:
    airflow.accounts.denied.add("dagRuns")

    report = released(around, held)

    assert check(report, "resuming").verdict == "inconclusive"
    assert "403" in check(report, "resuming").message
    assert report.verdict == "pass"
    assert at_rest(around)


class Stretches(ManualClock):
    """A clock that notes, at each nap, which DAGs are paused."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.clock.now())
        self._around = around
        self.seen: list[tuple[float, set[str]]] = []

    def sleep(self, seconds: float) -> None:
        self.seen.append((seconds, self._around.paused()))
        super().sleep(seconds)


def test_staggered_dags_go_on_one_after_the_other(around: Surroundings, held: Plan) -> None:
    clock = Stretches(around)
    plan = replace(held, release=ReleasePolicy(stagger=20.0))

    report = released(around, plan, around.place(clock=clock))

    assert clock.seen == [(20.0, {"load", "mail"}), (20.0, {"mail"})]
    assert outcomes(report) == dict.fromkeys(DAGS, "running again")
    assert at_rest(around)


def test_a_stagger_of_many_dags_takes_ten_minutes_in_all(around: Surroundings, held: Plan) -> None:
    clock = Stretches(around)
    plan = replace(held, release=ReleasePolicy(stagger=HOUR))

    released(around, plan, around.place(clock=clock))

    assert [seconds for seconds, _ in clock.seen] == [300.0, 300.0]


class Terminates(ManualClock):
    """A clock whose first nap ends with SIGTERM."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        raise TerminatedError("terminated by SIGTERM")


def test_what_waits_for_its_turn_is_held_and_not_settled_by_anybody_else(
    around: Surroundings, held: Plan
) -> None:
    plan = replace(held, release=ReleasePolicy(stagger=20.0))

    with pytest.raises(TerminatedError):
        released(around, plan, around.place(clock=Terminates(around.clock.now())))

    ((hold,), lines) = read_status(around.place().ledger)
    assert hold.held == ("load", "mail")
    assert [line.holders for line in lines] == [("demo",), ("demo",)]
    released(around, held)
    assert around.paused() == set()


def test_a_dag_that_two_applications_hold_is_not_staggered_and_stays_held(
    around: Surroundings, held: Plan
) -> None:
    other = replace(held, application="other")
    run_hold(other, around.place(), new_report(other))
    clock = Stretches(around)
    plan = replace(held, release=ReleasePolicy(stagger=20.0))

    report = released(around, plan, around.place(clock=clock))

    assert clock.seen == []
    assert outcomes(report) == dict.fromkeys(DAGS, "held")
    assert around.paused() == set(DAGS)


def test_a_dag_that_airflow_refuses_to_resume_is_named_and_stays_owed(
    around: Surroundings, airflow: FakeAirflow, held: Plan
) -> None:
    airflow.answers(403, method="PATCH", path="/dags/etl")

    with pytest.raises(InconclusiveError, match="1 refused by Airflow: etl"):
        released(around, held)

    assert around.paused() == {"etl"}
    _, lines = read_status(around.place().ledger)
    assert [line.dag_id for line in lines] == ["etl"]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    around: Surroundings, airflow: FakeAirflow, held: Plan, clock: ManualClock
) -> None:
    clock.sleep(60)
    airflow.person_pauses("load")
    queue_runs(airflow, "etl", 2)
    before = sorted(path.read_bytes() for path in around.folder.iterdir())
    report = new_report(held, "release")

    preview(held, around.place(), report)

    assert outcomes(report) == {
        "etl": "would run again",
        "load": "left paused",
        "mail": "would run again",
    }
    assert check(report, "resuming").message == "resuming starts 2 run(s) of 1 DAG(s)"
    assert report.message == "dry run: 3 DAG(s) would be settled"
    assert around.paused() == set(DAGS)
    assert sorted(path.read_bytes() for path in around.folder.iterdir()) == before


def test_a_dry_run_says_that_a_release_would_be_refused(
    around: Surroundings, airflow: FakeAirflow, strict: Plan
) -> None:
    queue_runs(airflow, "etl", 5)
    report = new_report(strict, "release")

    preview(strict, around.place(), report)

    assert report.message.startswith("dry run: would be refused: resuming starts 5 run(s)")
    ((hold,), _) = read_status(around.place().ledger)
    assert hold.kept == ""


def test_a_wrong_password_is_told_and_the_hold_is_ended_for_whoever_comes_next(
    around: Surroundings, held: Plan
) -> None:
    around.credentials[1].write_text("wrong")

    with pytest.raises(RejectedError):
        released(around, held)

    holds, lines = read_status(around.place().ledger)
    assert holds == ()
    assert len(lines) == len(DAGS)


def test_a_failed_sync_that_was_never_proven_is_released_and_the_status_says_so(
    around: Surroundings, held: Plan
) -> None:
    plan = replace(held, hold=replace(held.hold, on_failure="keep"))
    report = new_report(plan, "release")

    after_failure(plan, around.place(), report)

    assert around.paused() == set()
    status = around.place().dagsets.read("demo")
    assert (status.phase, status.verdict) == ("Idle", "fail")
    assert status.message == "the sync of bbbbbbbbbbbb failed; 3 DAG(s) settled"
