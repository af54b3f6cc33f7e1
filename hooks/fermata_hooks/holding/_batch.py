"""One compare-and-swap of a settler: what it closes, what it drops, what it asks for next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fermata_hooks.holding import _wording as wording
from fermata_hooks.holding._event_log import EventLog
from fermata_hooks.holding._requests import Outcome
from fermata_hooks.ledger import RUNNING, Line, Record, Wish, settle_rules
from fermata_hooks.ledger.hold_rules import Intent

if TYPE_CHECKING:
    from fermata_spec.report import DagOutcome


@dataclass(frozen=True)
class Sent:
    """A request that was sent: within which intent, and which state it asked for."""

    intent: Intent
    paused: bool


@dataclass(frozen=True)
class Chunk:
    """DAGs whose line, then state were read; ``read_at`` is from before the state was read."""

    paused: Mapping[str, bool | None]
    read_at: float


class Batch:
    """The changes to one state of the ledger, collected rule by rule.

    ``requests`` may be sent once ``record`` is written; ``outcomes`` are then true.
    """

    def __init__(self, before: Record, log: EventLog, intent: Intent, *, lease: float) -> None:
        self._before = before
        self._log = log
        self._lease = lease
        self.intent = intent
        self.changed: dict[str, Line | None] = {}
        self.requests: dict[str, bool] = {}
        self.outcomes: dict[str, DagOutcome] = {}

    @property
    def record(self) -> Record:
        """The ledger to write; the very one that was there if nothing changes."""
        return self._before.with_lines(self.changed)

    def landed(self, record: Record) -> bool:
        """Return whether ``record`` holds the intent of this batch."""
        return any(self._is_stated(record.lines.get(dag_id)) for dag_id in self.requests)

    def close(self, sent: Mapping[str, Sent], outcome: Outcome, *, now: float) -> None:
        """Close what was answered; the event log must have been read after the answers."""
        for dag_id in sorted(outcome.answered):
            self._close(dag_id, sent[dag_id])
        for dag_id, error in outcome.refused.items():
            line = settle_rules.refused(self._before.lines.get(dag_id), sent[dag_id].intent)
            self._put(dag_id, line)
            self.outcomes[dag_id] = wording.refused(dag_id, error)
        for dag_id in outcome.absent:
            line = settle_rules.refused(self._before.lines.get(dag_id), sent[dag_id].intent)
            if line is not None:
                self._gone(dag_id, settle_rules.found_gone(line, now=now))

    def settle(self, dag_ids: Iterable[str], chunk: Chunk, *, now: float, room: int) -> list[str]:
        """Act on a look; return the DAGs for whose request there is no room in this batch."""
        left = []
        for dag_id in dag_ids:
            line = self._before.lines[dag_id]
            paused, wish = chunk.paused[dag_id], self._log.wish(dag_id, line)
            step = settle_rules.step(
                line,
                paused=paused,
                wish=wish,
                me=self.intent.writer,
                read_at=chunk.read_at,
                lease=self._lease,
            )
            if step in ("give back", "resume early"):
                if len(self.requests) >= room:
                    left.append(dag_id)
                elif step == "give back":
                    self._ask(dag_id, settle_rules.giving_back(line, self.intent, wish=wish))
                else:
                    self._ask(dag_id, settle_rules.resuming_early(line, self.intent, now=now))
            elif paused is None:
                self._absent(dag_id, line, step, now=now)
            else:
                self._leave(dag_id, line, step, paused=paused, wish=wish)
        return left

    def _leave(
        self, dag_id: str, line: Line, step: settle_rules.Step, *, paused: bool, wish: Wish
    ) -> None:
        if step == "drop":
            self.changed[dag_id] = None
            self.outcomes[dag_id] = wording.dropped(dag_id, paused=paused, wish=wish)
        else:
            self._put(dag_id, settle_rules.found_again(line))
            self.outcomes[dag_id] = wording.waits(dag_id, line)

    def _absent(self, dag_id: str, line: Line, step: settle_rules.Step, *, now: float) -> None:
        if step == "forget":
            self.changed[dag_id] = None
            self.outcomes[dag_id] = wording.gone(dag_id, line, forgotten=True)
        else:
            self._gone(dag_id, settle_rules.found_gone(line, now=now))

    def _gone(self, dag_id: str, line: Line) -> None:
        self._put(dag_id, line)
        self.outcomes[dag_id] = wording.gone(dag_id, line, forgotten=False)

    def _close(self, dag_id: str, sent: Sent) -> None:
        line, paused = self._before.lines.get(dag_id), sent.paused
        if line is not None and self._is_stated(line):
            self.requests[dag_id] = line.mark == "pausing"  # written already, its answer was lost
            return
        if line is None:  # dropped, by ourselves if the store's answer was lost
            self.outcomes[dag_id] = wording.given_back(dag_id, paused=paused, wish=RUNNING)
            return
        wish = self._log.wish(dag_id, line)
        match settle_rules.closing(line, sent.intent, sent_paused=paused, wish=wish):
            case "drop":
                self.changed[dag_id] = None
                self.outcomes[dag_id] = wording.given_back(dag_id, paused=paused, wish=wish)
            case "give back" if dag_id in self._listed:
                self._put(dag_id, settle_rules.handed_over(line))
                self.outcomes[dag_id] = wording.still_held(dag_id, self._before.holders(dag_id))
            case "give back":
                self._ask(dag_id, settle_rules.giving_back(line, self.intent, wish=wish))
            case "wait":
                line = settle_rules.waiting(line)
                self._put(dag_id, line)
                self.outcomes[dag_id] = wording.waits(dag_id, line)
            case "not mine":
                pass

    def _ask(self, dag_id: str, line: Line) -> None:
        self.changed[dag_id] = line
        self.requests[dag_id] = line.mark == "pausing"

    def _put(self, dag_id: str, line: Line | None) -> None:
        if line is not None and line != self._before.lines.get(dag_id):
            self.changed[dag_id] = line

    def _is_stated(self, line: Line | None) -> bool:
        return line is not None and settle_rules.is_writers(line, self.intent)

    @cached_property
    def _listed(self) -> frozenset[str]:
        return self._before.listed()
