"""Rows 9 and 10 of the table of transitions: how a hold ends, or is kept."""

from dataclasses import replace

import pytest

from fermata_hooks.ledger import Hold, Line, Record, end_rules

NOW = 1_800_000_000.0
LINE = Line(mark="paused", since=NOW)
HOLD = Hold(
    token="step",
    revision="r1",
    operation="op",
    opened=NOW,
    expires=NOW + 60.0,
    todo=frozenset("e"),
    held=frozenset("df"),
)
LEDGER = Record(id="L", holds={"A": HOLD, "B": replace(HOLD, revision="r9")}, lines={"d": LINE})


@pytest.mark.parametrize("revision", ["r1", None], ids=["its revision", "by hand"])
def test_a_release_ends_the_hold_and_no_other(revision: str | None) -> None:
    after = end_rules.ended(LEDGER, "A", revision=revision)

    assert after.holds.keys() == {"B"}
    assert after.lines == LEDGER.lines


@pytest.mark.parametrize(
    ("application", "revision"), [("A", "r0"), ("C", "r1")], ids=["a newer joined", "no hold"]
)
def test_a_release_of_something_else_changes_nothing(application: str, revision: str) -> None:
    assert end_rules.ended(LEDGER, application, revision=revision) is LEDGER


def keep(dags: str | None, *, revision: str = "r1") -> Record:
    return end_rules.kept(
        LEDGER,
        "A",
        revision=revision,
        reason="quarantine",
        keep=dags,
        expires=NOW + 999.0,
        token="keeper",
    )


def test_a_kept_hold_is_cut_down_to_what_is_kept() -> None:
    hold = keep("de").holds["A"]

    assert (hold.todo, hold.held) == (frozenset("e"), frozenset("d"))
    assert (hold.kept, hold.expires) == ("quarantine", NOW + 999.0)


def test_a_kept_hold_stops_the_step_that_still_runs() -> None:
    assert keep(None).holds["A"].token == "keeper"


def test_a_hold_may_be_kept_whole() -> None:
    assert keep(None).holds["A"].dags == HOLD.dags


def test_a_hold_of_which_nothing_is_kept_ends() -> None:
    assert "A" not in keep("x").holds


def test_a_hold_of_another_revision_is_not_kept() -> None:
    assert keep("d", revision="r0") is LEDGER


def test_a_lease_ends_after_its_last_moment() -> None:
    assert not end_rules.lease_is_over(HOLD, now=HOLD.expires)
    assert end_rules.lease_is_over(HOLD, now=HOLD.expires + 1.0)


@pytest.mark.parametrize(
    ("hold", "operation", "over"),
    [
        (HOLD, "op", True),
        (HOLD, "another", False),
        (replace(HOLD, operation=""), "op", False),
        (replace(HOLD, kept="quarantine"), "op", False),
        (HOLD, None, True),
        (replace(HOLD, kept="quarantine"), None, True),
    ],
    ids=[
        "its own",
        "another one",
        "unknown",
        "kept",
        "the application is gone",
        "gone, though kept",
    ],
)
def test_the_end_of_an_operation_ends_its_hold(
    hold: Hold,
    operation: str | None,
    *,
    over: bool,
) -> None:
    assert end_rules.is_over_with(hold, operation) is over
