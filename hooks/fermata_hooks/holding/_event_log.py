"""Airflow's event log as a settler reads it: again and again, each row once."""

from collections.abc import Collection, Mapping

from fermata_hooks.holding._airflow import Airflow
from fermata_hooks.ledger import BEFORE_THE_LOOK, RUNNING, Line, PauseRow, Wish, wish_of


class EventLog:
    """The rows about the DAGs of some lines; ``read`` adds what has come since."""

    def __init__(self, airflow: Airflow, *, ledger_id: str) -> None:
        self._airflow = airflow
        self._ledger_id = ledger_id
        self._since = float("inf")
        self._known: set[int] = set()
        self._rows: dict[str, dict[int, PauseRow]] = {}

    def read(self, lines: Mapping[str, Line]) -> None:
        """Read on. A state must have been read before: rows come no later than effects."""
        if self._airflow.log_mode == "unreadable" or not lines:
            return
        since = min(line.since for line in lines.values()) - BEFORE_THE_LOOK
        if since < self._since or not self._rows.keys() >= lines.keys():
            self._forget(since, lines)
        rows = self._airflow.pause_rows(since=self._since, dag_ids=lines, known=self._known)
        for row in rows:
            self._known.add(row.id)
            if row.dag_id in self._rows:
                self._rows[row.dag_id][row.id] = row

    def wish(self, dag_id: str, line: Line) -> Wish:
        """Return what the DAG would be without us, by the rows read so far."""
        if self._airflow.log_mode == "unreadable":
            return RUNNING
        return wish_of(
            line,
            self._rows.get(dag_id, {}).values(),
            mode=self._airflow.log_mode,
            ledger_id=self._ledger_id,
        )

    def _forget(self, since: float, dag_ids: Collection[str]) -> None:
        """Start over, for other DAGs or from an earlier time."""
        self._since = since
        self._known.clear()
        self._rows = {dag_id: {} for dag_id in dag_ids}
