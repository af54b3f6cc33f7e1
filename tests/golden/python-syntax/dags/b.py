import airflow  # dag
def f(:
    pass
