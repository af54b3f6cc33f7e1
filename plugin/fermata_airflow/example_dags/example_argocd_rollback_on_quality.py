"""Sync, check the quality of the data, and go back to the last good revision if it is bad."""

from datetime import UTC, datetime, timedelta

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task

from fermata_airflow.operators.argocd import ArgoCDRollbackOperator, ArgoCDSyncOperator

# A retry goes on with what the first try began.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=10)}


@dag(
    schedule=None,
    default_args=RETRIES,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["argocd", "example"],
    params={"quality": 0.5},
)
def example_argocd_rollback_on_quality() -> None:
    """Roll back on a failed quality check."""
    sync = ArgoCDSyncOperator(task_id="sync", application="shop", deferrable=True)

    @task.short_circuit
    def quality_is_bad(params: dict[str, float] | None = None) -> bool:
        """Compare what was found with what is wanted."""
        return (params or {}).get("quality", 0.0) < 0.9  # noqa: PLR2004 - the threshold

    rollback = ArgoCDRollbackOperator(task_id="rollback", application="shop", deferrable=True)

    sync >> quality_is_bad() >> rollback


example_argocd_rollback_on_quality()
