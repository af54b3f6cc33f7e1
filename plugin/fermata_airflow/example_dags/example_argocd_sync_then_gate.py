"""Sync an application, and let a task run only while it is well."""

from datetime import UTC, datetime, timedelta
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task

from fermata_airflow.operators.argocd import ArgoCDSyncOperator
from fermata_airflow.sensors.argocd import ArgoCDHealthSensor

# A retry goes on with what the first try began.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=10)}


@dag(
    schedule=None,
    default_args=RETRIES,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["argocd", "example"],
)
def example_argocd_sync_then_gate() -> None:
    """Sync, wait for health at that revision, run."""
    sync = ArgoCDSyncOperator(task_id="sync", application="shop", deferrable=True)
    healthy = ArgoCDHealthSensor(
        task_id="healthy",
        applications=["shop"],
        revision="{{ ti.xcom_pull(task_ids='sync')['revision'] }}",
        timeout=600,
        deferrable=True,
    )

    @task.argocd_gate(applications="shop", on_unhealthy="wait", timeout=600)
    def load(result: dict[str, Any]) -> str:
        """Use what was deployed."""
        return f"loaded with {result['revision']}"

    sync >> healthy >> load(sync.output)


example_argocd_sync_then_gate()
