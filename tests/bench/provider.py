"""What Airflow pays for the provider: importing it beside its own http provider, and the loader.

Both are measured by Airflow's own Python, in processes of their own, in turn. The yardstick of the
loader is PyYAML's safe reader in C, which tells no places and checks nothing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from airflow_layers import with_provider
from fermata_hooks.demo.airflow_server import AirflowServer

TURNS = 7
BUDGET = 1.3  # times the import of Airflow's own provider for http
FILES = 200
LOADER_BUDGET = 30.0  # seconds in which Airflow lets a DAG file be parsed, for FILES_LIMIT files

TIMED = """\
import time, warnings
warnings.simplefilter("ignore")
import airflow
began = time.perf_counter()
{statement}
print(time.perf_counter() - began)
"""
OURS = "import fermata_airflow.hooks.argocd, fermata_airflow.operators.argocd"
THEIRS = "import airflow.providers.http.hooks.http, airflow.providers.http.operators.http"
LOADER = """\
from pathlib import Path
from types import SimpleNamespace
from fermata_airflow.loader import FILES_LIMIT, load_dags
def build(config):
    return SimpleNamespace(dag_id=config["name"], doc_md=None)
began = time.perf_counter()
assert len(load_dags(Path({folder!r}), {{"pipeline/v1": build}})) == {files}
print("limit", FILES_LIMIT)
"""
YAML = """\
import yaml
from pathlib import Path
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
began = time.perf_counter()
for path in Path({folder!r}).glob("*.yaml"):
    yaml.load(path.read_text(), loader)
"""
PIPELINE = """\
format: pipeline/v1
name: pipeline_{number}
source: {{table: orders_{number}, columns: [id, at, amount]}}
steps:
{steps}
"""
STEP = "  - {{name: step_{number}, sql: 'select {number}', after: [step_{before}]}}\n"


def seconds(python: Path, statement: str) -> tuple[float, str]:
    """Return how long a statement took in a process of its own, and what it said before."""
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": home, "HOME": home}
        code = TIMED.format(statement=statement)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", code],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(done.stderr)
    *said, taken = done.stdout.splitlines()
    return float(taken), said[-1] if said else ""


def best(python: Path, statements: dict[str, str]) -> dict[str, float]:
    """Return the shortest of some turns for each, taken in turn."""
    turns: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(TURNS):
        for name, statement in statements.items():
            turns[name].append(seconds(python, statement)[0])
    return {name: min(taken) for name, taken in turns.items()}


def main() -> None:
    """Print both; exit 1 where one is over its budget."""
    version = os.environ.get("AIRFLOW", "3.3.2")
    server = AirflowServer.installed(version, added=("apache-airflow-providers-http",))
    with tempfile.TemporaryDirectory() as folder:
        layer = with_provider(server.installation, Path(folder) / "layer")
        files = Path(folder) / "files"
        files.mkdir()
        steps = "".join(STEP.format(number=n, before=max(n - 1, 0)) for n in range(20))
        texts = [PIPELINE.format(number=number, steps=steps) for number in range(FILES)]
        for number, text in enumerate(texts):
            (files / f"{number:03}.yaml").write_text(text, encoding="utf-8")
        names = {"folder": str(files), "files": FILES}
        imports = best(layer.python, {"http": THEIRS, "argocd": OURS})
        loads = best(layer.python, {"yaml": YAML.format(**names), "loader": LOADER.format(**names)})
        _, limit = seconds(layer.python, LOADER.format(**names))
    ratio = imports["argocd"] / imports["http"]
    each = loads["loader"] / FILES
    print(f"Airflow {version}: import of the provider {imports['argocd'] * 1000:.0f} ms, of")
    print(f"Airflow's own for http {imports['http'] * 1000:.0f} ms: {ratio:.2f} x")
    print(f"loader: {each * 1000:.2f} ms a file of {len(texts[0])} characters,")
    print(f"{loads['loader'] / loads['yaml']:.1f} x PyYAML's reader in C without places")
    most = int(limit.removeprefix("limit "))
    if ratio > BUDGET:
        sys.exit(f"over the budget of {BUDGET} x")
    if each * most > LOADER_BUDGET:
        sys.exit(f"{most} files would take {each * most:.0f} s of the {LOADER_BUDGET:.0f} s")


if __name__ == "__main__":
    main()
