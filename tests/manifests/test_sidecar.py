"""The image as Argo CD's plugin sidecar: user 999, a /tmp of its own, no network, read-only.

``cmp-server`` unpacks the repository below /tmp, and runs ``generate`` in the application's path,
with an empty stdin, in a process group of its own, in its own environment and Argo CD's variables.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from images import run
from manifests.kustomizing import MANIFESTS

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

GOLDEN = Path(__file__).parents[1] / "golden"
REVISION = "0123456789abcdef0123456789abcdef01234567"
ENVIRONMENT = {
    "ARGOCD_APP_NAME": "etl",
    "ARGOCD_APP_NAMESPACE": "airflow",
    "ARGOCD_APP_PROJECT_NAME": "default",
    "ARGOCD_APP_REVISION": REVISION,
    "ARGOCD_APP_REVISION_SHORT": REVISION[:7],
    "ARGOCD_APP_REVISION_SHORT_8": REVISION[:8],
    "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example/etl.git",
    "ARGOCD_APP_SOURCE_PATH": "apps/etl",
    "ARGOCD_APP_SOURCE_TARGET_REVISION": "main",
    "ARGOCD_APP_PARAMETERS": "null",
    "ARGOCD_ENV_TEAM": "a team's own, that nobody reads",
    "KUBE_VERSION": "1.34.1",
    "KUBE_API_VERSIONS": "v1,batch/v1,batch/v1/Job,fermata.dev/v1alpha1/DagSet",
}
# What cmp-server does with the repository that it is sent.
CMP_SERVER = """
import json, os, subprocess, sys, tarfile
workdir = "/tmp/_cmp_server/5c8a"
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
    tar.extractall(workdir, filter="data")
path = os.path.join(workdir, os.environ["ARGOCD_APP_SOURCE_PATH"])
command = json.loads(sys.argv[1])
done = subprocess.run(command, cwd=path, stdin=subprocess.DEVNULL, start_new_session=True)
sys.exit(done.returncode)
"""
SIDECAR = ("--user=999", "--tmpfs=/tmp:mode=1777,size=64m", "--memory=256m")


def generate_command() -> list[str]:
    """Return what ``plugin.yaml`` lets Argo CD run."""
    plugin = yaml.safe_load((MANIFESTS / "plugin" / "plugin.yaml").read_text(encoding="utf-8"))
    generate = plugin["spec"]["generate"]
    return [*generate["command"], *generate.get("args", [])]


def repository(checkout: Path) -> bytes:
    """Return a repository as Argo CD sends it, in which ``checkout`` is the application."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(checkout, arcname="apps/etl")
        tar.add(GOLDEN / "python", arcname="apps/another-teams")
    return packed.getvalue()


def in_the_sidecar(image: str, checkout: Path) -> "subprocess.CompletedProcess[bytes]":
    command = ("python3", "-c", CMP_SERVER, json.dumps(generate_command()))
    return run(image, *command, options=SIDECAR, environ=ENVIRONMENT, stdin=repository(checkout))


def outside(checkout: Path) -> "subprocess.CompletedProcess[bytes]":
    fermata = Path(sys.executable).with_name("fermata")
    return subprocess.run(
        [fermata, *generate_command()[1:]],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("case", ["hooks", "dag-factory", "python", "per-file", "awkward-text"])
def test_it_renders_byte_for_byte_what_is_rendered_outside(image: str, case: str) -> None:
    inside = in_the_sidecar(image, GOLDEN / case)

    assert inside.returncode == 0, inside.stderr
    assert inside.stdout == outside(GOLDEN / case).stdout
    assert inside.stdout.startswith(b"---\n")
    assert inside.stderr == outside(GOLDEN / case).stderr


@pytest.mark.parametrize("case", ["yaml-syntax", "task-graph", "no-fermata-yaml"])
def test_it_refuses_with_the_same_lines_and_without_output(image: str, case: str) -> None:
    inside = in_the_sidecar(image, GOLDEN / case)

    assert inside.returncode == 2
    assert inside.stdout == b""
    assert inside.stderr == outside(GOLDEN / case).stderr != b""
