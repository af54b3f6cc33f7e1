from airflow.sdk import DAG

for table in ("a", "b", "c"):
    globals()[table] = DAG(f"load_{table}")
