from dagfactory import load_yaml_dags  # airflow dag

load_yaml_dags(globals_dict=globals())
