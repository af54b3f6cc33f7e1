"""Lists are read whole, page by page, although they change meanwhile."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.airflow_api._pages import MOST_ROWS, Page, in_chunks, read_all, read_new
from fermata_spec.errors import RejectedError, UnavailableError

ROWS = st.integers(0, 350).map(lambda size: list(range(size)))


@given(ROWS, st.integers(2, 120))
def test_any_split_into_pages_yields_each_row_once(rows: list[int], size: int) -> None:
    def page_at(offset: int) -> Page[int]:
        return rows[offset : offset + size], len(rows)

    assert read_all(page_at, int) == rows


@given(ROWS, st.integers(1, 1000), st.integers(2, 120))
def test_a_total_above_what_comes_is_no_end_of_the_list(
    rows: list[int], more: int, size: int
) -> None:
    def page_at(offset: int) -> Page[int]:
        return rows[offset : offset + size], len(rows) + more

    with pytest.raises(UnavailableError, match=f"of {len(rows) + more}"):
        read_all(page_at, int)


@given(st.integers(101, 350), st.integers(0, 3), st.integers(1, 2))
def test_an_empty_page_in_the_middle_makes_the_list_be_read_again(
    size: int, empty: int, times: int
) -> None:
    rows = list(range(size))
    asked = itertools.count()

    def page_at(offset: int) -> Page[int]:
        if empty <= next(asked) < empty + times:
            return [], size
        return rows[offset : offset + 100], size

    assert read_all(page_at, int) == rows


@given(st.integers(0, 350), st.data())
def test_what_is_there_all_the_while_is_read_or_nothing_is(size: int, data: st.DataObject) -> None:
    rows = [10 * number for number in range(size)]
    steady, ever = set(rows), set(rows)
    changes = st.lists(st.integers(0, 10 * size + 10), max_size=25)

    def page_at(offset: int) -> Page[int]:
        page = rows[offset : offset + 100], len(rows)
        for row in data.draw(changes):
            if row in rows:
                rows.remove(row)
                steady.discard(row)
            else:
                rows.append(row)
                rows.sort()
                ever.add(row)
        return page

    try:
        found = read_all(page_at, int)
    except UnavailableError:
        return
    assert len(found) == len(set(found))
    assert steady <= set(found) <= ever


@given(st.lists(st.integers(1, 130), max_size=40))
def test_a_list_whose_total_counts_each_row_several_times_is_read_whole(times: list[int]) -> None:
    """As 3.1 and 3.2 list import errors: once for each DAG of the file, grouped after paging."""
    joined = [row for row, often in enumerate(times) for _ in range(often)]
    asked = []

    def page_at(offset: int) -> Page[int]:
        asked.append(offset)
        return sorted(set(joined[offset : offset + 100])), len(joined)

    assert read_all(page_at, int) == list(range(len(times)))
    assert len(asked) <= len(joined) // 90 + 3


def test_rows_that_come_meanwhile_are_read_and_none_comes_twice() -> None:
    rows = list(range(250))

    def page_at(offset: int) -> Page[int]:
        page = rows[offset : offset + 100], len(rows)
        rows.insert(0, -len(rows))
        return page

    found = read_all(page_at, int)

    assert len(found) == len(set(found))
    assert set(range(250)) <= set(found)


def test_rows_that_moved_up_because_others_went_are_not_missed() -> None:
    rows = list(range(250))

    def page_at(offset: int) -> Page[int]:
        page = rows[offset : offset + 100], len(rows)
        if 0 in rows:
            del rows[:20]
        return page

    assert read_all(page_at, int) == list(range(20, 250))


def test_a_list_that_shrinks_for_ever_is_read_three_times_at_most_and_is_none() -> None:
    asked = itertools.count()
    rows = list(range(10_000))

    def page_at(offset: int) -> Page[int]:
        next(asked)
        del rows[:100]
        return rows[offset : offset + 100], len(rows)

    with pytest.raises(UnavailableError, match="a list: its pages do not belong together, 3 times"):
        read_all(page_at, int)
    assert next(asked) < 150


def test_a_list_that_does_not_end_is_refused() -> None:
    def page_at(offset: int) -> Page[int]:
        return list(range(offset, offset + 10_000)), 10**9

    with pytest.raises(RejectedError, match=f"more than {MOST_ROWS} rows"):
        read_all(page_at, int)


@pytest.mark.parametrize("size", [40, 100])
def test_a_server_that_always_sends_its_first_page_is_not_believed(size: int) -> None:
    with pytest.raises(UnavailableError):
        read_all(lambda _: (list(range(size)), 1000), int)


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


def test_a_thousand_dags_are_eleven_requests(airflow: FakeAirflow, api: AirflowApi) -> None:
    for number in range(999):
        airflow.add_dag(f"dag_{number}")

    assert len(api.dags()) == 1000
    assert len(airflow.sent("GET", "/dags?")) == 11


@given(st.lists(st.integers(), unique=True), st.sets(st.integers(0, 60)), st.integers(1, 20))
def test_what_is_not_known_is_read_wherever_it_is(
    rows: list[int], unknown: set[int], size: int
) -> None:
    new = [row for place, row in enumerate(rows) if place in unknown]
    known = set(rows) - set(new)

    found = read_new(lambda offset: (rows[offset : offset + size], len(rows)), int, known)

    assert found == new


def test_an_empty_page_before_all_new_rows_were_seen_is_no_end() -> None:
    def page_at(offset: int) -> Page[int]:
        return [] if offset else list(range(300, 200, -1)), 300

    with pytest.raises(UnavailableError, match="a list: no row from row 100 of 300"):
        read_new(page_at, int, set(range(1, 101)))


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
