"""The shortest stories in which a rule left out does harm; with all rules they end well.

A and B are applications, ``d`` is a DAG that runs at first and that both want held. Each story is
told to the end by ``World.rest``: everybody dead, the watch alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fakes.ledger_world.world import LATE, World
from fermata_hooks.ledger import CLOCKS_DIFFER, WINDOW, LogMode

T_HAS_PASSED = LATE + WINDOW + CLOCKS_DIFFER + 1.0


@dataclass(frozen=True)
class Scenario:
    """A story; ``mode`` is what the event log is worth in it."""

    name: str
    tell: Callable[[World], None]
    mode: LogMode = "values"


def _a_record_per_application(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.hold("B", ["d"]).finish()
    w.release("A").finish()


def _a_record_after_pausing(w: World) -> None:
    w.hold("A", ["d"]).until("answer").go().kill()
    w.release("A").finish()


def _a_retry_overwrites(w: World) -> None:
    w.hold("A", ["d"]).until("answer").go().kill()
    w.hold("A", ["d"]).on()
    w.release("A").finish()


def _no_wait_before_the_drop(w: World) -> None:
    w.hold("A", ["d"]).until("answer").kill()
    w.release("A").finish()


def _no_wait_for_an_unanswered_resume(w: World) -> None:
    w.hold("A", ["d"]).finish()
    release = w.release("A").until("answer")
    hold = w.hold("B", ["d"]).on()
    release.finish()
    hold.finish()


def _state_before_ledger(w: World) -> None:
    w.hold("A", ["d"]).finish()
    release = w.release("A").until("answer")
    hold = w.hold("B", ["d"]).until("look").go()
    release.finish()
    hold.finish()


def _no_handover(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.hold("B", ["d"]).until("look").kill()
    w.watch("B").finish()


def _no_look_before_a_batch(w: World) -> None:
    hold = w.hold("A", ["d"]).until("look").go()
    w.release("A").finish()
    hold.run()


def _confirming_forgets_earlier_requests(w: World) -> None:
    w.hold("A", ["d"]).until("answer").go("lose").finish()
    w.release("A").finish()


def _a_killed_attempt_is_forgotten(w: World) -> None:
    w.hold("A", ["d"]).until("answer").kill()
    w.hold("A", ["d"]).finish()
    w.release("A").finish()


def _looked_before_t_dropped_after(w: World) -> None:
    w.hold("A", ["d"]).until("answer").go("lose").finish()
    release = w.release("A", waits=True).until("look").go().until("look").go()
    for request in w.in_flight():
        w.land(request)
    w.pass_time(T_HAS_PASSED)
    release.finish()


def _no_writer_on_the_line(w: World) -> None:
    first = w.hold("A", ["d"]).until("answer").go()
    w.pass_time(LATE / 2)
    w.hold("B", ["d"]).until("answer").kill()
    w.release("A").finish()
    first.run()
    w.pass_time(T_HAS_PASSED - LATE / 2)
    w.watch("B").finish()


def _a_settler_keeps_its_look(w: World) -> None:
    w.hold("A", ["d"]).until("answer").kill()
    w.give_up(w.in_flight()[0])
    w.pass_time(T_HAS_PASSED)
    release = w.release("A").until("log")
    again = w.hold("A", ["d"]).until("answer").go()
    release.go()
    w.end_holds("A").finish()
    again.run()
    release.finish()


def _no_second_look_at_the_log(w: World) -> None:
    w.hold("A", ["d"]).finish()
    release = w.release("A").until("answer")
    w.person("d", paused=True)
    release.finish()


def _log_before_state(w: World) -> None:
    hold = w.hold("A", ["d"]).until("answer").go("lose")
    hold.kill()
    w.give_up(w.in_flight()[0])
    release = w.release("A").until("look", "log").go()
    w.person("d", paused=True)
    release.finish()


def _left_alone_and_not_listed(w: World) -> None:
    first = w.hold("A", ["d"]).until("look").go()
    second = w.hold("B", ["d"]).until("look")
    w.person("d", paused=True)
    second.finish()
    first.finish()
    w.release("A").finish()


def _persons_are_ignored(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.person("d", paused=True)
    w.release("A").finish()


def _clocks_minutes_apart(w: World) -> None:
    w.hold("A", ["d"], skew=-500.0).until("answer").kill()
    w.release("A").finish()


def _two_settlers_at_once(w: World) -> None:
    w.hold("A", ["d"]).finish()
    release = w.release("A").until("replace", times=2)
    watch = w.watch().until("replace")
    release.go()
    watch.on()
    release.finish()
    watch.run()


# What the search of all interleavings did not need, as it harms no DAG at rest: rules of how it
# gets there. The story itself says what must be so on the way.


def _a_persons_start_during_the_hold(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.person("d", paused=False)
    w.hold("A", ["d"]).finish()
    w.require("a retry obeys who set d running", paused=False)
    w.release("A").finish()


def _a_newer_revision_does_not_want_it(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.hold("A", [], revision="r2").finish()
    w.watch().finish()
    w.require("what was dealt with stays held until the end", paused=True)
    w.release("A", revision="r2").finish()


def _a_revert_ends_the_hold(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.hold("A", [], revision="r2").finish()
    w.release("A", revision="r2").finish()
    w.require("the newest revision's release ends the hold", paused=False)


def _a_late_release_of_an_older_revision(w: World) -> None:
    w.hold("A", ["d"]).finish()
    w.hold("A", ["d"], revision="r2").finish()
    w.release("A").finish()
    w.require("the newer revision still holds", paused=True)
    w.release("A", revision="r2").finish()


def _a_revoked_step_knows_an_answer(w: World) -> None:
    hold = w.hold("A", ["d"]).until("answer").go()
    w.end_holds("A").finish()
    hold.run()
    w.watch().finish()
    w.require("what was answered is written down, and given back at once", paused=False)
    w.require_settled("nothing waits for what was answered")


def _an_answer_after_another_took_over(w: World) -> None:
    w.hold("A", ["d"]).finish()
    release = w.release("A").until("answer")
    w.person("d", paused=True)
    release.go().until("answer")
    second = w.hold("B", ["d"])
    while not second.before("answer"):
        second.go()
    release.run()
    second.run()


def _a_late_request_and_an_answered_one(w: World) -> None:
    w.hold("A", ["d"]).until("answer").go("lose").finish()
    late = w.record.lines["d"].may_land_until or 0.0
    w.pass_time(LATE / 2)
    w.release("A").finish()
    w.pass_time(late + CLOCKS_DIFFER + 1.0 - w.time)
    w.watch().finish()
    w.require_settled("only the late request was waited for")


SCENARIOS = {
    "S1": Scenario("a record for each application", _a_record_per_application),
    "S2": Scenario("a record after pausing", _a_record_after_pausing),
    "S3": Scenario("a retry overwrites", _a_retry_overwrites),
    "S4": Scenario("no wait for T before the drop", _no_wait_before_the_drop),
    "S5": Scenario("a hold does not wait for a resume", _no_wait_for_an_unanswered_resume),
    "S6": Scenario("the state is read before the ledger", _state_before_ledger),
    "S7": Scenario("no handover", _no_handover),
    "S8": Scenario("no look before a batch", _no_look_before_a_batch),
    "S9": Scenario("confirming forgets", _confirming_forgets_earlier_requests),
    "S9 killed": Scenario("a killed attempt is forgotten", _a_killed_attempt_is_forgotten),
    "S10": Scenario("looked before T, dropped after", _looked_before_t_dropped_after),
    "S11": Scenario("no writer on the line", _no_writer_on_the_line),
    "S12": Scenario("a settler keeps its look", _a_settler_keeps_its_look),
    "S13": Scenario("no second look at the log", _no_second_look_at_the_log),
    "S14": Scenario("the log is read before the state", _log_before_state),
    "S15": Scenario("left alone, not listed", _left_alone_and_not_listed, mode="unreadable"),
    "S16": Scenario("persons are ignored", _persons_are_ignored),
    "S3 person": Scenario("a retry and a person", _a_persons_start_during_the_hold),
    "S3 list": Scenario("not wanted any more", _a_newer_revision_does_not_want_it),
    "revert": Scenario("a revert ends the hold", _a_revert_ends_the_hold),
    "older": Scenario("a late release of an older one", _a_late_release_of_an_older_revision),
    "revoked": Scenario("a revoked step knows an answer", _a_revoked_step_knows_an_answer),
    "S11 settler": Scenario("another took the line over", _an_answer_after_another_took_over),
    "answered": Scenario("late and answered", _a_late_request_and_an_answered_one),
    "clocks": Scenario("clocks that differ by minutes", _clocks_minutes_apart),
    "R2": Scenario("two settlers at once", _two_settlers_at_once),
}
