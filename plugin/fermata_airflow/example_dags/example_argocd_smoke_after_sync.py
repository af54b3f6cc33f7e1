"""After a sync, by whomever, look whether the data is still right."""

from datetime import UTC, datetime, timedelta

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task

from fermata_airflow.sensors.argocd import ArgoCDOperationSensor

# A retry goes on with what the first try began.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=10)}


@dag(
    schedule=None,
    default_args=RETRIES,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["argocd", "example"],
)
def example_argocd_smoke_after_sync() -> None:
    """Wait for the operation that runs, then check."""
    synced = ArgoCDOperationSensor(
        task_id="synced", application="shop", timeout=1800, deferrable=True
    )

    @task.argocd_gate(applications="shop", on_unhealthy="skip")
    def smoke() -> int:
        """Run a query of which the answer is known."""
        return 1 + 1

    synced >> smoke()


example_argocd_smoke_after_sync()
