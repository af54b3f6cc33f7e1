"""Freezes go by the clock on the wall, also in the nights in which it is changed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata_hooks.guards._freeze import frozen_until
from fermata_spec.errors import SettingsError
from fermata_spec.guards import FreezeRule

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = FreezeRule(starts=("0 18 * * 5",), ends=("0 8 * * 1",), time_zone="Europe/Berlin")
NIGHT = FreezeRule(starts=("30 2 * * *",), ends=("45 2 * * *",), time_zone="Europe/Berlin")


def until(rule: FreezeRule, at: str) -> str | None:
    ends = frozen_until(rule, datetime.fromisoformat(at).timestamp())
    return None if ends is None else datetime.fromtimestamp(ends, BERLIN).isoformat()


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-27T17:59:59+01:00", None),
        ("2026-11-27T18:00:00+01:00", "2026-11-30T08:00:00+01:00"),
        ("2026-11-30T07:59:59+01:00", "2026-11-30T08:00:00+01:00"),
        ("2026-11-30T08:00:00+01:00", None),
        ("2026-03-27T18:00:00+01:00", "2026-03-30T08:00:00+02:00"),
        ("2026-10-23T18:00:00+02:00", "2026-10-26T08:00:00+01:00"),
    ],
    ids=["before", "begin", "last second", "end", "a Sunday of 23 hours", "one of 25 hours"],
)
def test_a_weekend_ends_on_monday_at_eight_whatever_the_clock_did(
    at: str, opens: str | None
) -> None:
    assert until(WEEKEND, at) == opens


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-29T00:59:59+00:00", None),
        ("2026-03-29T01:00:00+00:00", None),
        ("2026-03-29T01:30:00+00:00", None),
        ("2026-10-25T00:29:59+00:00", None),
        ("2026-10-25T00:30:00+00:00", "2026-10-25T02:45:00+01:00"),
        ("2026-10-25T00:50:00+00:00", "2026-10-25T02:45:00+01:00"),
        ("2026-10-25T01:44:59+00:00", "2026-10-25T02:45:00+01:00"),
        ("2026-10-25T01:45:00+00:00", None),
    ],
)
def test_a_window_inside_the_hour_that_is_skipped_or_shown_twice(
    at: str, opens: str | None
) -> None:
    assert until(NIGHT, at) == opens


def test_a_window_that_begins_in_the_skipped_hour_begins_with_the_jump() -> None:
    rule = FreezeRule(starts=("30 2 * * *",), ends=("0 5 * * *",), time_zone="Europe/Berlin")

    assert until(rule, "2026-03-29T00:59:59+00:00") is None
    assert until(rule, "2026-03-29T01:00:00+00:00") == "2026-03-29T05:00:00+02:00"


def test_several_windows_are_a_union() -> None:
    rule = FreezeRule(starts=("0 18 * * 5", "0 0 24 12 *"), ends=("0 8 * * 1", "0 8 27 12 *"))

    assert until(rule, "2026-12-24T12:00:00+00:00") == "2026-12-27T09:00:00+01:00"
    assert until(rule, "2026-12-23T12:00:00+00:00") is None


def test_a_date_that_never_comes_freezes_nothing() -> None:
    rule = FreezeRule(starts=("0 0 30 2 *",), ends=("0 8 * * 1",))

    assert until(rule, "2026-12-24T12:00:00+00:00") is None


def test_a_freeze_that_never_ends_is_misconfigured() -> None:
    rule = FreezeRule(starts=("0 0 1 1 *",), ends=("0 0 30 2 *",))

    with pytest.raises(SettingsError, match=r"freeze: 0 0 30 2 \*: it never ends"):
        until(rule, "2026-12-24T12:00:00+00:00")


@settings(max_examples=40, deadline=None)
@given(
    at=st.integers(min_value=1_600_000_000, max_value=2_000_000_000),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_when_it_opens_it_is_open(at: int, zone: str) -> None:
    rule = FreezeRule(starts=("0 18 * * 1-4",), ends=("30 6 * * 2-5",), time_zone=zone)

    opens = frozen_until(rule, at)

    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    if opens is None:
        assert (local.hour, local.minute) >= (6, 30) or local.isoweekday() in {6, 7, 1}
    else:
        assert opens > at
        assert frozen_until(rule, opens) is None
