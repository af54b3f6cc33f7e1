"""Hold and release against an Airflow over HTTP, of each generation."""

import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Literal

import pytest

from fakes.fake_airflow import FakeAirflow, Fault
from fakes.manual_clock import ManualClock
from fermata_hooks.clock import SystemClock
from fermata_hooks.holding import (
    Environment,
    HoldOrder,
    Patience,
    Released,
    hold_dags,
    keep_hold,
    preview_release,
    read_status,
    release_hold,
    require_ours,
)
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError, SettingsError, TerminatedError, UnavailableError

Connect = Callable[..., Environment]

MANY = [f"dag_{number:03}" for number in range(130)]


@pytest.fixture(params=["3.3.2", "3.0.6", "2.11.2"])
def airflow(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[FakeAirflow]:
    with FakeAirflow(request.param, now=clock.now) as airflow:
        for dag_id in ("etl", "load"):
            airflow.add_dag(dag_id)
        airflow.add_dag("asleep", paused=True)
        yield airflow


def order(*wanted: str, deadline: float = 600.0, revision: str = "r1") -> HoldOrder:
    return HoldOrder(
        application="demo",
        revision=revision,
        operation="op",
        wanted=wanted,
        lease=3600.0,
        deadline=deadline,
    )


def release(environment: Environment, *, waits: bool = False) -> Released:
    patience = Patience(deadline=900.0, for_late_requests=waits)
    return release_hold(environment, "demo", revision="r1", patience=patience)


def paused(airflow: FakeAirflow) -> set[str]:
    return {dag_id for dag_id, dag in airflow.dags.items() if dag.is_paused}


def done(released: Released) -> dict[str, str]:
    return {outcome.dag_id: outcome.done for outcome in released.settled.outcomes}


def test_dags_are_held_and_given_back_exactly(airflow: FakeAirflow, connect_to: Connect) -> None:
    held = hold_dags(connect_to(airflow), order("etl", "asleep"))

    assert paused(airflow) == {"etl", "asleep"}
    assert [(each.dag_id, each.done) for each in held.outcomes] == [
        ("asleep", "left paused"),
        ("etl", "held"),
    ]

    released = release(connect_to(airflow))

    assert paused(airflow) == {"asleep"}
    assert done(released) == {"etl": "running again", "asleep": "left as it is"}
    assert read_status(connect_to(airflow).ledger) == ((), ())


def test_a_person_is_obeyed_and_named(airflow: FakeAirflow, connect_to: Connect) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))
    airflow.person_pauses("etl", owner="ann")
    airflow.person_pauses("load", paused=False, owner="ann")

    released = release(connect_to(airflow))

    assert paused(airflow) == {"asleep", "etl"}
    assert done(released) == {"etl": "left paused", "load": "left running"}
    assert all(each.why.startswith("ann ") for each in released.settled.outcomes)


def test_a_person_who_pauses_many_at_once_is_obeyed(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))
    name = "api.patch_dags" if airflow.release.generation == 2 else "patch_dags"
    airflow.write_row(name, "ann", None, {"dag_id_pattern": "etl", "is_paused": True})

    release(connect_to(airflow))

    assert paused(airflow) == {"asleep", "etl"}


def test_without_the_event_log_a_pause_in_between_is_ended_and_the_report_says_so(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    airflow.accounts.denied.add("eventLogs")
    hold_dags(connect_to(airflow), order("etl"))
    airflow.person_pauses("etl")

    released = release(connect_to(airflow))

    assert paused(airflow) == {"asleep"}
    assert released.settled.log_mode == "unreadable"
    assert "not readable" in released.settled.assumed


def test_an_account_that_is_not_known_tells_nobody_apart_on_2x(
    clock: ManualClock, connect_to: Connect
) -> None:
    with FakeAirflow("2.11.2", now=clock.now) as airflow:
        airflow.accounts.open = True

        assert connect_to(airflow, nobody=True).airflow.log_mode == "unreadable"


@pytest.mark.parametrize(
    ("version", "mode"),
    [("2.10.5", "values"), ("2.11.2", "values"), ("3.0.6", "order"), ("3.1.8", "values")],
)
def test_the_release_says_what_its_event_log_is_worth(
    version: str, mode: str, clock: ManualClock, connect_to: Connect
) -> None:
    with FakeAirflow(version, now=clock.now) as airflow:
        assert connect_to(airflow).airflow.log_mode == mode


def test_many_dags_are_asked_for_eight_at_a_time_and_listed_once(
    clock: ManualClock, connect_to: Connect
) -> None:
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        for dag_id in MANY:
            airflow.add_dag(dag_id)
        environment = connect_to(airflow)

        hold_dags(environment, order(*MANY))

        assert paused(airflow) == set(MANY)
        assert len(airflow.sent("GET", "/dags?")) == 2
        assert len(airflow.sent("PATCH", "/dags/")) == len(MANY)

        release(connect_to(airflow))

        assert paused(airflow) == set()


def test_nothing_to_hold_asks_airflow_nothing(airflow: FakeAirflow, connect_to: Connect) -> None:
    held = hold_dags(connect_to(airflow), order())

    assert not held.opened
    assert airflow.requests == []


def test_a_dag_that_airflow_does_not_know_is_named(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    held = hold_dags(connect_to(airflow), order("etl", "nobody"))

    assert {each.dag_id: each.done for each in held.outcomes} == {"etl": "held", "nobody": "gone"}


def test_a_dag_that_is_deleted_meanwhile_is_named_and_forgotten_after_a_lease(
    airflow: FakeAirflow, connect_to: Connect, clock: ManualClock
) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))
    del airflow.dags["etl"]

    released = release(connect_to(airflow))

    assert released.settled.gone == ("etl",)
    assert paused(airflow) == {"asleep"}
    clock.sleep(3700.0)
    assert release(connect_to(airflow)).settled.gone == ("etl",)
    assert connect_to(airflow).ledger.read().lines == {}


def test_a_refused_pause_ends_the_hold_step_and_owes_nothing(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    airflow.answers(403, path="/dags/load", method="PATCH")

    with pytest.raises(RejectedError, match="demo: load not paused"):
        hold_dags(connect_to(airflow), order("etl", "load"))

    released = release(connect_to(airflow))
    assert paused(airflow) == {"asleep"}
    assert released.settled.waiting == ()


def test_a_refused_resume_is_reported_and_stays_owed(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))
    airflow.answers(403, path="/dags/load", method="PATCH")

    released = release(connect_to(airflow))

    assert released.settled.refused == ("load",)
    assert paused(airflow) == {"asleep", "load"}
    release(connect_to(airflow))
    assert paused(airflow) == {"asleep"}


@pytest.mark.parametrize("effect", ["now", "never"])
def test_a_pause_without_an_answer_is_asked_for_again_and_remembered(
    airflow: FakeAirflow, connect_to: Connect, effect: Literal["now", "never"]
) -> None:
    airflow.loses(path="/dags/etl", effect=effect)

    hold_dags(connect_to(airflow), order("etl"))
    assert "etl" in paused(airflow)

    released = release(connect_to(airflow))
    assert "etl" not in paused(airflow)
    assert released.settled.waiting == ("etl",)
    assert released.settled.waits_until is not None


def test_a_patient_release_waits_until_nothing_can_land(
    airflow: FakeAirflow, connect_to: Connect, clock: ManualClock
) -> None:
    airflow.loses(path="/dags/etl", effect="later")
    hold_dags(connect_to(airflow), order("etl"))
    started = clock.now()

    released = release(connect_to(airflow), waits=True)

    assert released.settled.waiting == ()
    assert clock.now() - started > 300.0
    assert connect_to(airflow).ledger.read().lines == {}
    assert paused(airflow) == {"asleep"}


def test_an_airflow_that_never_answers_a_pause_ends_the_hold_step_at_its_deadline(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    airflow.answers(503, path="/dags/etl", method="PATCH", times=0)

    with pytest.raises(UnavailableError, match=r"demo: 1 DAG\(s\) not held after 1m: etl"):
        hold_dags(connect_to(airflow), order("etl", deadline=60.0))


def test_a_hold_that_somebody_ended_is_not_ours(airflow: FakeAirflow, connect_to: Connect) -> None:
    environment = connect_to(airflow)
    held = hold_dags(environment, order("etl"))
    require_ours(environment, held)

    release(connect_to(airflow))

    with pytest.raises(UnavailableError, match="ended or taken over"):
        require_ours(environment, held)


def test_a_release_of_an_older_revision_leaves_the_newer_hold(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    hold_dags(connect_to(airflow), order("etl"))
    joined = hold_dags(connect_to(airflow), order("load", revision="r2"))

    released = release(connect_to(airflow))

    assert joined.joined == "r1"
    assert (released.ended, released.newer) == ((), "r2")
    assert paused(airflow) == {"asleep", "etl", "load"}


def test_quarantine_keeps_what_failed_and_gives_back_the_rest(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))

    released = keep_hold(
        connect_to(airflow),
        "demo",
        revision="r1",
        reason="quarantine",
        keep=["etl"],
        lease=600.0,
        patience=Patience(),
    )

    assert released.ended == ("demo",)
    assert paused(airflow) == {"asleep", "etl"}
    (hold,), _ = read_status(connect_to(airflow).ledger)
    assert (hold.kept, hold.held) == ("quarantine", ("etl",))
    release(connect_to(airflow))
    assert paused(airflow) == {"asleep"}


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    hold_dags(connect_to(airflow), order("etl", "load"))
    airflow.person_pauses("load")
    before = connect_to(airflow).ledger.read()

    outcomes = preview_release(connect_to(airflow), "demo", revision="r1")

    assert {each.dag_id: each.done for each in outcomes} == {
        "etl": "would run again",
        "load": "left paused",
    }
    assert connect_to(airflow).ledger.read() == before
    assert "etl" in paused(airflow)


def test_sigterm_waits_for_answers_and_sends_nothing_more(connect_to: Connect) -> None:
    termination = Termination()
    with FakeAirflow("3.3.2") as airflow:
        for dag_id in MANY:
            airflow.add_dag(dag_id)
        answer = threading.Event()
        airflow.faults.order(Fault(path="/dags/dag_00", times=0, wait=answer, answer="real"))

        def terminate() -> None:
            while not airflow.sent("PATCH", "/dags/"):
                pass
            termination.request()
            answer.set()

        thread = threading.Thread(target=terminate)
        thread.start()
        environment = connect_to(airflow, termination=termination, time=SystemClock(termination))
        with pytest.raises(TerminatedError):
            hold_dags(environment, order(*MANY))
        thread.join()

        lines = environment.ledger.read().lines
        confirmed = {dag_id for dag_id, line in lines.items() if line.mark == "paused"}
        assert 0 < len(confirmed) < 50
        assert confirmed == paused(airflow)


def test_a_hold_that_would_not_fit_is_refused_before_anything_is_paused(
    airflow: FakeAirflow, connect_to: Connect
) -> None:
    random = Random(1)  # noqa: S311 - the size is what is tested
    wanted = [random.randbytes(120).hex() for _ in range(8000)]

    with pytest.raises(SettingsError, match=r"demo: a hold of 8001 DAGs .* nothing was paused"):
        hold_dags(connect_to(airflow), order("etl", *wanted))

    assert airflow.requests == []
    assert connect_to(airflow).ledger.read().holds == {}


def test_the_next_batch_does_not_wait_for_the_last_answers_of_this_one(
    clock: ManualClock, connect_to: Connect
) -> None:
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        for dag_id in MANY:
            airflow.add_dag(dag_id)
        answer = threading.Event()
        slow = Fault(method="PATCH", path="/dags/dag_000", wait=answer, answer="real", effect="now")
        airflow.faults.order(slow)

        def answer_when_the_next_batch_is_sent() -> None:
            while len(airflow.sent("PATCH", "/dags/")) < 60:
                pass
            answer.set()

        thread = threading.Thread(target=answer_when_the_next_batch_is_sent)
        thread.start()
        held = hold_dags(connect_to(airflow), order(*MANY))
        thread.join()

        assert {each.done for each in held.outcomes} == {"held"}
        lines = connect_to(airflow).ledger.read().lines.values()
        assert {(line.mark, line.late_until) for line in lines} == {("paused", None)}


def test_another_ledger_on_the_same_airflow_is_noticed(
    connect_to: Connect, clock: ManualClock
) -> None:
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        airflow.add_dag("etl")
        hold_dags(connect_to(airflow), order("etl"))
        extra = {"is_paused": True, "fermata": "theirs.token"}
        airflow.write_row("patch_dag", "fermata", "etl", extra)

        released = release(connect_to(airflow))

        assert released.settled.other_ledgers == ("theirs",)
        assert done(released) == {"etl": "left paused"}


@pytest.mark.parametrize("was_paused", [True, False], ids=["during the hold", "before the hold"])
def test_an_airflow_restored_from_a_backup_is_settled_by_what_it_is(
    airflow: FakeAirflow, connect_to: Connect, *, was_paused: bool
) -> None:
    hold_dags(connect_to(airflow), order("etl"))
    airflow.rows.clear()
    airflow.dags["etl"].is_paused = was_paused

    release(connect_to(airflow))

    assert paused(airflow) == {"asleep"}
    assert connect_to(airflow).ledger.read().lines == {}


def test_clocks_that_differ_by_minutes_are_noticed_and_allowed_for(
    connect_to: Connect, clock: ManualClock
) -> None:
    with FakeAirflow("3.3.2", now=lambda: clock.now() + 500.0) as airflow:
        airflow.add_dag("etl")

        held = hold_dags(connect_to(airflow), order("etl"))

        assert held.clock_skew == pytest.approx(500.0, abs=2.0)
        release(connect_to(airflow))
        assert paused(airflow) == set()
