"""The protocol with one rule left out: each must turn a test red, or the test is worth nothing.

The product has no switches for them: a mutant patches one function for the length of a test. The
rules and their mutants:

    one ledger for all; the intent before the request    record per application, record after
    a hold lists all its DAGs as it opens                unlists left alone, no handover
    who joins keeps what is there                        retry overwrites, pauses again, forgets
                                                         whom it held, joins only if it wants …
    each batch looks whether the hold is still its own   no look, revoked and silent
    ledger, state, same line                             state first, ledger only before
    a hold waits for an unanswered resume                no wait to hold
    what had no answer is remembered until T             forgets late, no wait, looks before T,
                                                         waits for what was answered
    only the writer confirms, on a ledger as it was      no writer, closes for others, keeps its
                                                         look
    state, then log; the log again after the answer      log first, no second look, ignores persons
    a release ends its own revision's hold only          ends any revision
    all count by one clock                               believes its clock

What is left are the window for sending and SIGTERM, and answers of the store that are lost: their
tests stand beside the code that keeps them (``test_requests``, ``test_store``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fermata_hooks.documents import ConflictError
from fermata_hooks.holding import _event_log
from fermata_hooks.holding._actors import LedgerTime
from fermata_hooks.holding._batch import Chunk
from fermata_hooks.holding._hold import HoldStep
from fermata_hooks.holding._settle import Settler
from fermata_hooks.ledger import (
    Hold,
    Line,
    Record,
    Snapshot,
    Wish,
    end_rules,
    hold_rules,
    settle_rules,
)
from fermata_hooks.ledger._rows import RUNNING
from fermata_hooks.ledger.hold_rules import Decision, Seen


@dataclass(frozen=True)
class Mutant:
    """A rule left out; ``scenario`` is the story that shows the harm."""

    name: str
    scenario: str
    patch: Callable[[pytest.MonkeyPatch], None] = lambda _: None
    ledger_of: Callable[[str], str] = lambda _: "ledger"


def _record_after(patch: pytest.MonkeyPatch) -> None:
    def pause(self: HoldStep) -> Decision:
        intent = self._env.intend()
        record = self._env.ledger.read()
        planned = hold_rules.decide(
            record,
            self._order.application,
            intent=intent,
            seen=self._seen,
            since=self._since,
            answers=self._answers.answers,
            resting=self._resting,
            now=self._env.now(),
        )
        if planned.requests:
            requests = dict.fromkeys(planned.requests, True)
            self._sending.send(requests, intent=intent, ledger_id=record.id)
            self._answers = self._sending.outcome()
        return self._decide(intent, stop=False)

    patch.setattr(HoldStep, "_pause", pause)


def _retry_overwrites(patch: pytest.MonkeyPatch) -> None:
    opened = hold_rules.opened

    def anew(record: Record, application: str, **order: Any) -> Record:  # noqa: ANN401 - as opened
        old = record.holds.get(application)
        if old is not None and old.token != order["token"]:
            record = record.with_lines(dict.fromkeys(old.dags))
            record = record.with_hold(application, None)
        return opened(record, application, **order)

    patch.setattr(hold_rules, "opened", anew)


def _no_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settle_rules, "is_calm", lambda line, read_at: True)  # noqa: ARG005


def _no_wait_to_hold(patch: pytest.MonkeyPatch) -> None:
    step = hold_rules.step

    def hasty(line: Line | None, seen: Seen | None, *, now: float) -> hold_rules.Step:
        found = step(line, seen, now=now)
        return "pause" if found == "wait" else found

    patch.setattr(hold_rules, "step", hasty)


def _state_first(patch: pytest.MonkeyPatch) -> None:
    def look(self: HoldStep, dag_ids: list[str]) -> None:
        seen = self._env.look(dag_ids)
        lines = self._env.ledger.read().lines
        self._seen |= {d: Seen(lines.get(d), seen.paused.get(d)) for d in dag_ids}
        self._since = self._since or seen.at

    patch.setattr(HoldStep, "_look", look)


def _ledger_only_before(patch: pytest.MonkeyPatch) -> None:
    step = hold_rules.step

    def trusting(line: Line | None, seen: Seen | None, *, now: float) -> hold_rules.Step:
        return step(line, replace(seen, line=line) if seen else None, now=now)

    patch.setattr(hold_rules, "step", trusting)


def _no_handover(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Record, "unlisted", lambda self: dict(self.lines))


def _no_look(patch: pytest.MonkeyPatch) -> None:
    decide = hold_rules.decide

    def blind(record: Record, application: str, **known: Any) -> Decision:  # noqa: ANN401
        if not hold_rules.is_mine(record, application, known["intent"].writer):
            mine = Hold(
                token=known["intent"].writer,
                revision="r1",
                operation="",
                opened=0.0,
                expires=0.0,
                todo=frozenset(known["seen"]),
            )
            record = record.with_hold(application, mine)
        return decide(record, application, **known)

    patch.setattr(hold_rules, "decide", blind)


def _forgets_late(patch: pytest.MonkeyPatch) -> None:
    for rules in (hold_rules, settle_rules):
        patch.setattr(rules, "still_late", lambda line, now: None)  # noqa: ARG005


def _looks_before_t(patch: pytest.MonkeyPatch) -> None:
    carry_out = Settler._carry_out  # noqa: SLF001

    def late(self: Settler, snapshot: Snapshot, dag_ids: list[str], chunk: Chunk) -> bool:
        now = self._env.now()
        return carry_out(self, snapshot, dag_ids, replace(chunk, read_at=now))

    patch.setattr(Settler, "_carry_out", late)


def _no_writer(patch: pytest.MonkeyPatch) -> None:
    def confirmed(line: Line | None, *, writer: str) -> Line | None:
        del writer
        if line is None or line.mark != "pausing":
            return line
        return Line(mark="paused", since=line.since, late_until=line.late_until)

    patch.setattr(hold_rules, "confirmed", confirmed)


def _keeps_its_look(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Settler, snapshot: Snapshot, dag_ids: list[str]) -> bool:
        chunk = self._look(snapshot.record, dag_ids)
        with self._env.termination.shield():
            while True:
                try:
                    self._carry_out(snapshot, dag_ids, chunk)
                except ConflictError:
                    self._close()
                    snapshot = self._env.ledger.snapshot()
                    dag_ids = [d for d in dag_ids if d in snapshot.record.unlisted()]
                else:
                    break
            self._close()
        return True

    patch.setattr(Settler, "_settle", settle)


def _no_second_look(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settler, "_read_log_after_answers", lambda self, record: None)  # noqa: ARG005


def _log_first(patch: pytest.MonkeyPatch) -> None:
    def look(self: Settler, record: Record, dag_ids: list[str]) -> Chunk:
        read_at = self._env.now()
        self._event_log(record).read({d: record.lines[d] for d in dag_ids})
        seen = self._env.look(dag_ids)
        return Chunk({d: seen.paused.get(d) for d in dag_ids}, read_at)

    patch.setattr(Settler, "_look", look)


def _unlists_left_alone(patch: pytest.MonkeyPatch) -> None:
    decide = hold_rules.decide

    def forgetful(record: Record, application: str, **known: Any) -> Decision:  # noqa: ANN401
        decision = decide(record, application, **known)
        alone = {d for d, step in decision.steps.items() if step == "leave alone"}
        if not decision.ours or not alone:
            return decision
        hold = decision.record.holds[application]
        hold = replace(hold, held=hold.held - alone)
        return replace(decision, record=decision.record.with_hold(application, hold))

    patch.setattr(hold_rules, "decide", forgetful)


def _ignores_persons(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_event_log, "wish_of", lambda *_, **__: RUNNING)


def _pauses_again(patch: pytest.MonkeyPatch) -> None:
    opened = hold_rules.opened

    def anew(record: Record, application: str, **order: Any) -> Record:  # noqa: ANN401 - as opened
        record = opened(record, application, **order)
        hold = record.holds[application]
        hold = replace(hold, todo=hold.dags, held=frozenset())
        return record.with_hold(application, hold)

    patch.setattr(hold_rules, "opened", anew)


def _forgets_whom_it_held(patch: pytest.MonkeyPatch) -> None:
    opened = hold_rules.opened

    def anew(record: Record, application: str, **order: Any) -> Record:  # noqa: ANN401 - as opened
        record = opened(record, application, **order)
        hold = record.holds[application]
        hold = replace(hold, held=hold.held.intersection(order["wanted"]))
        return record.with_hold(application, hold)

    patch.setattr(hold_rules, "opened", anew)


def _joins_only_if_it_wants_something(patch: pytest.MonkeyPatch) -> None:
    opened = hold_rules.opened

    def unless(record: Record, application: str, **order: Any) -> Record:  # noqa: ANN401
        return opened(record, application, **order) if order["wanted"] else record

    patch.setattr(hold_rules, "opened", unless)


def _ends_any_revision(patch: pytest.MonkeyPatch) -> None:
    ended = end_rules.ended

    def any_of(record: Record, application: str, *, revision: str | None) -> Record:
        del revision
        return ended(record, application, revision=None)

    patch.setattr(end_rules, "ended", any_of)


def _revoked_and_silent(patch: pytest.MonkeyPatch) -> None:
    written_down = hold_rules.written_down

    def silent(record: Record, application: str, **known: Any) -> Record:  # noqa: ANN401
        if not hold_rules.is_mine(record, application, known["token"]):
            return record
        return written_down(record, application, **known)

    patch.setattr(hold_rules, "written_down", silent)


def _closes_for_others(patch: pytest.MonkeyPatch) -> None:
    def closing(
        line: Line | None, intent: hold_rules.Intent, *, sent_paused: bool, wish: Wish
    ) -> settle_rules.Closing:
        del intent
        if line is None:
            return "not mine"
        return "drop" if wish.met_by(paused=sent_paused) else "give back"

    patch.setattr(settle_rules, "closing", closing)


def _waits_for_what_was_answered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settle_rules, "waiting", lambda line: line)


def _believes_its_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LedgerTime, "learn", lambda *_, **__: None)


MUTANTS: Mapping[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        Mutant("record per application", "S1", ledger_of=lambda name: f"ledger-{name.lower()}"),
        Mutant("record after", "S2", _record_after),
        Mutant("retry overwrites", "S3", _retry_overwrites),
        Mutant("no wait", "S4", _no_wait),
        Mutant("no wait to hold", "S5", _no_wait_to_hold),
        Mutant("state first", "S6", _state_first),
        Mutant("ledger only before", "S6", _ledger_only_before),
        Mutant("no handover", "S7", _no_handover),
        Mutant("no look", "S8", _no_look),
        Mutant("forgets late", "S9", _forgets_late),
        Mutant("forgets late, killed", "S9 killed", _forgets_late),
        Mutant("looks before T", "S10", _looks_before_t),
        Mutant("no writer", "S11", _no_writer),
        Mutant("keeps its look", "S12", _keeps_its_look),
        Mutant("no second look", "S13", _no_second_look),
        Mutant("log first", "S14", _log_first),
        Mutant("unlists left alone", "S15", _unlists_left_alone),
        Mutant("ignores persons", "S16", _ignores_persons),
        Mutant("pauses again", "S3 person", _pauses_again),
        Mutant("forgets whom it held", "S3 list", _forgets_whom_it_held),
        Mutant("joins only if it wants something", "revert", _joins_only_if_it_wants_something),
        Mutant("ends any revision", "older", _ends_any_revision),
        Mutant("revoked and silent", "revoked", _revoked_and_silent),
        Mutant("closes for others", "S11 settler", _closes_for_others),
        Mutant("waits for what was answered", "answered", _waits_for_what_was_answered),
        Mutant("believes its clock", "clocks", _believes_its_clock),
    )
}


def no_early_resume(patch: pytest.MonkeyPatch) -> None:
    """Leave out a rule that may be left out: DAGs of a killed batch only wait longer."""
    step = settle_rules.step

    def patient(line: Line, **known: Any) -> settle_rules.Step:  # noqa: ANN401 - as step
        found = step(line, **known)
        return "wait" if found == "resume early" else found

    patch.setattr(settle_rules, "step", patient)
