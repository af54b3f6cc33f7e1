"""What must hold at every moment, and at rest: P1, P2, P4, P5 and P6 of the protocol."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fermata_hooks.ledger import Record
from fermata_hooks.ledger.hold_rules import is_mine

if TYPE_CHECKING:
    from fakes.ledger_world.actors import Actor
    from fakes.ledger_world.world import World


class BrokenError(AssertionError):
    """A property does not hold; the message has the story up to here."""


@dataclass
class Ghost:
    """What is known of a DAG that no actor knows; times are ticks.

    ``due``: what it would be without us. ``swallowed``: a person paused it while it was on a
    list or had a line, which a log that tells no values may lose.
    """

    due: bool
    line_made: int = -1
    our_pause_changed: int = -1
    saw_run: int = -1
    person_ran: int = -1
    swallowed: bool = False
    dealt: dict[str, int] = field(default_factory=dict)  # by application: as of which look


class Properties:
    """The ghosts, and the checks."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.wanted: dict[str, frozenset[str]] = {}
        self.ghosts = {dag_id: Ghost(paused) for dag_id, paused in world.paused.items()}

    def broken(self, what: str) -> BrokenError:
        """Return the error that tells the story."""
        self._world.broken = True
        story = "\n  ".join(self._world.story[-80:])
        return BrokenError(f"{what}\n  {story}")

    def wrote(self, before: Record, after: Record, actor: "Actor") -> None:
        """Note what a replacement of the ledger changes."""
        for dag_id, ghost in self.ghosts.items():
            if dag_id in after.lines and dag_id not in before.lines:
                ghost.line_made = self._world.tick
            dropped = dag_id in before.lines and dag_id not in after.lines
            if dropped or (dag_id not in after.lines and dag_id not in after.listed()):
                self._let_go(dag_id, ghost)
            for application, hold in after.holds.items():
                old = before.holds.get(application)
                if old is not None and dag_id in old.todo and dag_id not in hold.todo:
                    ghost.dealt[application] = actor.looked.get(dag_id, -1)
            ghost.dealt = {a: at for a, at in ghost.dealt.items() if a in after.holds}
        if is_mine(after, actor.application, actor.token):
            self.wanted[actor.application] = frozenset(actor.wanted)

    def _let_go(self, dag_id: str, ghost: Ghost) -> None:
        if ghost.swallowed and self._world.mode != "values" and not self._world.paused[dag_id]:
            ghost.due = False
        ghost.swallowed = False

    def person_asked(self, dag_id: str, *, paused: bool) -> None:
        """Note a person's row or effect: one that a log without values may lose."""
        record = self._world.record
        if paused and (dag_id in record.lines or dag_id in record.listed()):
            self.ghosts[dag_id].swallowed = True

    def effect(self, dag_id: str, *, paused: bool, ours: bool) -> None:
        """Check and note an effect, before it happens."""
        ghost, changes = self.ghosts[dag_id], self._world.paused[dag_id] != paused
        if not ours:
            ghost.due = paused
            if not paused:
                ghost.person_ran = self._world.tick
        elif changes and paused:
            ghost.our_pause_changed = self._world.tick
        elif changes:
            self._check_our_unpause(dag_id, ghost)

    def _check_our_unpause(self, dag_id: str, ghost: Ghost) -> None:
        if dag_id not in self._world.record.lines:
            raise self.broken(f"P2: we set {dag_id} running, and it has no line")
        since = ghost.line_made
        if self._world.mode == "values" and max(ghost.our_pause_changed, ghost.saw_run) < since:
            raise self.broken(f"P2: we set {dag_id} running, and did not pause it")

    def check(self) -> None:
        """Check what must hold at every moment."""
        record = self._world.record
        for dag_id, ghost in self.ghosts.items():
            if dag_id in record.lines:
                continue
            if self._world.paused[dag_id] not in (ghost.due, *self._asked(dag_id)):
                raise self.broken(f"P6: {dag_id} is not as due, and has no line")
            if any(r.dag_id == dag_id and r.ours for r in self._world.in_flight()):
                raise self.broken(f"P6: a request for {dag_id} may land, and it has no line")
        for application, hold in record.holds.items():
            if not hold.todo:
                self._check_complete(application, hold.held | self.wanted[application])

    def _asked(self, dag_id: str) -> list[bool]:
        """Return what a person is asking for right now: its row may be there, and will be true."""
        persons = [r for r in self._world.in_flight() if r.dag_id == dag_id and not r.ours]
        return [request.paused for request in persons]

    def _check_complete(self, application: str, held: frozenset[str]) -> None:
        for dag_id in held & self.ghosts.keys():
            ghost = self.ghosts[dag_id]
            if self._world.paused[dag_id] or ghost.person_ran >= ghost.dealt.get(application, -1):
                continue
            raise self.broken(f"P4: {dag_id} runs under the complete hold of {application}")

    def sends_pause(self, actor: "Actor") -> None:
        """Check that an actor may still pause."""
        if actor.lost_hold:
            raise self.broken(f"P5: {actor.name} pauses, and has seen that its hold is gone")

    def check_rest(self) -> None:
        """Check P1: everybody is dead or done, nothing is under way."""
        record = self._world.record
        if record.holds or record.lines:
            raise self.broken(f"P3: not at rest: {record.holds} {record.lines}")
        for dag_id, ghost in self.ghosts.items():
            if self._world.paused[dag_id] != ghost.due:
                raise self.broken(f"P1: {dag_id} is not as due at rest")
