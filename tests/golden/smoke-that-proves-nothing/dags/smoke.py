from airflow.sdk import dag


@dag(schedule="0 * * * *")
def in_python():
    pass


in_python()
