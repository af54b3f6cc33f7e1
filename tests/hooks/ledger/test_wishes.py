"""What a DAG would be without us, by the rows of Airflow's event log."""

import pytest

from fermata_hooks.ledger import RUNNING, Line, LogMode, PauseRow, wish_of

SINCE = 1_800_000_000.0
LINE = Line(mark="paused", since=SINCE)


def row(  # noqa: PLR0913 - a row's parts, all by name
    number: int,
    *,
    value: bool | None,
    when: float = 10.0,
    owner: str = "ann",
    tag: str = "",
    own: bool = False,
) -> PauseRow:
    return PauseRow(
        id=number,
        when=SINCE + when,
        dag_id="d",
        owner=owner,
        value=value,
        tag=tag,
        own_account=own,
    )


def ours(number: int, *, value: bool | None) -> PauseRow:
    return row(number, value=value, owner="fermata", tag="L.t1")


def paused(rows: list[PauseRow], mode: LogMode = "values") -> bool | None:
    return wish_of(LINE, rows, mode=mode, ledger_id="L").paused


def test_nobody_asked_so_it_ran() -> None:
    assert wish_of(LINE, [], mode="values", ledger_id="L") is RUNNING


@pytest.mark.parametrize("value", [True, False])
def test_the_newest_row_of_a_person_counts(*, value: bool) -> None:
    rows = [row(3, value=value), row(2, value=not value), ours(4, value=True)]

    wish = wish_of(LINE, rows, mode="values", ledger_id="L")

    assert wish.paused is value
    assert wish.row == rows[0]


def test_our_own_rows_are_no_wishes() -> None:
    assert paused([ours(1, value=True)]) is False


def test_rows_of_our_account_are_ours_where_airflow_takes_no_tag() -> None:
    assert paused([row(1, value=True, owner="fermata", own=True)]) is False


def test_a_tag_of_another_ledger_is_somebody_else() -> None:
    assert paused([row(1, value=True, owner="fermata", tag="other.t1")]) is True


def test_a_row_may_be_a_minute_older_than_the_first_look() -> None:
    assert paused([row(1, value=True, when=-60.0)]) is True
    assert paused([row(1, value=True, when=-61.0)]) is False


def test_without_values_the_last_one_counts() -> None:
    assert paused([ours(1, value=False), row(2, value=False)], "order") is None
    assert paused([row(1, value=False), ours(2, value=False)], "order") is False


def test_a_row_that_does_not_tell_is_read_by_order() -> None:
    assert paused([row(1, value=True), ours(2, value=True), row(3, value=None)]) is None
    assert paused([row(1, value=None), ours(2, value=True)]) is False


def test_what_may_not_be_read_says_nothing() -> None:
    assert paused([row(1, value=True)], "unreadable") is False
