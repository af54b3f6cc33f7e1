"""Send a batch of requests: few at once, within their intent, and none after SIGTERM."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from fermata_hooks.holding._actors import Environment
from fermata_hooks.ledger.hold_rules import Answers, Intent
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

ANSWERS_AFTER_SIGTERM = 8.0  # seconds for what is under way; a pod has 30 s in all
NOTICE = 0.2  # seconds within which a SIGTERM is noticed while answers are awaited
# Airflow's own refusals; any other 4xx may come from something in between, after the request.
REFUSALS = frozenset({400, 401, 403, 404, 405, 422})


@dataclass(kw_only=True)
class Outcome:
    """What became of each request of a batch.

    ``lost``: no answer, it may still land. ``unsent``: it never left, as its window was over or
    SIGTERM came. What stands nowhere is under way still (SIGTERM did not wait for it).
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


def send(
    environment: Environment, requests: Mapping[str, bool], *, intent: Intent, ledger_id: str
) -> Outcome:
    """Set each DAG of ``requests`` to its paused state; return what became of each request.

    The intent must be in the ledger. Raises nothing: what goes wrong is in the outcome.
    """
    outcome = Outcome()
    tag = f"{ledger_id}.{intent.writer}"

    def ask(dag_id: str) -> FermataError | None:
        if environment.termination.requested or environment.clock.now() > intent.ends:
            return _UnsentError(f"{dag_id}: not sent")
        try:
            environment.airflow.set_paused(dag_id, paused=requests[dag_id], tag=tag)
        except FermataError as exc:
            return exc
        return None

    spread = _inline if environment.at_once == 1 else _in_threads
    for dag_id, failure in spread(environment, sorted(requests), ask):
        _sort(outcome, dag_id, failure)
    if outcome.answered and environment.airflow.answers_before_commit:
        _believe_what_is_seen(environment, requests, outcome)
    return outcome


class _UnsentError(UnavailableError):
    """The request never left."""


def _sort(outcome: Outcome, dag_id: str, failure: FermataError | None) -> None:
    match failure:
        case None:
            outcome.answered.add(dag_id)
        case _UnsentError():
            outcome.unsent.add(dag_id)
        case RejectedError(status=404):
            outcome.absent.add(dag_id)
        case RejectedError() if failure.status in REFUSALS:
            outcome.refused[dag_id] = failure
        case _:
            outcome.lost[dag_id] = failure


def _believe_what_is_seen(
    environment: Environment, requests: Mapping[str, bool], outcome: Outcome
) -> None:
    """Count as answered only what a look shows: on this Airflow a 200 comes before the commit."""
    try:
        seen = environment.airflow.look(outcome.answered).paused
    except (UnavailableError, RejectedError) as exc:
        outcome.lost |= dict.fromkeys(outcome.answered, exc)
        outcome.answered.clear()
        return
    unseen = {d for d in outcome.answered if seen.get(d) != requests[d]}
    outcome.answered -= unseen
    for dag_id in unseen:
        outcome.lost[dag_id] = UnavailableError(f"{dag_id}: answered, but not seen to be done")


_Ask = Callable[[str], FermataError | None]
_Answered = Iterator[tuple[str, FermataError | None]]


def _inline(environment: Environment, dag_ids: list[str], ask: _Ask) -> _Answered:
    del environment
    for dag_id in dag_ids:
        yield dag_id, ask(dag_id)


def _in_threads(environment: Environment, dag_ids: list[str], ask: _Ask) -> _Answered:
    """Ask ``at_once`` at a time.

    The threads are daemons, so that a request that hangs does not keep the process.
    """
    waiting = deque(dag_ids)
    answers: _Queue = queue.SimpleQueue()

    def work() -> None:
        with suppress(IndexError):
            while True:
                dag_id = waiting.popleft()
                answers.put((dag_id, ask(dag_id)))

    threads = [
        threading.Thread(target=work, daemon=True)
        for _ in range(min(environment.at_once, len(dag_ids)))
    ]
    for thread in threads:
        thread.start()
    arrivals = _Arrivals(environment, answers, threads)
    for _ in dag_ids:
        arrived = arrivals.next()
        if arrived is None:
            return
        yield arrived


class _Arrivals:
    """Answers as they come in; after SIGTERM awaited for a few seconds more, all together."""

    def __init__(
        self, environment: Environment, answers: "_Queue", threads: Collection[threading.Thread]
    ) -> None:
        self._env = environment
        self._answers = answers
        self._threads = threads
        self._give_up_at: float | None = None

    def next(self) -> tuple[str, FermataError | None] | None:
        """Return the next answer; None if it does not come in time after SIGTERM."""
        while True:
            alive = any(thread.is_alive() for thread in self._threads)
            with suppress(queue.Empty):
                return self._answers.get(timeout=NOTICE if alive else 0)
            if not alive:
                raise RuntimeError("a thread that sends requests died: its traceback is above")
            if self._out_of_time():
                return None

    def _out_of_time(self) -> bool:
        now = self._env.clock.monotonic()
        if self._give_up_at is None and self._env.termination.requested:
            self._give_up_at = now + ANSWERS_AFTER_SIGTERM
        return self._give_up_at is not None and now > self._give_up_at


_Queue = queue.SimpleQueue[tuple[str, FermataError | None]]
