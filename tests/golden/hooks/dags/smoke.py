from airflow import DAG

dag = DAG("smoke_etl", schedule=None)
