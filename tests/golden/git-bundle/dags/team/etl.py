from airflow import DAG
from team import tables

with DAG("etl", schedule=None):
    pass
