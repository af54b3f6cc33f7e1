"""Rows 1 to 8 of the table of transitions: what a hold step may do."""

from dataclasses import replace

import pytest

from fermata_hooks.ledger import BATCH, CLOCKS_DIFFER, Hold, Line, Record, hold_rules
from fermata_hooks.ledger.hold_rules import Answers, Decision, Intent, Seen, Step

NOW = 1_800_000_000.0
ME = Intent(writer="me", until=NOW + 360.0, ends=NOW + 60.0)
OVER = NOW - CLOCKS_DIFFER - 1.0  # an end that every clock has passed
SOON = NOW + 100.0

PAUSED = Line(mark="paused", since=NOW - 500.0)
LATE = replace(PAUSED, late_until=SOON)
PAUSING = Line(mark="pausing", since=NOW - 500.0, writer="other", until=SOON)
RESUMING = Line(mark="resuming", since=NOW - 500.0, writer="other", until=SOON)
RESUMING_OVER = replace(RESUMING, until=OVER)


def held_by_me(todo: str = "d", held: str = "") -> Hold:
    return Hold(
        token="me",
        revision="r1",
        operation="op",
        opened=NOW,
        expires=NOW + 3600.0,
        todo=frozenset(todo),
        held=frozenset(held),
    )


def ledger(line: Line | None = None, hold: Hold | None = None) -> Record:
    return Record(
        id="L", holds={"A": hold or held_by_me()}, lines={"d": line} if line is not None else {}
    )


def decide(
    record: Record,
    *,
    seen: dict[str, Seen] | None = None,
    answers: Answers | None = None,
    resting: tuple[str, ...] = (),
    room: int = BATCH,
) -> Decision:
    return hold_rules.decide(
        record,
        "A",
        intent=ME,
        seen=seen or {},
        since=NOW - 2.0,
        answers=answers or Answers(),
        resting=resting,
        now=NOW,
        room=room,
    )


def open_for(record: Record, wanted: str, *, token: str = "me") -> Record:
    return hold_rules.opened(
        record,
        "A",
        token=token,
        revision="r2",
        operation="op2",
        wanted=frozenset(wanted),
        now=NOW,
        expires=NOW + 60.0,
    )


class TestOpen:
    """1: open, join."""

    def test_a_new_hold_has_everything_to_do(self) -> None:
        hold = open_for(Record(id="L"), "de").holds["A"]

        assert (hold.todo, hold.held) == (frozenset("de"), frozenset())
        assert (hold.token, hold.opened, hold.expires) == ("me", NOW, NOW + 60.0)

    def test_with_nothing_wanted_no_hold_is_opened(self) -> None:
        record = Record(id="L")

        assert open_for(record, "") is record

    def test_with_nothing_wanted_a_hold_that_is_there_is_joined(self) -> None:
        before = replace(held_by_me(todo="e", held="d"), kept="quarantine", opened=NOW - 9.0)

        hold = open_for(ledger(hold=before), "", token="new").holds["A"]

        assert (hold.token, hold.revision, hold.operation) == ("new", "r2", "op2")
        assert (hold.todo, hold.held) == (frozenset(), frozenset("d"))
        assert (hold.kept, hold.opened) == ("", NOW - 9.0)

    def test_what_was_dealt_with_is_not_dealt_with_again(self) -> None:
        hold = open_for(ledger(hold=held_by_me(todo="e", held="d")), "def").holds["A"]

        assert (hold.todo, hold.held) == (frozenset("ef"), frozenset("d"))

    def test_lines_stay_as_they_are(self) -> None:
        assert open_for(ledger(PAUSING), "d").lines == {"d": PAUSING}

    def test_opening_again_after_a_lost_answer_changes_nothing(self) -> None:
        once = open_for(Record(id="L"), "de")

        assert open_for(once, "de") == once


STEPS: list[tuple[str, Line | None, bool | None, Step]] = [
    ("2: no line, paused: a person's", None, True, "leave alone"),
    ("3: line paused, paused: shared", PAUSED, True, "share"),
    ("3: though a pause may still land", LATE, True, "share"),
    ("4: no line, running", None, False, "pause"),
    ("4: line paused, running: a person set it running before", PAUSED, False, "pause"),
    ("4: line pausing, whatever the state: paused", PAUSING, True, "pause"),
    ("4: line pausing, whatever the state: running", PAUSING, False, "pause"),
    ("4: line resuming, and T has passed", RESUMING_OVER, False, "pause"),
    ("5: line resuming, and T has not passed", RESUMING, True, "wait"),
    ("no such DAG", None, None, "absent"),
]


@pytest.mark.parametrize(
    ("line", "paused", "step"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS]
)
def test_what_is_seen_decides_the_step(
    line: Line | None,
    *,
    paused: bool | None,
    step: Step,
) -> None:
    assert hold_rules.step(line, Seen(line, paused), now=NOW) == step


@pytest.mark.parametrize(
    ("now_line", "seen_line"),
    [(None, PAUSED), (PAUSED, None), (PAUSED, LATE), (PAUSED, RESUMING)],
    ids=["dropped since", "made since", "became calm since", "given back since"],
)
def test_a_line_that_changed_since_the_look_wants_another_look(
    now_line: Line | None, seen_line: Line | None
) -> None:
    assert hold_rules.step(now_line, Seen(seen_line, paused=True), now=NOW) == "look"


@pytest.mark.parametrize("line", [None, PAUSED])
def test_a_dag_that_was_not_looked_at_wants_a_look(line: Line | None) -> None:
    assert hold_rules.step(line, None, now=NOW) == "look"


class TestPause:
    """4: the intent is in the ledger before the request."""

    def test_a_running_dag_gets_a_line_with_airflows_time(self) -> None:
        decision = decide(ledger(), seen={"d": Seen(None, paused=False)})

        assert decision.requests == ("d",)
        assert decision.record.lines["d"] == Line(
            mark="pausing", since=NOW - 2.0, writer="me", until=ME.until
        )
        assert decision.record.holds["A"].todo == frozenset("d")

    @pytest.mark.parametrize(
        ("line", "late"),
        [
            (PAUSED, None),
            (LATE, SOON),
            (PAUSING, SOON),
            (replace(PAUSING, late_until=SOON + 9.0), SOON + 9.0),
            (replace(PAUSING, until=OVER), None),
            (replace(PAUSING, until=NOW - CLOCKS_DIFFER + 1.0), NOW - CLOCKS_DIFFER + 1.0),
            (RESUMING_OVER, None),
        ],
        ids=[
            "nothing is late",
            "a late pause",
            "somebody's request",
            "the later of both",
            "over",
            "over on our clock only",
            "an old resume",
        ],
    )
    def test_what_may_still_land_is_remembered(self, line: Line, late: float | None) -> None:
        intended = hold_rules.intended(line, ME, since=NOW, now=NOW)

        assert (intended.since, intended.late_until) == (line.since, late)
        assert (intended.mark, intended.writer, intended.until) == ("pausing", "me", ME.until)

    def test_a_batch_has_so_much_room(self) -> None:
        dags = [f"d{number:03}" for number in range(BATCH + 10)]
        hold = replace(held_by_me(), todo=frozenset(dags))

        decision = decide(ledger(hold=hold), seen={d: Seen(None, paused=False) for d in dags})

        assert decision.requests == tuple(dags[:BATCH])
        assert decision.record.lines.keys() == set(dags[:BATCH])

    def test_what_needs_no_request_needs_no_room(self) -> None:
        hold = held_by_me(todo="de")
        seen = {"d": Seen(None, paused=True), "e": Seen(None, paused=False)}

        decision = decide(ledger(hold=hold), seen=seen, room=0)

        assert decision.requests == ()
        assert decision.record.holds["A"].held == frozenset("d")
        assert decision.record.holds["A"].todo == frozenset("e")

    def test_a_dag_without_an_answer_rests(self) -> None:
        decision = decide(ledger(PAUSING), resting=("d",))

        assert (decision.requests, decision.look, decision.waiting) == ((), (), ())

    def test_deciding_again_on_the_ledger_with_this_intent_leads_to_the_same_requests(
        self,
    ) -> None:
        first = decide(ledger(PAUSING))

        second = decide(first.record)

        assert second.record == first.record
        assert second.requests == first.requests == ("d",)

    def test_an_earlier_intent_of_mine_counts_as_late(self) -> None:
        mine = replace(PAUSING, writer="me", until=SOON)

        decision = decide(ledger(mine))

        assert decision.record.lines["d"].late_until == SOON


class TestYield:
    """Beside the table: not to take over what another step is doing costs nobody a T."""

    def decide_politely(self, line: Line) -> Decision:
        return hold_rules.decide(
            ledger(line),
            "A",
            intent=ME,
            seen={},
            since=NOW,
            answers=Answers(),
            resting=(),
            now=NOW,
            yields=True,
        )

    def test_what_another_step_is_pausing_is_left_to_it_for_the_time_being(self) -> None:
        decision = self.decide_politely(PAUSING)

        assert (decision.requests, decision.waiting) == ((), ("d",))
        assert decision.record == ledger(PAUSING)

    @pytest.mark.parametrize(
        "line",
        [replace(PAUSING, writer="me"), replace(PAUSING, until=OVER), RESUMING_OVER],
        ids=["my own", "over", "an old resume"],
    )
    def test_everything_else_is_paused_at_once(self, line: Line) -> None:
        assert self.decide_politely(line).requests == ("d",)


class TestConfirm:
    """6: only the writer confirms; who was answered is dealt with."""

    def test_an_answered_pause_is_confirmed_and_dealt_with(self) -> None:
        mine = replace(PAUSING, writer="me", until=ME.until, late_until=SOON)

        decision = decide(ledger(mine), answers=Answers(answered=["d"]))

        assert decision.record.lines["d"] == LATE
        assert decision.record.holds["A"].held == frozenset("d")

    @pytest.mark.parametrize(
        "line", [PAUSING, RESUMING, PAUSED], ids=["taken over", "given back", "confirmed"]
    )
    def test_a_line_of_another_is_left_alone_and_the_dag_is_dealt_with(self, line: Line) -> None:
        decision = decide(ledger(line), answers=Answers(answered=["d"]))

        assert decision.record.lines["d"] == line
        assert decision.record.holds["A"].held == frozenset("d")

    def test_a_line_that_is_gone_stays_gone(self) -> None:
        decision = decide(ledger(), answers=Answers(answered=["d"]))

        assert decision.record.lines == {}

    def test_a_refused_pause_leaves_nothing_under_way_and_the_dag_to_do(self) -> None:
        mine = replace(PAUSING, writer="me", until=ME.until)

        record = hold_rules.written_down(
            ledger(mine),
            "A",
            token="me",
            answers=Answers(refused=["d"]),
            now=NOW,
        )

        assert record.lines["d"] == PAUSED
        assert record.holds["A"].todo == frozenset("d")

    def test_a_dag_that_vanished_is_dealt_with_and_its_line_says_so(self) -> None:
        mine = replace(PAUSING, writer="me", until=ME.until)

        decision = decide(ledger(mine), answers=Answers(absent=["d"]))

        assert decision.record.lines["d"] == replace(PAUSED, gone_since=NOW)
        assert decision.record.holds["A"].held == frozenset("d")


@pytest.mark.parametrize("holder", [None, "another"], ids=["gone", "of another step"])
def test_a_step_whose_hold_is_not_its_own_writes_down_answers_and_stops(
    holder: str | None,
) -> None:
    """7: no further request, and it undoes nothing."""
    mine = replace(PAUSING, writer="me", until=ME.until)
    hold = replace(held_by_me(todo="de"), token=holder) if holder else None
    record = replace(ledger(mine), holds={"A": hold} if hold else {})

    decision = decide(record, seen={"e": Seen(None, paused=False)}, answers=Answers(answered=["d"]))

    assert not decision.ours
    assert decision.requests == ()
    assert decision.record.lines == {"d": PAUSED}
    assert decision.record.holds == record.holds


def test_a_hold_is_complete_when_nothing_is_to_do() -> None:
    """8: complete."""
    mine = replace(PAUSING, writer="me", until=ME.until)

    decision = decide(ledger(mine), answers=Answers(answered=["d"]))

    assert decision.record.holds["A"].todo == frozenset()
    assert (decision.requests, decision.look, decision.waiting) == ((), (), ())
