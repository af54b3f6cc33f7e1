from airflow.sdk import DAG

etl = DAG("etl", schedule=None)
