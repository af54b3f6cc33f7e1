"""Measure how fast a checkout renders, side by side with kustomize making ConfigMaps of it.

``make bench``. 1,000 files of 2 KB: opaque ones in at most half of kustomize's time, dag-factory's
YAML, parsed, judged and put into DAG files, in at most twice its time; below 150 MiB; and ten times
the files at the same cost a file. A benchmark and not a test: on a busy machine a time proves
nothing. The shortest of several turns is compared, each contender in turn.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

FILES, SIZE, TURNS = 1000, 2048, 5
OPAQUE_BUDGET, YAML_BUDGET, MEMORY_BUDGET, GROWTH_BUDGET = 0.5, 2.0, 150, 1.3
FERMATA = [str(Path(sys.executable).with_name("fermata")), "render"]
IDENTITY = ["--application", "bench", "--revision", "0" * 40]

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow-api-server.airflow.svc:8080"}
files: {include: ["dags/**"], layout: sharded, shards: 99}
"""


class Cost(NamedTuple):
    """Wall time and processor time in seconds, and the most memory in MiB."""

    seconds: float
    processor: float
    mebibytes: float


def cost(command: list[str]) -> Cost:
    """Return what one run of ``command`` costs; a run that fails ends the benchmark."""
    begin = os.times().elapsed
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    processor = usage.ru_utime + usage.ru_stime
    return Cost(os.times().elapsed - begin, processor, usage.ru_maxrss / 1024)


def best(contenders: dict[str, list[str]], turns: int = TURNS) -> dict[str, Cost]:
    """Return the least times and the most memory of each contender, each in its turn."""
    runs = [{name: cost(command) for name, command in contenders.items()} for _ in range(turns)]
    return {
        name: Cost(
            min(run[name].seconds for run in runs),
            min(run[name].processor for run in runs),
            max(run[name].mebibytes for run in runs),
        )
        for name in contenders
    }


def write_checkout(folder: Path, files: int, *, is_yaml: bool) -> Path:
    """Write a checkout of ``files`` files, and a ``kustomization.yaml`` that makes as many maps."""
    (folder / "dags").mkdir(parents=True)
    (folder / "fermata.yaml").write_text(FERMATA_YAML, encoding="utf-8")
    names = [f"file_{number}.{'yaml' if is_yaml else 'sql'}" for number in range(files)]
    for number, name in enumerate(names):
        text = dag(number) if is_yaml else f"-- {number}: one line of forty characters\n" * 60
        (folder / "dags" / name).write_text(text[:SIZE], encoding="utf-8")
    chunk = 200
    lines = ["configMapGenerator:"]
    for start in range(0, files, chunk):
        lines += [f"- name: map-{start}", "  files:"]
        lines += [f"  - dags/{name}" for name in names[start : start + chunk]]
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def dag(number: int) -> str:
    """Return a DAG of dag-factory's, of about ``SIZE`` bytes and whole tasks."""
    text = f"dag_{number}:\n  schedule: '0 3 * * *'\n  start_date: 2026-01-01\n  tasks:\n"
    task = 0
    while True:
        more = (
            f"    task_{task}:\n"
            "      operator: airflow.providers.standard.operators.bash.BashOperator\n"
            f'      bash_command: "load --table t{task} --day {{{{ ds }}}}"\n'
            + (f"      dependencies: [task_{task - 1}]\n" if task else "")
        )
        if len(text) + len(more) > SIZE:
            return text
        text, task = text + more, task + 1


def compare(folder: Path, kind: str, budget: float, over: list[str]) -> Cost:
    """Print what both cost for files of ``kind``; add to ``over`` what is over its budget."""
    checkout = write_checkout(folder / kind, FILES, is_yaml=kind == "yaml")
    contenders = {"fermata": [*FERMATA, str(checkout), *IDENTITY]}
    kubectl = shutil.which("kubectl")
    if kubectl:
        contenders["kustomize"] = [kubectl, "kustomize", str(checkout)]
    costs = best(contenders)
    ours, theirs = costs["fermata"], costs.get("kustomize")
    for name, each in costs.items():
        print(f"{FILES:6} {kind:6} {name:9} {each.seconds:6.2f} s {each.mebibytes:4.0f} MiB")
    if theirs is None:
        print("no kubectl on PATH: nothing to compare with")
    elif ours.seconds > budget * theirs.seconds:
        over.append(f"{kind}: {ours.seconds / theirs.seconds:.2f} x kustomize, budget {budget}")
    if ours.mebibytes > MEMORY_BUDGET:
        over.append(f"{kind}: {ours.mebibytes:.0f} MiB, budget {MEMORY_BUDGET}")
    return ours


def main() -> None:
    """Print a line for each contender; exit 1 when one is over its budget."""
    over: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), "opaque", OPAQUE_BUDGET, over)
        few = compare(Path(name), "yaml", YAML_BUDGET, over)
        checkout = write_checkout(Path(name) / "many", 10 * FILES, is_yaml=True)
        many = best({"fermata": [*FERMATA, str(checkout), *IDENTITY]}, turns=2)["fermata"]
    print(f"{10 * FILES:6} yaml   fermata   {many.seconds:6.2f} s {many.mebibytes:4.0f} MiB")
    growth = many.processor / 10 / few.processor
    print(f"ten times the files cost {growth:.2f} a file")
    if growth > GROWTH_BUDGET:
        over.append(f"{growth:.2f} a file, budget {GROWTH_BUDGET}")
    if over:
        sys.exit("; ".join(over))


if __name__ == "__main__":
    main()
