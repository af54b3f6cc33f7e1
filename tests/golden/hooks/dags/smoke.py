from airflow import DAG

DAG("smoke_etl", schedule=None)
