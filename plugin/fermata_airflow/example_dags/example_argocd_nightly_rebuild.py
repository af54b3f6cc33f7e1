"""Every night: make the manifests anew, sync, and wait until every application is well."""

from datetime import UTC, datetime, timedelta

try:
    from airflow.sdk import dag
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag

from fermata_airflow.operators.argocd import ArgoCDRefreshOperator, ArgoCDSyncOperator
from fermata_airflow.sensors.argocd import ArgoCDHealthSensor

# A retry goes on with what the first try began.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=10)}


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["argocd"],
)
def example_argocd_nightly_rebuild() -> None:
    """Rebuild the environment of the data team."""
    refresh = ArgoCDRefreshOperator(task_id="refresh", application="shop", hard=True)
    sync = ArgoCDSyncOperator(
        task_id="sync", application="shop", prune=True, infos={"reason": "nightly rebuild"}
    )
    healthy = ArgoCDHealthSensor(task_id="all_healthy", selector="team=data", timeout=1800)

    refresh >> sync >> healthy


example_argocd_nightly_rebuild()
