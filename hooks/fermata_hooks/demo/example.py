"""The repository of the demo: three DAGs that a team could have, a smoke DAG, ``fermata.yaml``.

``orders`` and ``invoices`` are dag-factory's YAML, ``stock`` and ``smoke`` are Python. Nothing but
the demo starts them, so that it decides what runs when.
"""

from collections.abc import Mapping

from fermata_hooks.demo.airflow_release import Generation

APPLICATION = "shop"
DAGS = ("invoices", "orders", "smoke", "stock")
CHANGED, BROKEN, PAUSED, SMOKE = "orders", "invoices", "stock", "smoke"
ORDERS, INVOICES, STOCK, PROBE = (
    "dags/orders.yaml",
    "dags/invoices.yaml",
    "dags/stock.py",
    "dags/smoke.py",
)
MISSING_OPERATOR = "airflow.providers.acme.operators.invoice.SendInvoice"
MISSPELT = "extrct"

_BASH = "airflow.providers.standard.operators.bash.BashOperator"

_FERMATA = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow:
  url: {url}
  credentials: {{secret: fermata-airflow}}
files:
  include: ["dags/**/*.yaml", "dags/**/*.py"]
hold:
  drain: {{deadline: 2m}}
verify:
  deadline: 2m
  settle: 2s           # 10s by default; shortened, as Airflow's own waits are in this demo
  serialize_lag: 1s    # this Airflow's min_serialized_dag_update_interval, 30s by default
smoke:
  deadline: 2m
  dags: [{{dag_id: smoke, deadline: 90s}}]
"""

_ORDERS = f"""\
orders:
  description: Reads the orders of the day and loads them.
  schedule: null
  start_date: 2026-01-01
  catchup: false
  is_paused_upon_creation: false
  default_args: {{owner: sales}}
  tasks:
    extract:    # runs until the file exists that its run was given
      operator: {_BASH}
      bash_command: "until [ -e '{{{{ dag_run.conf.wait_for }}}}' ]; do sleep 0.2; done"
    load:
      operator: {_BASH}
      bash_command: "echo loading orders into one table"
      dependencies: [extract]
"""

_INVOICES = f"""\
invoices:
  description: Writes and sends the invoices.
  schedule: null
  start_date: 2026-01-01
  catchup: false
  is_paused_upon_creation: false
  default_args: {{owner: billing}}
  tasks:
    write:
      operator: {_BASH}
      bash_command: "echo writing invoices"
    send:
      operator: {_BASH}
      bash_command: "echo sending invoices"
      dependencies: [write]
"""

_PYTHON_DAG = '''\
"""{about}"""

from datetime import datetime

from {sdk} import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG(
    "{dag_id}",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    default_args={{"owner": "{owner}"}},
):
    BashOperator(task_id="{task_id}", bash_command="{command}")
'''


def first_files(url: str, generation: Generation) -> Mapping[str, str]:
    """Return the files of the first commit, for an Airflow at ``url``."""
    sdk = {"2": "airflow", "3": "airflow.sdk"}[generation]
    return {
        "fermata.yaml": _FERMATA.format(url=url),
        ORDERS: _ORDERS,
        INVOICES: _INVOICES,
        STOCK: _PYTHON_DAG.format(
            about="Counts what is in stock.",
            sdk=sdk,
            dag_id=PAUSED,
            owner="warehouse",
            task_id="count",
            command="echo counting",
        ),
        PROBE: _PYTHON_DAG.format(
            about="Proves that the scheduler, a worker and its files work; started by each sync.",
            sdk=sdk,
            dag_id=SMOKE,
            owner="platform",
            task_id="probe",
            command="echo it works",
        ),
    }


def with_a_new_load(orders: str) -> str:
    """Return ``orders.yaml`` with another command: a good change."""
    return orders.replace("into one table", "into two tables")


def with_a_missing_operator(invoices: str) -> str:
    """Return ``invoices.yaml`` with an operator that no linter without Airflow can miss."""
    head, _, tail = invoices.partition("    send:\n")
    return f"{head}    send:\n{tail.replace(_BASH, MISSING_OPERATOR)}"


def with_a_misspelt_dependency(orders: str) -> str:
    """Return ``orders.yaml`` with a dependency on a task that is not there."""
    return orders.replace("dependencies: [extract]", f"dependencies: [{MISSPELT}]")
