import datetime

from airflow import DAG
from common.tables import TABLES

dag = DAG("etl", tags=TABLES)
