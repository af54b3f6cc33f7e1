"""Whatever happens, in whatever order: P1, P2, P4, P5 and P6 hold.

The schedules are of the real hold, release and watch, with one or two DAGs and two applications:
kills, SIGTERM, answers lost, late requests, 503 and 403, conflicts and late writes in the store,
persons, retries, newer revisions, clocks that differ, on Airflows of every dialect.
"""

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fakes.ledger_world import BrokenError, World, interruptions, schedules
from fakes.ledger_world.mutants import MUTANTS, Mutant, no_early_resume
from fakes.ledger_world.schedules import STEPS, Schedule

LONG = {"state first", "keeps its look"}
"""Mutants that dice take thousands of schedules to find."""

TOLD_ONLY = {
    *("looks before T", "no writer", "unlists left alone", "closes for others"),
    *("pauses again", "forgets whom it held", "joins only if it wants something"),
    *("ends any revision", "revoked and silent", "waits for what was answered"),
}
"""Mutants for which dice would have to fall too well, or that do no harm at rest: the stories find
these, as all others."""

INTERRUPTED = {"log first"}
"""Mutants that are found sooner by a plain story that is interrupted."""


class AnySchedule(RuleBasedStateMachine):
    """A schedule that Hypothesis drives, and shortens when it breaks."""

    schedule: Schedule | None = None
    told: ClassVar[int] = 0

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        AnySchedule.told += 1
        self.schedule = Schedule(lambda choices: data.draw(st.sampled_from(choices)))

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        if self.schedule is not None:
            self.schedule.go_on_by(lambda choices: data.draw(st.sampled_from(choices)))

    def teardown(self) -> None:
        if self.schedule is not None:
            self.schedule.come_to_rest()


def explore(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        print_blob=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_hypothesis_finds_no_schedule_that_breaks(part: int) -> None:
    run(seed(part)(AnySchedule), 300)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(10))
def test_hypothesis_finds_none_in_ten_times_a_thousand(part: int) -> None:
    del part
    run(AnySchedule, 1000)


def run(machine: type[AnySchedule], schedules: int) -> None:
    """Run so many schedules, and no fewer: Hypothesis may stop early, and says nothing then."""
    before = AnySchedule.told
    run_state_machine_as_test(machine, settings=explore(schedules))
    assert AnySchedule.told - before >= schedules


@pytest.mark.slow
def test_dice_find_no_schedule_that_breaks() -> None:
    for number in range(1000):
        schedules.roll(number)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_dice_find_none_in_fifty_thousand() -> None:
    for number in range(1000, 51_000):
        schedules.roll(number)


@pytest.mark.slow
def test_no_interrupted_story_breaks() -> None:
    for number in range(2000):
        interruptions.roll(number)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_interrupted_story_of_a_hundred_thousand_breaks() -> None:
    for number in range(2000, 102_000):
        interruptions.roll(number)


@pytest.mark.slow
@pytest.mark.parametrize("story", interruptions.STORIES)
def test_no_single_interruption_of_a_story_breaks_it(story: str) -> None:
    plain = interruptions.STORIES[story]
    for place in range(interruptions.calls_of(plain)):
        for what in interruptions.INTERRUPTIONS:
            interruptions.tell(plain, [(place, what)], World())
            interruptions.tell(plain, [(place, what)], World(mode="unreadable"))


@pytest.mark.slow
def test_early_resume_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    no_early_resume(monkeypatch)

    for number in range(500):
        schedules.roll(number)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - LONG - TOLD_ONLY - INTERRUPTED))
def test_dice_find_a_rule_that_is_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find(MUTANTS[name], schedules.roll, monkeypatch, most=2000)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(LONG))
def test_dice_find_a_rule_that_is_left_out_in_the_end(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(MUTANTS[name], schedules.roll, monkeypatch, most=50_000)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(INTERRUPTED))
def test_interruptions_find_a_rule_that_is_left_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(MUTANTS[name], interruptions.roll, monkeypatch, most=20_000)


def find(
    mutant: Mutant, roll: Callable[..., None], monkeypatch: pytest.MonkeyPatch, *, most: int
) -> None:
    mutant.patch(monkeypatch)

    def look() -> None:
        for number in range(most):
            roll(number, ledger_of=mutant.ledger_of)

    with pytest.raises(BrokenError):
        look()
