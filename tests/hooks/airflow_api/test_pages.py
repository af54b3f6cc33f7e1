"""Lists are read whole, page by page, although they change meanwhile."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.airflow_api._pages import MOST_ROWS, Page, in_chunks, read_all, read_new
from fermata_spec.errors import RejectedError


@given(st.lists(st.integers(), unique=True), st.integers(1, 120), st.integers(-3, 3))
def test_any_split_into_pages_yields_each_row_once(
    rows: list[int], size: int, wrong_by: int
) -> None:
    def page_at(offset: int) -> Page[int]:
        # A total that is too small ends the list early by the server's own word.
        return rows[offset : offset + size], len(rows) + max(wrong_by, 0)

    assert read_all(page_at, int) == rows


def test_rows_that_come_meanwhile_are_read_and_none_comes_twice() -> None:
    rows = list(range(250))

    def page_at(offset: int) -> Page[int]:
        page = rows[offset : offset + 100], len(rows)
        rows.insert(0, -len(rows))
        return page

    found = read_all(page_at, int)

    assert len(found) == len(set(found))
    assert set(range(250)) <= set(found)


def test_a_row_that_moved_up_because_others_went_is_not_missed() -> None:
    rows = list(range(250))

    def page_at(offset: int) -> Page[int]:
        page = rows[offset : offset + 100], len(rows)
        if 0 in rows:
            rows.remove(0)
        return page

    assert read_all(page_at, int) == list(range(1, 250))


def test_a_list_that_shrinks_for_ever_is_read_three_times_at_most() -> None:
    asked = itertools.count()
    rows = list(range(10_000))

    def page_at(offset: int) -> Page[int]:
        next(asked)
        del rows[-100:]
        return rows[offset : offset + 100], len(rows)

    read_all(page_at, int)

    assert next(asked) < 150


def test_a_list_that_does_not_end_is_refused() -> None:
    numbers = itertools.count()

    def page_at(_: int) -> Page[int]:
        return [next(numbers) for _ in range(10_000)], 10**9

    with pytest.raises(RejectedError, match=f"more than {MOST_ROWS} rows"):
        read_all(page_at, int)


def test_a_server_that_always_sends_its_first_page_ends_by_its_total() -> None:
    assert read_all(lambda _: (list(range(100)), 1000), int) == list(range(100))


@given(st.lists(st.text()), st.integers(1, 5))
def test_chunks_hold_everything_in_order(items: list[str], size: int) -> None:
    chunks = list(in_chunks(items, size))

    assert list(itertools.chain(*chunks)) == items
    assert all(1 <= len(chunk) <= size for chunk in chunks)


def test_a_list_that_fits_on_a_page_is_one_request(airflow: FakeAirflow, api: AirflowApi) -> None:
    for number in range(99):
        airflow.add_dag(f"dag_{number}")

    api.dags()

    assert len(airflow.sent("GET", "/dags?")) == 1


def test_a_thousand_dags_are_ten_requests(airflow: FakeAirflow, api: AirflowApi) -> None:
    for number in range(999):
        airflow.add_dag(f"dag_{number}")

    assert len(api.dags()) == 1000
    assert len(airflow.sent("GET", "/dags?")) == 10


@given(st.lists(st.integers(), unique=True), st.sets(st.integers(0, 60)), st.integers(1, 20))
def test_what_is_not_known_is_read_wherever_it_is(
    rows: list[int], unknown: set[int], size: int
) -> None:
    new = [row for place, row in enumerate(rows) if place in unknown]
    known = set(rows) - set(new)

    found = read_new(lambda offset: (rows[offset : offset + size], len(rows)), int, known)

    assert found == new


def test_known_rows_are_not_read_again() -> None:
    asked = []

    def page_at(offset: int) -> Page[int]:
        asked.append(offset)
        return list(range(1000, 0, -1))[offset : offset + 100], 1000

    assert read_new(page_at, int, set(range(1, 991))) == list(range(1000, 990, -1))
    assert asked == [0]


def test_rows_that_come_while_new_ones_are_read_do_not_make_all_of_them_be_read() -> None:
    rows = list(range(1000, 0, -1))
    asked = []

    def page_at(offset: int) -> Page[int]:
        asked.append(offset)
        page = rows[offset : offset + 100], len(rows)
        rows[:0] = range(rows[0] + 8, rows[0], -1)
        return page

    found = read_new(page_at, int, set(range(1, 851)))

    assert found == list(range(1000, 850, -1))
    assert asked == [0, 100]
