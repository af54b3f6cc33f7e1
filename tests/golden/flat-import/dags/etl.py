import datetime

from airflow import DAG
from common.tables import TABLES

DAG("etl", tags=TABLES)
