from airflow import DAG
from airflow.decorators import dag
import tables

DAG_ID = "by_constant"

with DAG("by_class", schedule=None):
    pass

assigned = DAG(dag_id=DAG_ID)


@dag(schedule=None)
def by_function():
    pass


@dag("by_name")
def other():
    pass


by_function()
other()
