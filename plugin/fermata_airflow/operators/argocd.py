"""The operators, under the name that Airflow's users look for."""

from fermata_airflow.operators.refresh import ArgoCDRefreshOperator
from fermata_airflow.operators.rollback import AUTO_SYNC_KEY, ArgoCDRollbackOperator
from fermata_airflow.operators.sync import ArgoCDSyncOperator

__all__ = [
    "AUTO_SYNC_KEY",
    "ArgoCDRefreshOperator",
    "ArgoCDRollbackOperator",
    "ArgoCDSyncOperator",
]
