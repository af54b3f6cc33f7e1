"""Measure how long ``fermata`` takes to start, against what Python with click and PyYAML takes.

``make bench``. A benchmark and not a test: on a busy machine a time proves nothing. The shortest
of many turns is compared, each contender in turn, so that a slow moment strikes all alike.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUDGET = 2.5  # times the yardstick
TURNS = 15
IDENTITY = ["--application", "bench", "--revision", "0" * 40]

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow-api-server.airflow.svc:8080"}
files: {include: ["dags/*.yaml"]}
"""
DAG_YAML = """\
small:
  default_args: {owner: data, start_date: 2026-01-01}
  schedule: "@daily"
  tasks:
    - {task_id: first, operator: airflow.providers.standard.operators.empty.EmptyOperator}
"""


def seconds(command: list[str]) -> float:
    """Return the wall time of one run; a run that fails ends the benchmark."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return taken


def main() -> None:
    """Print a line a contender; exit 1 when one is over its budget."""
    fermata = str(Path(sys.executable).with_name("fermata"))
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        (checkout / "fermata.yaml").write_text(FERMATA_YAML, encoding="utf-8")
        (checkout / "dags").mkdir()
        (checkout / "dags" / "small.yaml").write_text(DAG_YAML, encoding="utf-8")
        contenders = {
            "python -c 'import click, yaml'": [sys.executable, "-c", "import click, yaml"],
            "fermata --help": [fermata, "--help"],
            "fermata lint, one small file": [fermata, "lint", folder],
            "fermata render, one small file": [fermata, "render", folder, *IDENTITY],
        }
        for command in contenders.values():
            seconds(command)  # writes the .pyc files
        best = {
            name: min(turns)
            for name, turns in zip(
                contenders,
                zip(
                    *([seconds(c) for c in contenders.values()] for _ in range(TURNS)), strict=True
                ),
                strict=True,
            )
        }
    yardstick = next(iter(best.values()))
    for name, taken in best.items():
        print(f"{name:32} {taken * 1000:6.0f} ms   {taken / yardstick:.2f} x")
    if max(best.values()) > BUDGET * yardstick:
        sys.exit(f"over the budget of {BUDGET} x")


if __name__ == "__main__":
    main()
