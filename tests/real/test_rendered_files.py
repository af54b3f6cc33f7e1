"""What the renderer makes is what a real Airflow, with a real dag-factory, makes DAGs of.

The files lie as a kubelet lays out a ConfigMap's volume: as the DAGs folder itself, and in a
folder below it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fermata_hooks.demo.airflow_server import AirflowServer
from fermata_hooks.demo.volume import write_volume
from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout

pytestmark = pytest.mark.airflow

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**/*.yaml", "dags/**/*.py"]}
"""
BASH = "airflow.providers.standard.operators.bash.BashOperator"
QUOTES = '"' * 3
YAML = rf"""
default:
  default_args: {{owner: file, start_date: 2024-01-01}}
plain:
  schedule: "0 3 * * *"
  tasks:
    extract: {{operator: {BASH}, bash_command: 'echo "\"$HOME"'}}
    load: {{operator: {BASH}, bash_command: "echo ☃", dependencies: [extract]}}
documented:
  doc_md: What it does.
  tags: [own]
  tasks: [{{task_id: only, operator: {BASH}, bash_command: echo}}]
globals:
  tasks: {{only: {{operator: {BASH}, bash_command: 'echo three {QUOTES} quotes'}}}}
"""
EXPRESSIONS = rf"""
expressions:
  max_active_runs: {{__or__: [1, 2]}}
  dagrun_timeout: {{__type__: datetime.timedelta, minutes: 5}}
  start_date: 2024-01-01
  tasks:
    only:
      operator: {BASH}
      bash_command: {{__join__: ["echo ", {{__type__: pathlib.PurePath, __args__: [a, b]}}]}}
    other: {{operator: {BASH}, bash_command: {{__and__: [x, y]}}}}
"""
DEFAULTS = "default_args: {retries: 3, owner: far}\ntags: [far]\nmax_active_runs: 7\n"
BROKEN = "broken:\n  tasks: {only: {operator: no.such.module.Operator}}\n"
PYTHON = "from airflow.models.dag import DAG\n\ndag = DAG('by_python', schedule=None)\n"
FILL_A_BAG = """
import json, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
try:
    from airflow.serialization.serialized_objects import DagSerialization as Serialized
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as Serialized

bag = DagBag(sys.argv[1])
print(json.dumps({
    "errors": bag.import_errors,
    "dags": {
        dag.dag_id: {
            "file": dag.fileloc,
            "doc_md": Serialized.to_dict(dag)["dag"].get("doc_md"),
            "tags": sorted(dag.tags),
            "max_active_runs": dag.max_active_runs,
            "timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
            "tasks": {t.task_id: [t.owner, t.retries, t.bash_command] for t in dag.tasks},
        }
        for dag in bag.dags.values()
    },
}))
"""


class Parsed(NamedTuple):
    """What Airflow makes of a DAGs folder."""

    errors: dict[str, str]
    dags: dict[str, dict[str, Any]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "dags" / "team").mkdir(parents=True)
    (folder / "fermata.yaml").write_text(FERMATA_YAML)
    (folder / "dags" / "team" / "three.yaml").write_text(YAML)
    (folder / "dags" / "broken.yaml").write_text(BROKEN)
    (folder / "dags" / "defaults.yml").write_text(DEFAULTS)
    (folder / "dags" / "by_python.py").write_text(PYTHON)
    return folder


def parse(airflow_server: AirflowServer, dags_folder: Path, home: Path) -> Parsed:
    done = subprocess.run(
        [airflow_server.installation.python, "-c", FILL_A_BAG, dags_folder],
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            # A counter on the network; nothing of ours needs it.
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Parsed(**json.loads(done.stdout.splitlines()[-1]))


def lay_out(checkout: Path, volume: Path) -> Compiled:
    compiled = compile_checkout(str(checkout), Identity("etl", "abc", "airflow"))
    assert compiled.problems == []
    write_volume(volume, {each.key: each.data for each in compiled.artifacts} | ignore(compiled))
    return compiled


def ignore(compiled: Compiled) -> dict[str, bytes]:
    return {".airflowignore": compiled.manifests[0]["data"][".airflowignore"].encode()}


@pytest.mark.parametrize("below", [".", "team/fermata"], ids=["the folder itself", "below it"])
def test_airflow_finds_every_dag_once_and_each_shows_its_digest(
    airflow_server: AirflowServer, checkout: Path, tmp_path: Path, below: str
) -> None:
    compiled = lay_out(checkout, tmp_path / "dags" / below)

    parsed = parse(airflow_server, tmp_path / "dags", tmp_path)

    assert compiled.plan is not None
    planned = {dag.dag_id: dag for dag in compiled.plan.dags if dag.dag_id != "broken"}
    assert parsed.dags.keys() == planned.keys()
    for dag_id, dag in parsed.dags.items():
        assert Path(dag["file"]) == tmp_path / "dags" / below / planned[dag_id].file
        if planned[dag_id].evidence == "doc_md":
            assert f"fermata:{planned[dag_id].digest}" in dag["doc_md"].splitlines()


def test_a_bad_file_is_an_import_error_of_that_file_alone(
    airflow_server: AirflowServer, checkout: Path, tmp_path: Path
) -> None:
    lay_out(checkout, tmp_path / "dags")

    parsed = parse(airflow_server, tmp_path / "dags", tmp_path)

    assert list(parsed.errors) == [str(tmp_path / "dags" / "broken.yaml.py")]
    assert "no" in parsed.errors[str(tmp_path / "dags" / "broken.yaml.py")]


def test_texts_and_defaults_arrive_as_dag_factory_means_them(
    airflow_server: AirflowServer, checkout: Path, tmp_path: Path
) -> None:
    lay_out(checkout, tmp_path / "dags")

    dags = parse(airflow_server, tmp_path / "dags", tmp_path).dags

    assert dags["plain"]["tasks"] == {
        "extract": ["file", 3, 'echo "\\"$HOME"'],
        "load": ["file", 3, "echo ☃"],
    }
    assert dags["plain"]["max_active_runs"] == 7
    assert dags["plain"]["tags"] == ["dagfactory", "far"]
    assert dags["documented"]["tags"] == ["dagfactory", "own"]
    assert dags["documented"]["doc_md"].startswith("What it does.")
    assert dags["globals"]["tasks"] == {"only": ["file", 3, f"echo three {QUOTES} quotes"]}


def test_a_defaults_file_of_the_dags_folder_is_not_merged_a_second_time(
    airflow_server: AirflowServer, checkout: Path, tmp_path: Path
) -> None:
    lay_out(checkout, tmp_path / "dags")
    (tmp_path / "dags" / "defaults.yml").write_text("default_args: {retries: 9}\n")

    dags = parse(airflow_server, tmp_path / "dags", tmp_path).dags

    assert dags["plain"]["tasks"]["load"] == ["file", 3, "echo ☃"]


def test_expressions_mean_what_they_mean_when_dag_factory_reads_a_file(
    airflow_server: AirflowServer, checkout: Path, tmp_path: Path
) -> None:
    (checkout / "dags" / "expressions.yaml").write_text(EXPRESSIONS)
    lay_out(checkout, tmp_path / "dags")

    dag = parse(airflow_server, tmp_path / "dags", tmp_path).dags["expressions"]

    assert dag["max_active_runs"] == 3
    assert dag["timeout"] == 300
    assert {name: task[2] for name, task in dag["tasks"].items()} == {
        "only": "echo a/b",
        "other": "(x & y)",
    }
