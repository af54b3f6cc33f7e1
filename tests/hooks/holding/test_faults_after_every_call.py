"""One sync of three DAGs, and after each of its calls everything that may go wrong there."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from fakes.ledger_world import Actor, World
from fakes.ledger_world.actors import How

DAGS = ["d", "e", "f"]
FAULTS: list[How] = ["fail", "lose", "late", "unreachable", "refuse"]


def a_world() -> World:
    return World(DAGS, paused=["f"])


def sync(world: World) -> Iterator[Actor]:
    """Hold and release, one call at a time; a person pauses ``e`` in between."""
    hold = world.hold("A", DAGS)
    while hold.alive:
        yield hold
    world.person("e", paused=True)
    release = world.release("A")
    while release.alive:
        yield release


@cache
def calls_of_a_sync() -> int:
    world = a_world()
    count = 0
    for actor in sync(world):
        count += 1
        actor.go()
    world.rest()
    return count


def go_up_to(world: World, number: int) -> Actor:
    """Make all calls before the ``number``-th; return who is about to make that."""
    for count, actor in enumerate(sync(world)):
        if count == number:
            return actor
        actor.go()
    raise AssertionError(f"there is no call {number}")


def another_hold(world: World) -> None:
    world.hold("A", DAGS).run()
    world.release("A").run()


def a_release(world: World) -> None:
    world.release("A").run()


def a_patient_release(world: World) -> None:
    world.release("A", waits=True).run()


def nobody(world: World) -> None:
    del world


AFTERWARDS = [another_hold, a_release, a_patient_release, nobody]


def land_all(world: World) -> None:
    for request in world.in_flight():
        world.land(request)


@pytest.mark.parametrize("lands", ["at once", "afterwards", "never"])
@pytest.mark.parametrize("effect", [True, False], ids=["with its effect", "without"])
@pytest.mark.parametrize("afterwards", AFTERWARDS, ids=lambda it: it.__name__)
def test_a_kill_at_any_call_loses_nothing(
    afterwards: Callable[[World], None], lands: str, *, effect: bool
) -> None:
    for number in range(calls_of_a_sync()):
        world = a_world()
        actor = go_up_to(world, number)

        if effect:
            actor.go()
        actor.kill()
        if lands == "at once":
            land_all(world)
        afterwards(world)
        if lands == "afterwards":
            land_all(world)

        world.rest()


@pytest.mark.parametrize("lands", ["at once", "never"])
@pytest.mark.parametrize("how", FAULTS)
def test_no_answer_at_any_call_loses_nothing(how: How, lands: str) -> None:
    for number in range(calls_of_a_sync()):
        world = a_world()
        actor = go_up_to(world, number)

        actor.go(how)
        if lands == "at once":
            land_all(world)
        if world.late:
            world.replace_late()
        actor.run()
        world.release("A").run()

        world.rest()


def test_sigterm_at_any_call_sends_nothing_more_and_writes_down_what_was_answered() -> None:
    for number in range(calls_of_a_sync()):
        world = a_world()
        actor = go_up_to(world, number)
        under_way = actor.before("send", "answer")
        sent_before = sent_by(actor, world)

        actor.terminate().run()

        sent = sent_by(actor, world)
        assert len(sent) <= len(sent_before) + under_way
        unconfirmed = {d for d, line in world.record.lines.items() if line.writer == actor.token}
        assert not unconfirmed & sent
        world.rest()


def sent_by(actor: Actor, world: World) -> set[str]:
    """Return the DAGs for which this actor has sent a request."""
    return {row.dag_id for row in world.rows if row.tag.endswith(f".{actor.token}")}
