"""The command as Argo CD's plugin server runs it: its environment, folder, group and stdin.

``cmp-server`` runs ``generate`` in the application's path of its copy of the checkout, in a process
group of its own, with an empty stdin and exactly these variables.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GOLDEN = Path(__file__).parent.parent / "golden"
FERMATA = str(Path(sys.executable).with_name("fermata"))
REVISION = "0123456789abcdef0123456789abcdef01234567"
ENVIRONMENT = {
    "ARGOCD_APP_NAME": "etl",
    "ARGOCD_APP_NAMESPACE": "airflow",
    "ARGOCD_APP_PROJECT_NAME": "default",
    "ARGOCD_APP_REVISION": REVISION,
    "ARGOCD_APP_REVISION_SHORT": REVISION[:7],
    "ARGOCD_APP_REVISION_SHORT_8": REVISION[:8],
    "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example/etl.git",
    "ARGOCD_APP_SOURCE_PATH": ".",
    "ARGOCD_APP_SOURCE_TARGET_REVISION": "main",
    "ARGOCD_APP_PARAMETERS": "null",
    "KUBE_VERSION": "1.34.1",
    "KUBE_API_VERSIONS": "v1,batch/v1,batch/v1/Job,fermata.dev/v1alpha1/DagSet",
}

pytestmark = pytest.mark.slow


# Announcing parameters comes before anything is resolved: Argo CD sets these alone.
ANNOUNCING = {
    name: value
    for name, value in ENVIRONMENT.items()
    if name == "ARGOCD_APP_NAME" or name.startswith("ARGOCD_APP_SOURCE_")
}
MANY = """\
environments:
  prod: {branch: main, overlay: env/prod}
  staging: {branch: staging, overlay: env/staging}
"""


def generate(checkout: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(checkout, ["render", *options], ENVIRONMENT | more)


def run(
    checkout: Path, command: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FERMATA, *command],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )


def test_manifests_are_all_of_stdout() -> None:
    done = generate(GOLDEN / "hooks")

    assert done.returncode == 0
    assert done.stdout == (GOLDEN / "hooks" / "expected.yaml").read_text()
    assert done.stderr == ""


def test_problems_are_lines_of_stderr_and_nothing_is_on_stdout() -> None:
    done = generate(GOLDEN / "task-graph")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (GOLDEN / "task-graph" / "expected.err").read_text()


def test_a_render_that_takes_too_long_says_what_took_the_time(tmp_path: Path) -> None:
    write_many(tmp_path)

    done = generate(tmp_path, "--deadline", "0.2")

    assert done.returncode == 75
    assert done.stdout == ""
    assert done.stderr.startswith("not done after 0.2s: reading ")
    assert len(done.stderr.splitlines()) == 1


def test_sigterm_ends_it_at_once_and_without_output(tmp_path: Path) -> None:
    write_many(tmp_path)
    with subprocess.Popen(
        [FERMATA, "render"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)  # it is in the midst of it
        os.killpg(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=10)

    assert process.returncode != 0
    assert out == b""


def test_what_is_written_is_what_argo_cd_splits() -> None:
    documents = generate(GOLDEN / "hooks").stdout.split("\n---\n")

    assert all({"kind", "apiVersion"} <= yaml.safe_load(each).keys() for each in documents)


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A checkout with an environment for each of two branches."""
    shutil.copytree(GOLDEN / "dag-factory", tmp_path, dirs_exist_ok=True)
    with (tmp_path / "fermata.yaml").open("a") as file:
        file.write(MANY)
    for name in ("prod", "staging"):
        folder = tmp_path / "env" / name / "dags"
        folder.mkdir(parents=True)
        dag = f"only_{name}: {{tasks: {{t: {{operator: x.Y}}}}}}\n"
        (folder / f"{name}.yaml").write_text(dag)
    return tmp_path


def test_the_environment_is_that_of_the_branch_that_the_application_follows(
    environments: Path,
) -> None:
    done = generate(environments)

    assert done.returncode == 0, done.stderr
    assert "only_prod" in done.stdout
    assert "only_staging" not in done.stdout


def test_a_parameter_that_git_has_set_does_not_open_another_environment(
    environments: Path,
) -> None:
    staging = json.dumps([{"name": "environment", "string": "staging"}])

    done = generate(environments, ARGOCD_APP_PARAMETERS=staging, PARAM_ENVIRONMENT="staging")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "staging is rendered from branch staging, and not from 'main'" in done.stderr


def test_an_application_may_be_the_folder_of_an_overlay(environments: Path) -> None:
    done = generate(environments / "env" / "prod", ARGOCD_APP_SOURCE_PATH="env/prod")

    assert done.returncode == 0, done.stderr
    assert done.stdout == generate(environments).stdout


def test_parameters_are_announced_to_the_ui(environments: Path) -> None:
    done = run(environments, ["params"], ANNOUNCING)

    assert done.returncode == 0
    assert done.stderr == ""
    announced = {each["name"]: each for each in json.loads(done.stdout)}
    assert announced["environment"]["tooltip"].endswith("One of prod, staging.")


def write_many(checkout: Path) -> None:
    """Write a checkout that takes seconds."""
    (checkout / "dags").mkdir()
    (checkout / "fermata.yaml").write_text((GOLDEN / "dag-factory" / "fermata.yaml").read_text())
    task = "{operator: x.Y, bash_command: echo}"
    for number in range(600):
        tasks = "\n".join(f"    task_{each}: {task}" for each in range(200))
        (checkout / "dags" / f"{number}.yaml").write_text(f"dag_{number}:\n  tasks:\n{tasks}\n")
