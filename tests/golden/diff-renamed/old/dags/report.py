from airflow import DAG

with DAG("report", schedule=None):
    pass
