from airflow.sdk import DAG

dag = DAG("idle", schedule=None)
