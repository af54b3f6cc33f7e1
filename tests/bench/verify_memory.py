"""The memory of verify at 10,000 DAGs, one of them changed, on the tests' own Airflow: 150 MiB."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.clock import SystemClock
from fermata_hooks.handoff import take_baseline, write_handoff
from fermata_hooks.termination import Termination
from fermata_spec.plan import Plan, PlannedDag, VerifyPolicy
from workplaces import Surroundings, fermata

MANY = 10_000
BUDGET_MIB = 150


def plan_of(dag_ids: Sequence[str], digest: str) -> Plan:
    """Return a revision in which ``changing`` has this digest, and nothing else is new."""
    dags = tuple(
        PlannedDag(dag_id=each, digest="0" * 16, file="many.py", evidence="doc_md")
        for each in dag_ids
    )
    changing = PlannedDag(dag_id="changing", digest=digest, file="one.py", evidence="doc_md")
    return Plan(
        application="bench",
        revision=digest * 3,
        airflow_url="",
        dags=(*dags, changing),
        verify=VerifyPolicy(deadline=120.0, settle=0.0),
    )


def in_memory(over: list[str]) -> None:
    """Measure the process of ``fermata verify`` on an Airflow of many DAGs."""
    clock = SystemClock(Termination())
    with tempfile.TemporaryDirectory() as folder, FakeAirflow("3.3.2") as airflow:
        for number in range(MANY):
            airflow.add_dag(f"load_{number:05}", file="many.py", doc_md=f"fermata:{'0' * 16}")
        airflow.add_dag("changing", file="one.py", doc_md=f"fermata:{'1' * 16}")
        plan = plan_of([dag_id for dag_id in airflow.dags if dag_id != "changing"], "1" * 16)
        around = Surroundings(airflow, Path(folder), clock)
        place = around.place()
        handoff = take_baseline(place.airflow, plan, ["changing"], clock)
        write_handoff(place.documents, handoff)
        environ = around.environ(plan)
        with subprocess.Popen(fermata("verify"), env=environ, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        place.airflow.close()
    mib = usage.ru_maxrss / 1024
    print(f"{MANY} DAGs: exit {process.returncode}, {mib:.0f} MiB, of {BUDGET_MIB}")
    if process.returncode or mib > BUDGET_MIB:
        over.append(f"exit {process.returncode}, {mib:.0f} MiB, budget {BUDGET_MIB}")


def main() -> None:
    """Print what each takes; exit 1 when a budget is exceeded."""
    over: list[str] = []
    in_memory(over)
    if over:
        sys.exit("; ".join(over))


if __name__ == "__main__":
    main()
