"""A missing component is loud, and a failure where it was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TESTS = """
import os, socket
import pytest

@pytest.mark.kubernetes
def test_on_a_cluster(): ...

@pytest.mark.kubernetes
def test_on_a_cluster_again(): ...

def test_without(): ...

def test_does_not_see_the_cluster():
    assert os.environ["KUBECONFIG"] == os.devnull
    assert not [name for name in os.environ if name.startswith("FERMATA_")]

@pytest.mark.long
def test_that_takes_minutes():
    raise AssertionError

@pytest.mark.xfail(raises=UserWarning, strict=True)
def test_that_reaches_out():
    socket.create_connection(("192.0.2.1", 80), timeout=1)
"""
NOBODY_LISTENS = """
apiVersion: v1
kind: Config
current-context: nobody
clusters: [{name: nobody, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
users: [{name: nobody, user: {}}]
"""


def run_tests(folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``TESTS`` as this suite runs its own, with ``environ`` on top of what Python needs."""
    module = folder / "test_of_a_user.py"
    module.write_text(TESTS, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "conftest", module],
        env={**inherited, "PYTHONPATH": str(ROOT / "tests"), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_missing_component_skips_its_tests_with_one_line(tmp_path: Path) -> None:
    done = run_tests(tmp_path, {})

    assert done.returncode == 0, done.stdout
    (loud,) = [line for line in done.stdout.splitlines() if line.startswith("NOT TESTED")]
    assert loud == (
        "NOT TESTED: 2 for want of kubernetes (KUBECONFIG is not set);"
        " FERMATA_TEST_REQUIRE=kubernetes makes that a failure"
    )
    assert "2 passed, 2 skipped, 1 deselected, 1 xfailed" in done.stdout


def test_a_missing_component_that_is_required_fails(tmp_path: Path) -> None:
    done = run_tests(tmp_path, {"FERMATA_TEST_REQUIRE": "kubernetes"})

    assert done.returncode == 1
    assert "FERMATA_TEST_REQUIRE names kubernetes, but: KUBECONFIG is not set" in done.stdout
    assert "2 errors" in done.stdout


def test_a_cluster_that_does_not_answer_is_a_missing_one(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(NOBODY_LISTENS, encoding="utf-8")

    done = run_tests(tmp_path, {"KUBECONFIG": str(kubeconfig)})

    assert done.returncode == 0, done.stdout
    assert "NOT TESTED: 2 for want of kubernetes (KUBECONFIG: MaxRetryError" in done.stdout


def test_an_unknown_component_is_an_error(tmp_path: Path) -> None:
    done = run_tests(tmp_path, {"FERMATA_TEST_REQUIRE": "airflow,etcd"})

    assert done.returncode == 4
    assert "FERMATA_TEST_REQUIRE: unknown: etcd; known: airflow, kubernetes, docker" in (
        done.stderr
    )
