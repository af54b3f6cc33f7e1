"""The stories that the rules are there for: they end well, and without their rule they do not."""

import pytest

from fakes.ledger_world import BrokenError, World
from fakes.ledger_world.mutants import MUTANTS, Mutant, no_early_resume
from fakes.ledger_world.scenarios import SCENARIOS, Scenario
from fakes.ledger_world.world import LATE
from fermata_hooks.ledger import CLOCKS_DIFFER


def tell(scenario: Scenario, mutant: Mutant | None = None) -> World:
    world = (
        World(mode=scenario.mode, ledger_of=mutant.ledger_of)
        if mutant
        else World(mode=scenario.mode)
    )
    scenario.tell(world)
    world.rest()
    return world


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_story_ends_well(name: str) -> None:
    tell(SCENARIOS[name])


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_story_ends_well_without_early_resume(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_early_resume(monkeypatch)

    tell(SCENARIOS[name])


@pytest.mark.parametrize("name", MUTANTS)
def test_a_story_ends_badly_without_its_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    mutant.patch(monkeypatch)

    with pytest.raises(BrokenError):
        tell(SCENARIOS[mutant.scenario], mutant)


def test_a_line_waits_for_its_late_request_and_not_for_the_one_that_was_answered_since() -> None:
    world = World()
    world.hold("A", ["d"]).until("answer").go("lose").finish()
    late = world.record.lines["d"].may_land_until
    assert late is not None
    world.pass_time(LATE / 2)

    world.release("A").finish()

    assert world.record.lines["d"].may_land_until == late
    assert not world.paused["d"]

    world.pass_time(late + CLOCKS_DIFFER + 1.0 - world.time)
    world.watch().finish()

    assert not world.record.lines
    world.rest()
