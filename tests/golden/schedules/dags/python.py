from airflow import DAG

dag = DAG("python", schedule="every day")
