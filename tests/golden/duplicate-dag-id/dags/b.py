from airflow import DAG

with DAG(dag_id="etl"):
    pass
