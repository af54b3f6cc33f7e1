"""How long a file takes to parse is held against a budget, and against what it took before."""

import pytest

from fermata_hooks.airflow_api import Dag
from fermata_hooks.verification import parse_time
from fermata_hooks.verification._finding import Finding, Light


def dag(dag_id: str, seconds: float | None, **more: str) -> Dag:
    file = more.get("file", f"{dag_id}.py")
    return Dag(dag_id=dag_id, is_paused=False, file=file, bundle_name="dags", parse_seconds=seconds)


def judged(
    *rows: Dag, before: dict[str, float] | None = None, proven: bool = True
) -> Finding | None:
    return parse_time.judge(rows, touched={"etl"}, before=before or {}, budget=10.0, proven=proven)


def test_files_within_the_budget_pass_with_the_slowest() -> None:
    found = judged(dag("etl", 0.3), dag("report", 2.5))

    assert found is not None
    assert (found.check.verdict, found.light) == ("pass", Light.GREEN)
    assert found.check.message == "at most 2.5s a file, of 10s"
    assert found.check.numbers == {
        "files": 2,
        "slowest": 2.5,
        "budget": 10.0,
        "over": 0,
        "grown": 0,
    }


@pytest.mark.parametrize("proven", [False, True])
def test_a_touched_file_beyond_the_budget_fails_once_no_parse_is_waited_for(
    *, proven: bool
) -> None:
    found = judged(dag("etl", 12.0), proven=proven)

    assert found is not None
    assert found.check.verdict == "fail"
    assert found.check.message == "longer than 10s: etl.py took 12.0s"
    assert found.light is (Light.RED if proven else Light.WAITING)


def test_a_file_beyond_the_budget_that_the_change_does_not_touch_is_named() -> None:
    found = judged(dag("etl", 0.3), dag("report", 12.0))

    assert found is not None
    assert found.check.verdict == "pass"
    assert found.check.message == "longer than 10s, and not touched: report.py"


def test_a_file_that_has_become_slow_is_named_with_both_times() -> None:
    found = judged(dag("etl", 4.2), before={"dags:etl.py": 0.4})

    assert found is not None
    assert found.check.verdict == "pass"
    assert "longer than before: etl.py took 4.2s, 0.4s before" in found.check.message


@pytest.mark.parametrize("before", [0.1, 3.0])
def test_a_little_longer_is_not_worth_a_word(before: float) -> None:
    found = judged(dag("etl", before + 0.9), before={"dags:etl.py": before})

    assert found is not None
    assert found.check.numbers["grown"] == 0


def test_dags_of_one_file_are_one_file() -> None:
    found = judged(dag("etl", 1.0, file="a.py"), dag("load", 1.0, file="a.py"))

    assert found is not None
    assert found.check.numbers["files"] == 1


def test_an_airflow_that_does_not_tell_is_asked_about_only_where_it_counts() -> None:
    assert judged(dag("etl", None)) is None
    assert parse_time.untold("warn") == []
    [finding] = parse_time.untold("enforce")
    assert finding.check.verdict == "inconclusive"
