from airflow.sdk import DAG

for table in ("a", "b"):
    globals()[table] = DAG(f"load_{table}")
