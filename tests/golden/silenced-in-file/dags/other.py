from airflow import DAG

for table in ("c", "d"):
    globals()[table] = DAG(f"load_{table}")
