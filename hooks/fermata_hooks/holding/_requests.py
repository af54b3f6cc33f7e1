"""Send requests: few at once, each within its intent, and none after SIGTERM."""

import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from fermata_hooks.holding._actors import Environment
from fermata_hooks.ledger.hold_rules import Answers, Intent
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

ANSWERS_AFTER_SIGTERM = 8.0  # seconds for what is under way; a pod has 30 s in all
NOTICE = 0.2  # seconds within which a SIGTERM is noticed while answers are awaited
# Airflow's own refusals; any other 4xx may come from something in between, after the request.
REFUSALS = frozenset({400, 401, 403, 404, 405, 422})


@dataclass(kw_only=True)
class Outcome:
    """What became of requests.

    ``lost``: no answer, it may still land. ``unsent``: it never left, as its window was over, it
    was stopped, or SIGTERM came.
    """

    answered: set[str] = field(default_factory=set)
    refused: dict[str, RejectedError] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    lost: dict[str, FermataError] = field(default_factory=dict)
    unsent: set[str] = field(default_factory=set)

    @property
    def answers(self) -> Answers:
        """The part that the ledger's rules ask for."""
        return Answers(answered=self.answered, refused=tuple(self.refused), absent=self.absent)

    def add(self, other: "Outcome") -> None:
        """Add what became of other requests."""
        self.answered |= other.answered
        self.refused |= other.refused
        self.absent |= other.absent
        self.lost |= other.lost
        self.unsent |= other.unsent

    def note(self, dag_id: str, failure: FermataError | None) -> None:
        """Note what became of one request."""
        match failure:
            case None:
                self.answered.add(dag_id)
            case UnsentError():
                self.unsent.add(dag_id)
            case RejectedError(status=404):
                self.absent.add(dag_id)
            case RejectedError() if failure.status in REFUSALS:
                self.refused[dag_id] = failure
            case _:
                self.lost[dag_id] = failure

    def believe(self, requests: Mapping[str, bool], seen: Mapping[str, bool]) -> None:
        """Count as answered only what was ``seen`` to be as it was asked for."""
        for dag_id in [d for d in self.answered if seen.get(d) != requests[d]]:
            self.answered.remove(dag_id)
            self.lost[dag_id] = UnavailableError(f"{dag_id}: answered, but not seen to be done")


class UnsentError(UnavailableError):
    """The request never left."""


@dataclass(frozen=True)
class _Task:
    """A request to be sent, unless its window is over by then."""

    dag_id: str
    paused: bool
    intent: Intent
    tag: str


_Done = tuple[_Task, FermataError | None]


class Sending:
    """Requests under way: handed over to be sent, and taken back when they are answered.

    While the last requests of a batch are under way the next batch may be handed over, so that
    the threads do not run dry. The threads end with the block, and do not keep the process.
    """

    def __init__(self, environment: Environment) -> None:
        self.under_way: dict[str, bool] = {}
        self._env = environment
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._give_up_at: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        for _ in self._threads:
            self._tasks.put(None)

    def send(self, requests: Mapping[str, bool], *, intent: Intent, ledger_id: str) -> None:
        """Set each DAG to its paused state; the intent must be in the ledger.

        Raises nothing: what goes wrong is in the outcome.
        """
        if not requests:
            return
        self.under_way |= requests
        tag = f"{ledger_id}.{intent.writer}"
        for dag_id in sorted(requests):
            task = _Task(dag_id, requests[dag_id], intent, tag)
            if self._env.at_once == 1:
                self._done.put((task, self._ask(task)))
            else:
                self._tasks.put(task)
        while self._env.at_once > 1 and len(self._threads) < self._env.at_once:
            self._threads.append(threading.Thread(target=self._work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Let nothing more leave; what has left is awaited by ``outcome``."""
        self._stopped = True

    def outcome(self, *, of_all: bool = False) -> Outcome:
        """Wait until nothing is left to be sent (``of_all``: until nothing is under way).

        Returns what became of requests since the last call. After SIGTERM it waits for a few
        seconds only; what is under way then is forgotten here: the ledger has it.
        """
        requests = dict(self.under_way)
        outcome = Outcome()
        while self.under_way and (of_all or not self._tasks.empty() or not self._done.empty()):
            done = self._next()
            if done is None:
                self.under_way.clear()
                break
            task, failure = done
            self.under_way.pop(task.dag_id, None)
            outcome.note(task.dag_id, failure)
        if outcome.answered and self._env.airflow.answers_before_commit:
            self._look_whether_done(outcome, requests)
        return outcome

    def _look_whether_done(self, outcome: Outcome, requests: Mapping[str, bool]) -> None:
        """Believe a 200 only if it shows: on this Airflow it comes before the commit."""
        seen: Mapping[str, bool] = {}
        with suppress(UnavailableError, RejectedError):
            seen = self._env.airflow.look(outcome.answered).paused
        outcome.believe(requests, seen)

    def _ask(self, task: _Task) -> FermataError | None:
        is_late = self._env.now() > task.intent.ends
        if is_late or self._stopped or self._env.termination.requested:
            return UnsentError(f"{task.dag_id}: not sent")
        try:
            self._env.airflow.set_paused(task.dag_id, paused=task.paused, tag=task.tag)
        except FermataError as exc:
            return exc
        return None

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._done.put((task, self._ask(task)))

    def _next(self) -> _Done | None:
        """Return the next answer; None if it does not come in time after SIGTERM."""
        while True:
            alive = all(thread.is_alive() for thread in self._threads)
            with suppress(queue.Empty):
                return self._done.get(timeout=NOTICE if alive else 0)
            if not alive:
                raise RuntimeError("a thread that sends requests died: its traceback is above")
            if self._out_of_time():
                return None

    def _out_of_time(self) -> bool:
        now = self._env.clock.monotonic()
        if self._give_up_at is None and self._env.termination.requested:
            self._give_up_at = now + ANSWERS_AFTER_SIGTERM
        return self._give_up_at is not None and now > self._give_up_at
