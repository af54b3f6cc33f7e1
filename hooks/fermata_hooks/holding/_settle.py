"""Settle: bring each DAG that no hold lists to what it would be without us, and drop its line."""

from dataclasses import dataclass

from fermata_hooks.documents import ConflictError
from fermata_hooks.holding import _wording as wording
from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._batch import Batch, Chunk, Sent
from fermata_hooks.holding._event_log import EventLog
from fermata_hooks.holding._requests import Outcome, Sending
from fermata_hooks.ledger import BATCH, CLOCKS_DIFFER, Line, Record, Snapshot
from fermata_spec.errors import UnavailableError
from fermata_spec.report import DagOutcome

BACKOFF = (1.0, 2.0, 4.0, 8.0, 10.0)  # seconds between attempts when there was no answer
POLL = 10.0  # seconds between looks at DAGs that wait for a late request
CLOSE_AT = 2 * BATCH  # a page of the event log is read for so many answers
REACH_GROWS = 4  # after a disturbance look at few DAGs at once, then at more again

NOTHING = Outcome().answers

_ASSUMED = {
    "values": "",
    "order": "this Airflow's event log does not tell what was asked for: a pause made by a person "
    "during the hold is kept only if nothing of ours came after it",
    "unreadable": "the event log is not readable: a pause made by a person during the hold was "
    "ended, if there was one",
}


@dataclass(frozen=True, kw_only=True)
class Patience:
    """For how long to settle.

    ``deadline``: seconds in all. ``for_late_requests``: also wait for DAGs whose earlier request
    may still land (True where there is no ``watch``); else these are left in the ledger.
    ``lease``: seconds after which a DAG that Airflow does not know any more is forgotten.
    """

    deadline: float = 600.0
    for_late_requests: bool = False
    lease: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of each DAG, and what is left.

    ``outcomes``: ``running again``, ``left paused``, ``left running``, ``set back``, ``held``
    (another hold lists it), ``waits``, ``gone``, ``refused``. ``waiting`` are the DAGs that stay
    in the ledger until, at the latest, ``waits_until`` (seconds since the epoch). ``refused``:
    Airflow refused to change them. ``log_mode`` says how far persons' changes could be told
    (empty: nothing had to be settled), ``assumed`` what follows from it, for the report.
    ``other_ledgers``: the ids of ledgers that write to these DAGs besides; there should be none,
    and their pauses are taken for a person's.
    """

    outcomes: tuple[DagOutcome, ...] = ()
    waiting: tuple[str, ...] = ()
    waits_until: float | None = None
    gone: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    log_mode: str = ""
    assumed: str = ""
    other_ledgers: tuple[str, ...] = ()


def settle(environment: Environment, patience: Patience) -> Settled:
    """Settle every line of a DAG that no hold lists; return what became of each.

    Raises:
        UnavailableError: Airflow or the store did not answer until the deadline.
        TerminatedError: SIGTERM; what was answered is written down.

    """
    return Settler(environment, patience).run()


class Settler:
    """One run of settling; it may be one of several at work on the same ledger."""

    def __init__(self, environment: Environment, patience: Patience) -> None:
        self._env = environment
        self._patience = patience
        self._started = environment.clock.monotonic()
        self._outcomes: dict[str, DagOutcome] = {}
        self._log: EventLog | None = None
        self._sending = Sending(environment)
        self._sent: dict[str, Sent] = {}
        self._got = Outcome()  # answered, and not closed yet
        self._reach: int | None = None  # how many DAGs to look at at once; None: all
        self._lost = False
        self._left: dict[str, Line] = {}

    def run(self) -> Settled:
        """Settle; see ``settle``."""
        with self._sending:
            return self._settle_all()

    def _settle_all(self) -> Settled:
        naps = 0
        failure: UnavailableError | None = None
        while True:
            try:
                self._sweep()
            except UnavailableError as exc:
                if self._over():
                    raise
                self._lost, failure = True, exc
            else:
                if self._over():
                    self._refuse_to_guess(failure)
                if self._over() or self._at_rest():
                    return self._result()
            self._env.clock.sleep(BACKOFF[min(naps, len(BACKOFF) - 1)] if self._lost else POLL)
            naps += 1

    def _refuse_to_guess(self, failure: UnavailableError | None) -> None:
        """Raise if time ran out before every line was looked at: nothing is known of those."""
        unseen = sorted(self._left.keys() - self._outcomes.keys() - set(self._waiting()))
        if unseen:
            told = f": {failure}" if failure else ""
            raise UnavailableError(
                f"{len(unseen)} DAG(s) not settled within {self._patience.deadline:g}s: "
                f"{', '.join(unseen[:5])}{told}"
            )

    def _sweep(self) -> None:
        """Look at every line that no hold lists, once, and act on it."""
        self._lost = False
        with self._env.termination.shield():
            self._close()
        looked_at: set[str] = set()
        while True:
            snapshot = self._env.ledger.snapshot()
            self._left = snapshot.record.unlisted()
            chunk = sorted(self._left.keys() - looked_at)[: self._reach]
            if not chunk or self._over():
                return
            if self._settle(snapshot, chunk):
                looked_at.update(chunk)
                self._reach = self._reach and self._reach * REACH_GROWS
            else:
                self._reach = BATCH

    def _settle(self, snapshot: Snapshot, dag_ids: list[str]) -> bool:
        """Settle these DAGs; return False if others changed the ledger meanwhile.

        Then all that was read must be read again: a look says nothing about a DAG that another
        actor may have paused and confirmed since.
        """
        chunk = self._look(snapshot.record, dag_ids)
        with self._env.termination.shield():
            try:
                undisturbed = self._carry_out(snapshot, dag_ids, chunk)
            except ConflictError:
                undisturbed = False
            self._close()
        return undisturbed

    def _look(self, record: Record, dag_ids: list[str]) -> Chunk:
        """Read the states, then the event log: rows come no later than effects."""
        asked = self._env.clock.now()
        look = self._env.look(dag_ids)
        read_at = asked + self._env.time.skew
        self._event_log(record).read({d: record.lines[d] for d in dag_ids})
        return Chunk({d: look.paused.get(d) for d in dag_ids}, read_at)

    def _carry_out(self, snapshot: Snapshot, dag_ids: list[str], chunk: Chunk) -> bool:
        """Act on a look, batch after batch, as long as nobody else changes the ledger.

        One compare-and-swap closes what was answered and states the intent of the next batch.
        """
        todo = dag_ids
        while True:
            room = 0 if self._env.termination.requested or self._over() else BATCH
            closes = len(self._got.answered) >= CLOSE_AT or not todo or not room
            if closes:
                self._read_log_after_answers(snapshot.record)
            batch = self._batch(snapshot.record, closes=closes)
            todo = batch.settle(todo, chunk, now=self._env.now(), room=room)
            written = batch.record
            if batch.changed:
                snapshot = self._env.ledger.replace(
                    written, expected=snapshot.version, landed=batch.landed
                )
            self._follow(batch, snapshot.record, closes=closes)
            if snapshot.record != written:
                return False
            if not batch.changed and not self._sending.under_way:
                return True
            self._collect(of_all=not todo or not batch.requests)

    def _close(self) -> None:
        """Close what was sent, however others change the ledger: these lines are ours."""
        self._collect(of_all=True)
        while self._got.answers != NOTHING:
            self._read_log_after_answers(self._env.ledger.read())
            first: list[Batch] = []

            def decide(record: Record, first: list[Batch] = first) -> Batch:
                batch = self._batch(record, closes=True, like=first[0] if first else None)
                first.append(batch)
                return batch

            batch = self._env.ledger.change(decide)
            self._follow(batch, batch.record, closes=True)
            self._collect(of_all=True)

    def _batch(self, record: Record, *, closes: bool, like: Batch | None = None) -> Batch:
        """Return a batch, which may close what was answered; with the intent of ``like``."""
        intent = like.intent if like else self._env.intend()
        batch = Batch(record, self._event_log(record), intent, lease=self._patience.lease)
        if closes:
            batch.close(self._sent, self._got, now=self._env.now())
        return batch

    def _follow(self, batch: Batch, record: Record, *, closes: bool) -> None:
        """Do what follows once a batch is written: note it, and send its requests."""
        self._outcomes |= batch.outcomes
        if closes:
            self._got = Outcome()
        self._sent |= {d: Sent(batch.intent, paused) for d, paused in batch.requests.items()}
        self._sending.send(batch.requests, intent=batch.intent, ledger_id=record.id)

    def _collect(self, *, of_all: bool) -> None:
        """Take back what was answered, or will never be."""
        outcome = self._sending.outcome(of_all=of_all)
        self._lost = self._lost or bool(outcome.lost or outcome.unsent)
        self._got.add(outcome)

    def _read_log_after_answers(self, record: Record) -> None:
        lines = {d: record.lines[d] for d in self._got.answered if d in record.lines}
        self._event_log(record).read(lines)

    def _event_log(self, record: Record) -> EventLog:
        if self._log is None:
            self._log = EventLog(self._env.airflow, ledger_id=record.id)
        return self._log

    def _over(self) -> bool:
        return self._env.clock.monotonic() - self._started > self._patience.deadline

    def _at_rest(self) -> bool:
        return not self._lost and not (self._patience.for_late_requests and self._waiting())

    def _waiting(self) -> list[str]:
        """Return the DAGs on which a request may still land; those that are gone do not count."""
        return sorted(
            dag_id
            for dag_id, line in self._left.items()
            if line.may_land_until is not None and line.gone_since is None
        )

    def _result(self) -> Settled:
        waiting = self._waiting()
        ends = [self._left[d].may_land_until or 0.0 for d in waiting]
        for dag_id in waiting:
            self._outcomes.setdefault(dag_id, wording.waits(dag_id, self._left[dag_id]))
        mode = self._env.airflow.log_mode if self._outcomes else ""
        return Settled(
            outcomes=tuple(self._outcomes[d] for d in sorted(self._outcomes)),
            waiting=tuple(waiting),
            waits_until=max(ends) + CLOCKS_DIFFER if ends else None,
            gone=self._with("gone"),
            refused=self._with("refused"),
            log_mode=mode,
            assumed=_ASSUMED[mode] if mode else "",
            other_ledgers=tuple(sorted(self._log.other_ledgers)) if self._log else (),
        )

    def _with(self, done: str) -> tuple[str, ...]:
        return tuple(sorted(d for d, each in self._outcomes.items() if each.done == done))
