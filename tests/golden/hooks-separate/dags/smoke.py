from airflow import DAG

dag = DAG("smoke", schedule=None)
