"""A plain story of one DAG, interrupted at some of its calls.

Less wild than ``schedules``, and so deeper: the story goes on as it would in real life, and only
at a few places something happens to whoever is about to make a call.
"""

from collections.abc import Callable, Iterator
from random import Random

from fakes.ledger_world.actors import Actor
from fakes.ledger_world.schedules import SITUATIONS, Choose
from fakes.ledger_world.world import LATE, World
from fermata_hooks.ledger import CLOCKS_DIFFER, WINDOW

MOST = 4  # interruptions of one story
PLACES = 36  # calls of the longest story, and some more

Story = Callable[[World], Iterator[Actor]]
Interruption = Callable[[World, Actor], object]


def _all(*starts: Callable[[World], Actor]) -> Story:
    def story(world: World) -> Iterator[Actor]:
        for start in starts:
            actor = start(world)
            while actor.alive:
                yield actor

    return story


def _hold(application: str) -> Callable[[World], Actor]:
    return lambda w: w.hold(application, ["d"])


def _release(application: str, *, waits: bool = False) -> Callable[[World], Actor]:
    return lambda w: w.release(application, waits=waits)


STORIES: dict[str, Story] = {
    "a sync": _all(_hold("A"), _release("A")),
    "a patient sync": _all(_hold("A"), _release("A", waits=True)),
    "a retry": _all(_hold("A"), _hold("A"), _release("A")),
    "two syncs": _all(_hold("A"), _hold("B"), _release("A"), _release("B")),
    "a watch": _all(_hold("A"), lambda w: w.watch("A"), lambda w: w.watch()),
}


def _land_all(w: World) -> None:
    for request in w.in_flight():
        w.land(request)


def _land_at_the_last_moment(w: World, _: Actor) -> None:
    _land_all(w)
    w.pass_time(LATE + WINDOW + CLOCKS_DIFFER + 1.0)


def _no_answer(_: World, actor: Actor) -> None:
    if actor.alive:
        actor.go("lose")


INTERRUPTIONS: dict[str, Interruption] = {
    "a person pauses": lambda w, _: w.person("d", paused=True),
    "a person sets it running": lambda w, _: w.person("d", paused=False),
    "a person is about to pause": lambda w, _: w.person_asks("d", paused=True),
    "it is killed": lambda _, actor: actor.kill(),
    "it gets no answer": _no_answer,
    "what is under way lands": lambda w, _: _land_all(w),
    "it lands at the last moment": _land_at_the_last_moment,
    "half of T passes": lambda w, _: w.pass_time(LATE / 2),
    "T passes": lambda w, _: w.pass_time(LATE + WINDOW + CLOCKS_DIFFER + 1.0),
    "A holds": lambda w, _: w.hold("A", ["d"]).on(),
    "B holds": lambda w, _: w.hold("B", ["d"]).on(),
    "A is released": lambda w, _: w.release("A").on(),
    "a watch passes": lambda w, _: w.watch().on(),
    "A ends": lambda w, _: w.end_holds("A").on(),
    "B ends": lambda w, _: w.end_holds("B").on(),
    "the others go on": lambda w, actor: [a.on() for a in w.alive() if a is not actor],
}


def tell(story: Story, interruptions: list[tuple[int, str]], world: World) -> None:
    """Tell ``story`` to its end, interrupted before its calls of these numbers."""
    left = sorted(interruptions, key=lambda each: each[0], reverse=True)
    try:
        for number, actor in enumerate(story(world)):
            while left and left[-1][0] <= number:
                INTERRUPTIONS[left.pop()[1]](world, actor)
            if actor.alive:
                actor.go()
        world.rest()
    finally:
        world.end()


def calls_of(story: Story) -> int:
    """Return how many calls ``story`` has when nothing interrupts it."""
    world = World()
    count = 0
    for actor in story(world):
        count += 1
        actor.go()
    return count


def roll(seed: int, *, ledger_of: Callable[[str], str] | None = None) -> None:
    """Tell the story that the dice of this ``seed`` say; raise ``BrokenError`` if it breaks."""
    dice = Random(seed)  # noqa: S311 - the same story for the same seed
    choose: Choose = dice.choice
    mode, dialect = choose(SITUATIONS)
    world = World(mode=mode, dialect=dialect, ledger_of=ledger_of or (lambda _: "ledger"))
    interruptions = [
        (dice.randrange(PLACES), choose(tuple(INTERRUPTIONS))) for _ in range(dice.randint(1, MOST))
    ]
    tell(STORIES[choose(tuple(STORIES))], interruptions, world)
