from collections.abc import Sequence

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import TaskInstance
from fermata_hooks.drain import SCHEDULER_LOOP, describe, drain, look
from fermata_spec.errors import RefusedError, UnavailableError
from fermata_spec.plan import OnDeadline


def task(task_id: str, *, since: float | None = None, state: str = "running") -> TaskInstance:
    return TaskInstance(dag_id="etl", run_id="r1", task_id=task_id, state=state, since=since)


class Looks:
    """An Airflow whose tasks are, at each look, the next of ``looks``; the last one stays."""

    def __init__(self, *looks: list[TaskInstance]) -> None:
        self._looks = list(looks)
        self.asked: list[tuple[Sequence[str], Sequence[str]]] = []

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        self.asked.append((dag_ids, states))
        return list(self._looks.pop(0) if len(self._looks) > 1 else self._looks[0])


def mine() -> None:
    """Say that the hold is still ours."""


def drained(
    airflow: Looks,
    clock: ManualClock,
    *,
    deadline: float = 60.0,
    on_deadline: OnDeadline = "fail",
) -> float:
    result = drain(
        airflow,
        ["etl"],
        deadline=deadline,
        on_deadline=on_deadline,
        clock=clock,
        still_ours=mine,
    )
    return result.seconds


def test_one_clean_look_is_not_enough() -> None:
    clock = ManualClock()
    airflow = Looks([])

    seconds = drained(airflow, clock)

    assert len(airflow.asked) == 2
    assert seconds >= SCHEDULER_LOOP


def test_a_task_seen_at_the_second_look_starts_the_wait_anew() -> None:
    clock = ManualClock()
    airflow = Looks([], [task("late")], [], [])

    drained(airflow, clock)

    assert len(airflow.asked) == 4


def test_a_deferred_task_is_no_blocker() -> None:
    airflow = Looks([])

    look(airflow, ["etl"])

    assert set(airflow.asked[0][1]) == {"running", "queued", "restarting"}


def test_at_the_deadline_the_blockers_are_named_with_their_numbers() -> None:
    clock = ManualClock()
    airflow = Looks([task("load", since=1_800_000_000.0)])

    with pytest.raises(RefusedError) as caught:
        drained(airflow, clock, deadline=20.0)

    assert "1 task(s) still active after 20s" in str(caught.value)
    assert "etl.load (running since 2027-01-15T08:00:00Z)" in str(caught.value)
    assert sum(clock.naps) == pytest.approx(20.0)


def test_proceed_goes_on_and_says_in_spite_of_whom() -> None:
    clock = ManualClock()

    result = drain(
        Looks([task("load")]),
        ["etl"],
        deadline=10.0,
        on_deadline="proceed",
        clock=clock,
        still_ours=mine,
    )

    assert [blocker.task_id for blocker in result.blockers] == ["load"]


def test_a_deadline_without_a_second_clean_look_is_no_pass() -> None:
    clock = ManualClock()

    with pytest.raises(RefusedError, match="0 task"):
        drained(Looks([task("load")], []), clock, deadline=3.0)


def test_a_hold_that_somebody_ended_stops_the_drain_before_the_next_look() -> None:
    airflow = Looks([task("load")])

    def gone() -> None:
        raise UnavailableError("demo: the hold was ended by somebody else")

    with pytest.raises(UnavailableError, match="ended by somebody else"):
        drain(
            airflow,
            ["etl"],
            deadline=60.0,
            on_deadline="fail",
            clock=ManualClock(),
            still_ours=gone,
        )

    assert not airflow.asked


def test_the_oldest_blocker_comes_first_and_the_rest_is_counted() -> None:
    found = look(Looks([task(f"t{n}", since=100.0 - n) for n in range(7)]), ["etl"])

    assert found[0].task_id == "t6"
    assert describe(found).endswith("and 2 more")


def test_nothing_held_asks_nothing() -> None:
    airflow = Looks([task("load")])

    assert look(airflow, []) == ()
    assert not airflow.asked
