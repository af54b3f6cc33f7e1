"""One look at the ledger: end what nobody will end, settle what is owed."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from fermata_hooks.holding import (
    EndedHold,
    EndedOperation,
    Environment,
    Patience,
    Settled,
    end_due_holds,
    settle,
    status_of,
)
from fermata_hooks.ledger import Record
from fermata_hooks.watching._applications import Applications
from fermata_hooks.watching._memory import LastLedger
from fermata_hooks.watching._outages import Outages
from fermata_hooks.watching.endings import ending

LEDGER = "ledger"
SETTLING = "settling"
_UNREMARKABLE = "running again"
_MOST_LINES = 20  # DAGs told of one by one in the log

log = logging.getLogger("fermata.watch")


@dataclass(frozen=True, kw_only=True)
class HoldsPass:
    """What one look found (``record``: before anything was done) and did."""

    record: Record
    ended: tuple[EndedHold, ...] = ()
    settled: Settled = field(default_factory=Settled)


class Holds:
    """The ledger's holds and lines, looked after."""

    def __init__(
        self,
        environment: Environment,
        applications: Applications,
        outages: Outages,
        *,
        patience: Patience,
    ) -> None:
        self._env = environment
        self._applications = applications
        self._outages = outages
        self._patience = patience
        self._told: dict[str, tuple[str, str]] = {}
        self.last_ledger = LastLedger(environment)

    def look_after(self) -> HoldsPass:
        """Do one pass; with nothing held and nothing owed that is one read of the ledger.

        Raises:
            UnavailableError: the ledger, or Airflow while something had to be settled.
            SettingsError: a ledger that cannot be read.
            TerminatedError: SIGTERM; what was answered is written down.

        """
        with self._outages.of(LEDGER):
            record = self.last_ledger.read()
        self._applications.forget_operations_but_of(set(record.holds))
        over = self._over(record)
        ended: tuple[EndedHold, ...] = ()
        if over or any(self._env.clock.now() > hold.expires for hold in record.holds.values()):
            with self._outages.of(LEDGER):
                ended = end_due_holds(self._env, over)
        for hold in ended:
            told = (hold.application, hold.revision[:12], len(hold.dag_ids), hold.reason)
            log.warning("%s@%s: hold of %d DAG(s) ended: %s", *told)
        settled = Settled()
        if ended or record.unlisted():
            with self._outages.of(SETTLING):
                settled = settle(self._env, self._patience)
        self._tell(settled)
        return HoldsPass(record=record, ended=ended, settled=settled)

    def foresee(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return which holds a pass would end, and why, and which DAGs it would settle.

        Nothing is changed, and Airflow is not asked.
        """
        record = self._env.ledger.read()
        now = self._env.clock.now()
        reasons: dict[str, str] = {}
        for hold in status_of(record)[0]:
            seen = self._applications.look(hold.application, remember=False)
            ended = ending(hold, seen, now=now) if seen is not None else None
            if ended is not None:
                reasons[hold.application] = ended.reason
            elif now > hold.expires:
                reasons[hold.application] = "its lease is over"
        for application in reasons:
            record = record.with_hold(application, None)
        return reasons, tuple(sorted(record.unlisted()))

    def _over(self, record: Record) -> list[EndedOperation]:
        """Ask Argo CD about each hold; wake the operations that it has lost sight of."""
        if not record.holds or not self._applications.known:
            return []
        over = []
        for hold in status_of(record)[0]:
            seen = self._applications.look(hold.application)
            if seen is None:
                continue
            if seen.application is not None:
                self._applications.wake(seen.application)
            ended = ending(hold, seen, now=self._env.clock.now())
            if ended is not None:
                over.append(ended)
        return over

    def _tell(self, settled: Settled) -> None:
        """Log what became of DAGs; what waits, is gone or refused is told once, not each pass."""
        done = Counter(outcome.done for outcome in settled.outcomes)
        news = [o for o in settled.outcomes if self._told.get(o.dag_id) != (o.done, o.why)]
        if news:
            log.info("settled: %s", ", ".join(f"{n} {what}" for what, n in sorted(done.items())))
        remarkable = [outcome for outcome in news if outcome.done != _UNREMARKABLE or outcome.why]
        for outcome in remarkable[:_MOST_LINES]:
            log.info(
                "%s: %s%s", outcome.dag_id, outcome.done, f": {outcome.why}" * bool(outcome.why)
            )
        if len(remarkable) > _MOST_LINES:
            log.info("… and %d more", len(remarkable) - _MOST_LINES)
        if news and settled.assumed:
            log.warning("%s", settled.assumed)
        left = {*settled.waiting, *settled.gone, *settled.refused}
        self._told = {o.dag_id: (o.done, o.why) for o in settled.outcomes if o.dag_id in left}
