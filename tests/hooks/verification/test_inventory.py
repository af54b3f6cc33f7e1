"""Every DAG that git wants is there, and none is lost on the way."""

import pytest

from fermata_hooks.airflow_api import Dag
from fermata_hooks.verification import inventory
from fermata_hooks.verification._finding import Finding, Light


def live(*dag_ids: str) -> list[Dag]:
    return [Dag(dag_id=dag_id, is_paused=False) for dag_id in dag_ids]


def stale(dag_id: str) -> Dag:
    return Dag(dag_id=dag_id, is_paused=False, is_stale=True)


def broken(dag_id: str) -> Dag:
    return Dag(dag_id=dag_id, is_paused=False, is_stale=True, has_import_errors=True)


def expectation(
    planned: str,
    *,
    before: str | None = None,
    removed: str = "",
    touched: str = "",
    max_lost: float = 0.05,
) -> inventory.Expectation:
    return inventory.Expectation(
        planned={dag_id: f"{dag_id}.yaml" for dag_id in planned.split()},
        before=None if before is None else frozenset(before.split()),
        removed=frozenset(removed.split()),
        touched=frozenset(touched.split()),
        max_lost=max_lost,
    )


def judge(
    dags: list[Dag], expected: inventory.Expectation, *, lost_lasts: bool = False
) -> dict[str, Finding]:
    findings = inventory.judge(inventory.take(dags, expected), expected, lost_lasts=lost_lasts)
    return {finding.check.name: finding for finding in findings}


@pytest.mark.parametrize(
    ("dags", "expected", "verdict", "light", "told"),
    [
        pytest.param(
            live("a", "b"),
            expectation("a b", before="a"),
            "pass",
            Light.GREEN,
            "all 2 DAGs",
            id="all there",
        ),
        pytest.param(
            live("a"),
            expectation("a b", before="a"),
            "fail",
            Light.WAITING,
            "1 missing: b (b.yaml)",
            id="one is not parsed yet",
        ),
        pytest.param(
            [*live("a"), stale("b")],
            expectation("a b", before="a b", max_lost=1),
            "fail",
            Light.WAITING,
            "1 missing: b",
            id="a stale one is missing",
        ),
        pytest.param(
            [*live("a"), broken("b")],
            expectation("a b", before="a b", touched="b"),
            "fail",
            Light.WAITING,
            "1 cannot be imported: b (b.yaml)",
            id="a touched one is broken",
        ),
        pytest.param(
            [*live("a"), broken("b")],
            expectation("a b", before="a", touched="a"),
            "fail",
            Light.GREEN,
            "cannot be imported",
            id="one that nobody touched is broken: waiting changes nothing",
        ),
        pytest.param(
            live("a", "x"),
            expectation("a", before="a"),
            "pass",
            Light.GREEN,
            "not from this plan: x",
            id="an unexpected one is named",
        ),
        pytest.param(
            live("a", "other"),
            expectation("a", before="a other"),
            "pass",
            Light.GREEN,
            "the DAG that git wants is there",
            id="one that was there before is expected",
        ),
    ],
)
def test_presence_is_judged_by_the_plan(
    dags: list[Dag],
    expected: inventory.Expectation,
    verdict: str,
    light: Light,
    told: str,
) -> None:
    found = judge(dags, expected)["inventory"]

    assert (found.check.verdict, found.light) == (verdict, light)
    assert told in found.check.message


HUNDRED = " ".join(f"d{number:02}" for number in range(100))


def without(*missing: int) -> list[Dag]:
    return live(*(f"d{number:02}" for number in range(100) if number not in missing))


def test_a_loss_within_the_set_share_is_named_and_passes() -> None:
    found = judge(without(1, 2), expectation("d00", before=HUNDRED))["loss"]

    assert (found.check.verdict, found.light) == ("pass", Light.GREEN)
    assert "2 DAGs lost (2.0%): d01, d02" in found.check.message


def test_a_loss_above_the_set_share_stops_once_it_lasts_and_is_said_first() -> None:
    expected = expectation("d00", before=HUNDRED)
    dags = without(*range(1, 11))

    at_first, later = judge(dags, expected), judge(dags, expected, lost_lasts=True)

    assert (at_first["loss"].check.verdict, at_first["loss"].light) == ("fail", Light.WAITING)
    assert later["loss"].light is Light.RED
    assert next(iter(later)) == "loss"
    assert "10 DAGs lost (10.0%, more than 5.0%)" in later["loss"].check.message


def test_what_git_removes_is_not_lost() -> None:
    expected = expectation("a", before="a b", removed="b", touched="b")

    found = judge(live("a"), expected)

    assert found["loss"].check.message == "0 DAGs lost"
    assert (found["removed"].check.verdict, found["removed"].light) == ("pass", Light.GREEN)


def test_what_is_broken_is_not_lost_but_broken() -> None:
    found = judge([*live("a"), broken("b")], expectation("a", before="a b"))

    assert found["loss"].check.verdict == "pass"


def test_a_removed_dag_that_stays_is_waited_for_and_never_a_pass() -> None:
    expected = expectation("a", before="a b", removed="b", touched="b")

    found = judge(live("a", "b"), expected)["removed"]

    assert (found.check.verdict, found.light) == ("inconclusive", Light.WAITING)
    assert "b" in found.check.message


def test_without_a_baseline_nothing_is_called_lost_or_unexpected() -> None:
    found = judge(live("a", "x"), expectation("a"))

    assert "loss" not in found
    assert "x" not in found["inventory"].check.message
