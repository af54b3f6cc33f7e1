"""Rows of Airflow's event log about pausing, as the ledger's rules read them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseRow:
    """Somebody asked for one DAG to be paused (``value`` True), to run (False), or we cannot tell.

    ``id`` grows with time. ``tag`` is what we add to our own requests (Airflow 3);
    ``own_account`` says that only we use the row's account (Airflow 2, which takes no tag).
    """

    id: int
    when: float
    dag_id: str
    owner: str
    value: bool | None
    tag: str = ""
    own_account: bool = False

    def ours(self, ledger_id: str) -> bool:
        """Whether an actor of this very ledger sent the request."""
        return self.own_account or self.tag.partition(".")[0] == ledger_id
