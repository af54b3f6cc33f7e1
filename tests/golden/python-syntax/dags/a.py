from airflow import DAG

dag = DAG("a"
