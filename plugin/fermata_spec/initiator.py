"""The run of a DAG that starts a sync, as it says so in the operation's ``info``.

Both halves need it: the operator writes it, and ``hold`` reads it so as not to wait for the very
run that waits for the sync. Anybody who may sync can write it: it only ever leaves out a blocker.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

DAG_ID, RUN_ID, TASK_ID, MARKER = (
    "airflow.dag_id",
    "airflow.run_id",
    "airflow.task_id",
    "airflow.marker",
)
_LONGEST = 512  # characters; Airflow's ids are 250 at most


class Initiator(NamedTuple):
    """A task of a run; ``marker`` tells its operation from those of other attempts to sync."""

    dag_id: str
    run_id: str
    task_id: str
    marker: str = ""

    def infos(self) -> dict[str, str]:
        """Return what the operation carries."""
        return {
            DAG_ID: self.dag_id,
            RUN_ID: self.run_id,
            TASK_ID: self.task_id,
            MARKER: self.marker,
        }

    @classmethod
    def of(cls, infos: Mapping[str, str]) -> Self | None:
        """Return who started the operation with these ``infos``; None if no run says so."""
        dag_id, run_id = infos.get(DAG_ID, ""), infos.get(RUN_ID, "")
        if not dag_id or not run_id or max(len(dag_id), len(run_id)) > _LONGEST:
            return None
        return cls(dag_id, run_id, infos.get(TASK_ID, ""), infos.get(MARKER, ""))
