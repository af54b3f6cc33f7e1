"""The DAG files of the cases, for the real Airflow of either generation."""

CASES = """\
from datetime import datetime

try:
    from airflow.sdk import DAG, Param, task
except ImportError:
    from airflow.decorators import task
    from airflow.models import DAG, Param

START = datetime(2024, 1, 1)


def dag(dag_id, paused=False, schedule=None, **more):
    return DAG(
        dag_id,
        schedule=schedule,
        start_date=START,
        catchup=False,
        is_paused_upon_creation=paused,
        **more,
    )


@task
def hello():
    print("hello")


@task
def before():
    for number in range(30):
        print("line", number)


@task
def boom():
    raise RuntimeError("boom-msg")


with dag(
    "cases_ok",
    tags=["cases", "one"],
    default_args={"owner": "alice"},
    doc_md="fermata:0123456789abcdef",
    params={"a": Param(1, type="integer")},
):
    hello()

with dag("cases_fails"):
    before() >> boom()

for dag_id in ("cases_paused", "cases_watched"):
    with dag(dag_id, paused=True) as made:
        hello()
    globals()[dag_id] = made

with dag("cases_daily", paused=True, schedule="@daily"):
    hello()

with DAG(
    "cases_catchup",
    schedule="@hourly",
    start_date=START,
    catchup=True,
    is_paused_upon_creation=True,
):
    hello()

for number in range(105):
    with dag(f"cases_many_{number:03}", paused=True) as made:
        hello()
    globals()[made.dag_id] = made
"""

BROKEN = """\
import nonexistent_module
from airflow import DAG
"""

FILES = {"cases.py": CASES, "cases_broken.py": BROKEN}
