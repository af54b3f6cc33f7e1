"""Rows 11 to 16 of the table of transitions: what a settler may do."""

from dataclasses import replace

import pytest

from fermata_hooks.ledger import CLOCKS_DIFFER, RUNNING, Line, Wish, settle_rules
from fermata_hooks.ledger.hold_rules import Intent
from fermata_hooks.ledger.settle_rules import Closing, Step

NOW = 1_800_000_000.0
ME = Intent(writer="me", until=NOW + 360.0, ends=NOW + 60.0)
OVER = NOW - CLOCKS_DIFFER - 1.0
SOON = NOW + 100.0
LEASE = 3600.0

PAUSED = Line(mark="paused", since=NOW - 500.0)
LATE = replace(PAUSED, late_until=SOON)
PAUSING = Line(mark="pausing", since=NOW - 500.0, writer="other", until=SOON)
RESUMING = Line(mark="resuming", since=NOW - 500.0, writer="other", until=SOON)
MINE = replace(RESUMING, writer="me")
GONE = replace(PAUSED, gone_since=NOW - LEASE - 1.0)

TO_PAUSE = Wish(paused=True)
AS_IT_IS = Wish(paused=None)

STEPS: list[tuple[str, Line, bool | None, Wish, Step]] = [
    ("11: runs, as wished", PAUSED, False, RUNNING, "drop"),
    ("11: paused, as wished", PAUSED, True, TO_PAUSE, "drop"),
    ("11: paused, and a person chose it", PAUSED, True, AS_IT_IS, "drop"),
    ("11: runs, and a person chose it", PAUSED, False, AS_IT_IS, "drop"),
    ("11: pausing, over", replace(PAUSING, until=OVER), False, RUNNING, "drop"),
    ("11: resuming, over", replace(RESUMING, until=OVER), False, RUNNING, "drop"),
    ("11: a late request, over", replace(PAUSED, late_until=OVER), False, RUNNING, "drop"),
    ("12: paused, to run", PAUSED, True, RUNNING, "give back"),
    ("12: runs, to be paused", PAUSED, False, TO_PAUSE, "give back"),
    ("12: pausing, over", replace(PAUSING, until=OVER), True, RUNNING, "give back"),
    ("13: a late pause, paused, to run", LATE, True, RUNNING, "resume early"),
    ("13: pausing, paused, to run", PAUSING, True, RUNNING, "resume early"),
    ("13: my own resume without an answer", MINE, True, RUNNING, "resume early"),
    ("15: another resumes it", RESUMING, True, RUNNING, "wait"),
    ("15: a late pause, but it runs", LATE, False, RUNNING, "wait"),
    ("15: pausing, but it runs", PAUSING, False, RUNNING, "wait"),
    ("15: a late pause, to be paused", LATE, False, TO_PAUSE, "wait"),
    ("15: a late pause, and a person chose it", LATE, True, AS_IT_IS, "wait"),
    ("15: over on our clock only", replace(PAUSED, late_until=NOW - 1.0), False, RUNNING, "wait"),
    ("16: no such DAG", PAUSED, None, RUNNING, "gone"),
    ("16: no such DAG for a lease", GONE, None, RUNNING, "forget"),
    ("16: but something may land", replace(GONE, late_until=SOON), None, RUNNING, "gone"),
    ("16: it is back", GONE, True, RUNNING, "give back"),
]


@pytest.mark.parametrize(
    ("line", "paused", "wish", "step"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS]
)
def test_line_state_and_wish_decide_the_step(
    line: Line,
    *,
    paused: bool | None,
    wish: Wish,
    step: Step,
) -> None:
    found = settle_rules.step(line, paused=paused, wish=wish, me="me", read_at=NOW, lease=LEASE)

    assert found == step


@pytest.mark.parametrize(
    ("wish", "mark"), [(RUNNING, "resuming"), (TO_PAUSE, "pausing")], ids=["to run", "to pause"]
)
def test_giving_back_states_the_wish_and_nothing_is_late(wish: Wish, mark: str) -> None:
    line = settle_rules.giving_back(replace(LATE, late_until=OVER), ME, wish=wish)

    assert (line.mark, line.writer, line.until) == (mark, "me", ME.until)
    assert (line.since, line.late_until) == (LATE.since, None)


@pytest.mark.parametrize(
    ("before", "late"),
    [(LATE, SOON), (PAUSING, SOON), (replace(MINE, late_until=SOON + 9.0), SOON + 9.0)],
    ids=["a late pause", "a pause under way", "the latest of all"],
)
def test_resuming_early_remembers_what_may_land(before: Line, late: float) -> None:
    line = settle_rules.resuming_early(before, ME, now=NOW)

    assert (line.mark, line.writer, line.until) == ("resuming", "me", ME.until)
    assert line.late_until == late


SENT = Line(mark="resuming", since=NOW - 500.0, writer="me", until=ME.until)

CLOSINGS: list[tuple[str, Line | None, Wish, Closing]] = [
    ("14: as wished", SENT, RUNNING, "drop"),
    ("14: a person chose it", SENT, AS_IT_IS, "drop"),
    ("14: a person paused it meanwhile", SENT, TO_PAUSE, "give back"),
    ("14: another writer", replace(SENT, writer="other"), RUNNING, "not mine"),
    ("14: another intent of mine", replace(SENT, until=ME.until + 1.0), RUNNING, "not mine"),
    ("14: another mark", replace(SENT, mark="pausing"), RUNNING, "not mine"),
    ("14: the line is gone", None, RUNNING, "not mine"),
    ("15: something may land", replace(SENT, late_until=SOON), RUNNING, "wait"),
]


@pytest.mark.parametrize(
    ("line", "wish", "closing"), [row[1:] for row in CLOSINGS], ids=[row[0] for row in CLOSINGS]
)
def test_an_answer_closes_a_line_that_is_still_mine(
    line: Line | None, wish: Wish, closing: Closing
) -> None:
    assert settle_rules.closing(line, ME, sent_paused=False, wish=wish) == closing


def test_a_refused_request_leaves_nothing_under_way() -> None:
    assert settle_rules.refused(SENT, ME) == PAUSED


def test_what_was_answered_or_refused_is_not_waited_for_only_what_is_late() -> None:
    late = replace(SENT, late_until=SOON)

    assert settle_rules.waiting(late) == replace(late, until=None)
    assert settle_rules.refused(late, ME) == replace(late, until=None)
    assert settle_rules.waiting(late).may_land_until == SOON


@pytest.mark.parametrize(
    "line", [replace(SENT, writer="other"), None], ids=["another writer", "gone"]
)
def test_a_refused_request_changes_nothing_else(line: Line | None) -> None:
    assert settle_rules.refused(line, ME) == line


def test_a_dag_that_is_gone_is_so_since_it_was_first_missed() -> None:
    once = settle_rules.found_gone(PAUSED, now=NOW)

    assert once.gone_since == NOW
    assert settle_rules.found_gone(once, now=NOW + 9.0) == once
    assert settle_rules.found_again(once) == PAUSED
