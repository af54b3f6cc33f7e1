from datetime import datetime, timedelta

from airflow.sdk import DAG, task
from tables import TABLES

ARGS = {"owner": "sales", "retries": 1, "retry_delay": timedelta(minutes=5)}

with DAG("etl", schedule="0 3 * * *", start_date=datetime(2026, 6, 1), default_args=ARGS):

    @task
    def extract():
        return TABLES

    @task(retries=5)
    def load(tables):
        print(tables)

    load(extract())
