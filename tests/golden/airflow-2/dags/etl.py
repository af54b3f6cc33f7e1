from airflow import models
from airflow.decorators import dag as make, task

DAG_ID = "etl_hourly"


@make(schedule_interval="@hourly", catchup=False)
def etl_daily():
    @task
    def load():
        pass

    load()


etl_daily()
hourly = models.DAG(dag_id=DAG_ID, schedule_interval="@hourly")
