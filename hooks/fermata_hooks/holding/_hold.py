"""PreSync: open or join the application's hold, and pause what of it runs."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from fermata_hooks.holding import _problems as problems
from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._requests import Outcome, Sending
from fermata_hooks.ledger import BATCH, Hold, Ledger, Record, hold_rules
from fermata_hooks.ledger.hold_rules import Decision, Seen, Step
from fermata_spec.errors import FermataError
from fermata_spec.report import DagOutcome

BACKOFF = (1.0, 2.0, 4.0, 8.0, 10.0)  # seconds between attempts at DAGs that gave no answer
YIELDS = 3  # naps in which what another step is pausing right now is left to it

log = logging.getLogger("fermata.hold")


@dataclass(frozen=True, kw_only=True)
class HoldOrder:
    """What an application wants held.

    ``operation`` is the ``startedAt`` of its sync (empty where unknown). ``lease``: seconds after
    which anybody may end the hold. ``deadline``: seconds that the pausing may take, which must be
    longer than the time that a request may be late.
    """

    application: str
    revision: str
    operation: str
    wanted: Collection[str]
    lease: float
    deadline: float


@dataclass(frozen=True, kw_only=True)
class HeldDags:
    """A complete hold: each of its DAGs is paused, or was set running by a person afterwards.

    ``opened`` is False if there was nothing to hold and no hold to join: then the ledger was not
    written to. ``dag_ids`` is its whole list, also what earlier attempts put on it. ``outcomes``
    has one entry for each wanted DAG. ``joined`` names the revision whose hold it joined.
    ``clock_skew``: how many seconds Airflow's clock was ahead of ours; 0 where they agree.
    """

    application: str
    revision: str
    token: str
    opened: bool
    dag_ids: frozenset[str]
    outcomes: tuple[DagOutcome, ...]
    joined: str = ""
    clock_skew: float = 0.0


def hold_dags(environment: Environment, order: HoldOrder) -> HeldDags:
    """Open or join the hold, and return once all of its DAGs are dealt with.

    With nothing wanted it joins a hold that is there (so that a revert can end a kept one) and
    opens none. Safe to run again at any point: what a DAG was is never overwritten. It never
    unpauses, not even when it fails: that is for whoever ends the hold.

    Raises:
        SettingsError: too many DAGs for the ledger (nothing was paused), or a ledger that this
            release cannot read.
        RejectedError: Airflow refused to pause a DAG (401, 403 …).
        UnavailableError: the hold was ended or taken over by somebody else, the deadline passed,
            or the store gave no answer.
        TerminatedError: SIGTERM; what was answered is written down.

    """
    return HoldStep(environment, order).run()


def require_ours(environment: Environment, held: HeldDags) -> None:
    """Return if the hold is still ours; ask at each poll while draining.

    Raises:
        UnavailableError: somebody else has ended it or taken it over: nothing may be applied.

    """
    if held.opened and not hold_rules.is_mine(
        environment.ledger.read(), held.application, held.token
    ):
        raise problems.not_ours(held.application)


def is_in_force(ledger: Ledger, application: str, revision: str) -> bool:
    """Return whether ``application`` holds for ``revision`` (asked by verify and smoke)."""
    hold = ledger.read().holds.get(application)
    return hold is not None and hold.revision == revision


class HoldStep:
    """One run of a hold step; what it has seen and what it was answered so far."""

    def __init__(self, environment: Environment, order: HoldOrder) -> None:
        self._env = environment
        self._order = order
        self._started = environment.clock.monotonic()
        self._seen: dict[str, Seen] = {}
        self._since = 0.0
        self._naps = 0
        self._resting: set[str] = set()  # DAGs without an answer, not to be asked again at once
        self._heard: dict[str, str] = {}  # what was heard in place of an answer
        self._sending = Sending(environment)
        self._answers = Outcome()  # not written down yet
        self._outcomes: dict[str, DagOutcome] = {}

    def run(self) -> HeldDags:
        """Hold; see ``hold_dags``."""
        record, before = self._open()
        if hold_rules.is_mine(record, self._order.application, self._env.token):
            with self._sending:
                record = self._deal_with_all(record)
        return self._result(record, before)

    def _deal_with_all(self, record: Record) -> Record:
        """Look, pause and wait until nothing is to do; return the ledger as it is then."""
        look_at: Collection[str] = record.holds[self._order.application].todo
        while True:
            if look_at:
                self._look(look_at)
            with self._env.termination.shield():
                decision = self._pause()
            if not decision.record.holds[self._order.application].todo:
                return decision.record
            look_at = decision.look
            if not look_at:
                self._nap(decision)

    def _open(self) -> tuple[Record, Hold | None]:
        """Open or join; return the ledger with the hold, and the hold that was there before."""
        order, now = self._order, self._env.now()
        before: list[Hold | None] = []

        def decide(record: Record) -> Decision:
            before[:] = before or [record.holds.get(order.application)]
            opened = hold_rules.opened(
                record,
                order.application,
                token=self._env.token,
                revision=order.revision,
                operation=order.operation,
                wanted=order.wanted,
                now=now,
                expires=now + order.lease,
            )
            if opened is not record:
                problems.require_room(opened, order.application)
            return Decision(record=opened, ours=True)

        record = self._env.ledger.change(decide).record
        return record, before[0]

    def _look(self, dag_ids: Collection[str]) -> None:
        """Look at DAGs: the ledger first, then Airflow."""
        lines = self._env.ledger.read().lines
        look = self._env.look(dag_ids)
        self._seen |= {d: Seen(lines.get(d), look.paused.get(d)) for d in dag_ids}
        if not self._since:
            self._since = look.at

    def _pause(self) -> Decision:
        """Pause batch after batch, until a look or a wait is needed or nothing is to do.

        One compare-and-swap writes down what was answered and states the intent of the next
        batch; it is also the look whether the hold is still ours. If it is not, or if Airflow
        refuses, what is under way is awaited and written down, and nothing more is sent.
        """
        problem: FermataError | None = None
        while True:
            intent = self._env.intend()
            decision = self._decide(intent, stop=problem is not None)
            problem = problem or self._problem(decision)
            if problem is not None:
                self._sending.stop()
            elif decision.requests:
                requests = dict.fromkeys(decision.requests, True)
                self._sending.send(requests, intent=intent, ledger_id=decision.record.id)
            if not self._sending.under_way:
                if problem is not None:
                    raise problem
                if not decision.requests:
                    return decision
            is_last = problem is not None or len(decision.requests) < BATCH
            self._answers = self._sending.outcome(of_all=is_last)
            self._note_answers(self._answers)

    def _problem(self, decision: Decision) -> FermataError | None:
        if not decision.ours:
            return problems.not_ours(self._order.application)
        if self._answers.refused:
            return problems.refused(self._order.application, self._answers.refused)
        return None

    def _decide(self, intent: hold_rules.Intent, *, stop: bool) -> Decision:
        stop = stop or self._env.termination.requested or self._over()

        def decide(record: Record) -> Decision:
            decision = hold_rules.decide(
                record,
                self._order.application,
                intent=intent,
                seen=self._seen,
                since=self._since,
                answers=self._answers.answers,
                resting=self._resting | self._sending.under_way.keys(),
                now=self._env.now(),
                room=0 if stop else BATCH,
                yields=self._naps < YIELDS,
            )
            self._note_steps(decision)
            return decision

        return self._env.ledger.change(decide)

    def _nap(self, decision: Decision) -> None:
        """Wait before asking again; raise at the deadline."""
        if self._over():
            waits = "a request of another process may still land"
            raise problems.too_late(
                self._order.application,
                decision.record.holds[self._order.application].todo,
                dict.fromkeys(decision.waiting, waits) | self._heard,
                deadline=self._order.deadline,
            )
        self._env.clock.sleep(BACKOFF[min(self._naps, len(BACKOFF) - 1)])
        self._naps += 1
        self._resting.clear()

    def _over(self) -> bool:
        return self._env.clock.monotonic() - self._started > self._order.deadline

    def _note_steps(self, decision: Decision) -> None:
        for dag_id, step in decision.steps.items():
            if outcome := _LOOKED.get(step):
                self._outcomes[dag_id] = DagOutcome(dag_id=dag_id, done=outcome[0], why=outcome[1])

    def _note_answers(self, outcome: Outcome) -> None:
        for dag_id in outcome.answered:
            self._outcomes[dag_id] = DagOutcome(dag_id=dag_id, done="held")
        for dag_id in outcome.absent:
            self._outcomes[dag_id] = DagOutcome(dag_id=dag_id, done="gone", why=_ABSENT)
        self._resting.update(outcome.lost)
        self._heard |= {dag_id: str(why) for dag_id, why in outcome.lost.items()}
        log.info("%s: %d DAG(s) paused", self._order.application, len(outcome.answered))

    def _result(self, record: Record, before: Hold | None) -> HeldDags:
        hold = record.holds.get(self._order.application)
        earlier = "dealt with by an earlier attempt"
        return HeldDags(
            application=self._order.application,
            revision=self._order.revision,
            token=self._env.token,
            opened=hold is not None,
            dag_ids=hold.dags if hold else frozenset(),
            outcomes=tuple(
                self._outcomes.get(d, DagOutcome(dag_id=d, done="held", why=earlier))
                for d in sorted(self._order.wanted)
            ),
            joined=before.revision if before else "",
            clock_skew=self._env.time.skew,
        )


_ABSENT = "Airflow knows no such DAG"
_LOOKED: dict[Step, tuple[str, str]] = {
    "leave alone": ("left paused", "it was paused before the hold"),
    "share": ("held", "another hold paused it"),
    "absent": ("gone", _ABSENT),
}
