"""Airflow's event log as a settler reads it: again and again, each row once."""

from collections.abc import Mapping

from fermata_hooks.holding._airflow import Airflow
from fermata_hooks.ledger import BEFORE_THE_LOOK, RUNNING, Line, PauseRow, Wish, wish_of


class EventLog:
    """The rows since the oldest line; ``read`` adds what has come meanwhile."""

    def __init__(self, airflow: Airflow, *, ledger_id: str) -> None:
        self._airflow = airflow
        self._ledger_id = ledger_id
        self._since = float("inf")
        self._known: set[int] = set()
        self._rows: dict[str, list[PauseRow]] = {}
        self.other_ledgers: set[str] = set()  # whose tags were seen: two ledgers write to one DAG

    def read(self, lines: Mapping[str, Line]) -> None:
        """Read on. A state must have been read before: rows come no later than effects."""
        if self._airflow.log_mode == "unreadable" or not lines:
            return
        since = min(line.since for line in lines.values()) - BEFORE_THE_LOOK
        if since < self._since:
            self._since = since
            self._known.clear()
            self._rows.clear()
        found = self._airflow.pause_rows(since=self._since, known=self._known)
        self._known.update(found.ids)
        for row in found.rows:
            self._rows.setdefault(row.dag_id, []).append(row)
            if row.tag and row.dag_id in lines and not row.ours(self._ledger_id):
                self.other_ledgers.add(row.tag.partition(".")[0])

    def wish(self, dag_id: str, line: Line) -> Wish:
        """Return what the DAG would be without us, by the rows read so far."""
        if self._airflow.log_mode == "unreadable":
            return RUNNING
        return wish_of(
            line,
            self._rows.get(dag_id, ()),
            mode=self._airflow.log_mode,
            ledger_id=self._ledger_id,
        )
