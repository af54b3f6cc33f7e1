from airflow.sdk import DAG

DAG("smoke", schedule=None)
