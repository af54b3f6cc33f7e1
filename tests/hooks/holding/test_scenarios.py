"""The stories that the rules are there for: they end well, and without their rule they do not."""

import pytest

from fakes.ledger_world import BrokenError, World
from fakes.ledger_world.mutants import MUTANTS, Mutant, no_early_resume
from fakes.ledger_world.scenarios import SCENARIOS, Scenario


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
