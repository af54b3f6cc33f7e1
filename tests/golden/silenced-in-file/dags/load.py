# One DAG for each table.
# fermata: silence dag-id-computed
from airflow import DAG

for table in ("a", "b"):
    globals()[table] = DAG(f"load_{table}")
