"""What the ledger held at the last look, should somebody delete it: then nobody owes anything.

A ledger that is gone is put back only where Airflow's event log tells what persons have done
since, so that putting it back cannot undo it; else the DAGs are named, for a person to look at. A
damaged ledger is never written to.
"""

import logging

from fermata_hooks.documents import ABSENT, ConflictError
from fermata_hooks.holding import Environment
from fermata_hooks.ledger import Record, Snapshot

log = logging.getLogger("fermata.watch")


class LastLedger:
    """The ledger, read with a memory; ``lost`` are the DAGs of a ledger that is gone for good."""

    def __init__(self, environment: Environment) -> None:
        self._env = environment
        self._last: Record | None = None
        self.lost: tuple[str, ...] = ()

    def read(self) -> Record:
        """Return the ledger, put back if it was deleted and that is safe; raises as ``read``."""
        now = self._env.ledger.snapshot()
        if self._last is not None and self._last.lines and now.record.id != self._last.id:
            now = self._put_back(now, self._last)
        self._last = now.record
        return now.record

    def _put_back(self, now: Snapshot, last: Record) -> Snapshot:
        dag_ids = tuple(sorted(last.lines))
        named = f"{len(dag_ids)} DAG(s): {', '.join(dag_ids[:20])}"
        if now.version == ABSENT and self._env.airflow.log_mode == "values":
            try:
                back = self._env.ledger.replace(
                    last, expected=ABSENT, landed=lambda record: record.id == last.id
                )
            except ConflictError:
                return self._env.ledger.snapshot()
            log.warning("ledger: it was deleted, and is put back; it owes %s", named)
            return back
        what = "was deleted" if now.version == ABSENT else f"was replaced by {now.record.id}"
        log.error("ledger: it %s; look after what was held by it, %s", what, named)
        self.lost = dag_ids
        return now
