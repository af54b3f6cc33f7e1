from airflow import DAG

with DAG("weekly_report", schedule="@weekly"):
    pass
