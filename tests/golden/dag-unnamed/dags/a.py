from airflow import DAG

DAG("lost")

with DAG("found"):
    pass
