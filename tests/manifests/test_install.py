"""``docs/install.md``: its steps, copied out of it and run on a real API server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from clusters import connect, fresh_namespace
from fermata_hooks.exchange import Request
from fermata_hooks.kube import Kube
from fermata_spec import __version__
from fermata_spec.names import object_name
from manifests.kustomizing import MANIFESTS, STOCK_ARGOCD, Manifest

DOCUMENT = MANIFESTS.parent / "docs" / "install.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
_BLOCK = re.compile(
    r"(?:<!-- tested(?P<how>[^>]*)-->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)


class Step(NamedTuple):
    kind: str
    text: str
    is_tested: bool


STEPS = [Step(m["kind"], m["text"], m["how"] is not None) for m in _BLOCK.finditer(TEXT)]
SHELL = [step.text for step in STEPS if step.kind == "sh" and step.is_tested]


class Installed(NamedTuple):
    kube: Kube
    airflow: str
    argocd: str

    def get(self, namespace: str, path: str) -> Manifest:
        """Return an object; ``path`` is ``apis/apps/v1 deployments/x``."""
        version, named = path.split()
        whole = f"/{version}/namespaces/{namespace}/{named}"
        found: Manifest = self.kube.ask(Request(method="GET", path=whole))
        return found


def sh(text: str, folder: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", text],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"


def moved(text: str, airflow: str, argocd: str) -> str:
    """Return ``text`` with other namespaces in it."""
    for name, other in (("airflow", airflow), ("argocd", argocd)):
        text = re.sub(
            rf"(-n |namespace: |value: ){name}$", rf"\g<1>{other}", text, flags=re.MULTILINE
        )
        text = re.sub(rf"(-n ){name} ", rf"\g<1>{other} ", text)
    return text


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    kube = connect()
    with fresh_namespace(kube) as airflow, fresh_namespace(kube) as argocd:
        shutil.copytree(MANIFESTS, tmp_path / "manifests")
        shutil.copy(STOCK_ARGOCD / "argocd.yaml", tmp_path / "argocd.yaml")
        for path in tmp_path.rglob("*.yaml"):
            path.write_text(moved(path.read_text("utf-8"), airflow, argocd), "utf-8")
        for name in ("username", "password"):
            (tmp_path / name).write_text("made up")
        environ = {name: os.environ[name] for name in ("PATH", "KUBECONFIG", "HOME")}
        sh("kubectl apply -f argocd.yaml", tmp_path, environ)
        for step in SHELL:
            sh(moved(step, airflow, argocd), tmp_path, environ)
        yield Installed(kube, airflow, argocd)


@pytest.mark.kubernetes
@pytest.mark.kubectl
def test_the_steps_install_it(installed: Installed) -> None:
    secret = installed.get(installed.airflow, "api/v1 secrets/fermata-airflow")
    assert secret["data"].keys() == {"username", "password"}
    watch = installed.get(installed.airflow, "apis/apps/v1 deployments/fermata-watch")
    (container,) = watch["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example/airflow-fermata:{__version__}"
    environ = {each["name"]: each.get("value") for each in container["env"]}
    assert environ["FERMATA_ARGOCD_NAMESPACE"] == installed.argocd

    health = installed.get(installed.argocd, "api/v1 configmaps/argocd-cm")
    keys = {f"resource.customizations.{what}.fermata.dev_DagSet" for what in ("health", "actions")}
    assert health["data"].keys() == keys
    assert health["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd"
    params = installed.get(installed.argocd, "api/v1 configmaps/argocd-cmd-params-cm")
    assert params["data"] == {"reposerver.plugin.tar.exclusions": ".git/*"}
    server = installed.get(installed.argocd, "apis/apps/v1 deployments/argocd-repo-server")
    pod = server["spec"]["template"]["spec"]
    images = {each["name"]: each["image"] for each in pod["containers"]}
    assert images["fermata"] == f"registry.example/airflow-fermata:{__version__}"
    assert "argocd-repo-server" in images
    bound = installed.get(
        installed.argocd, "apis/rbac.authorization.k8s.io/v1 rolebindings/fermata-watch"
    )
    assert bound["subjects"][0]["namespace"] == installed.airflow


def test_the_fermata_yaml_is_sound(tmp_path: Path) -> None:
    (text,) = (step.text for step in STEPS if step.kind == "yaml" and step.is_tested)
    (tmp_path / "fermata.yaml").write_text(text)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(
        'from airflow import DAG\n\ndag = DAG("etl", schedule=None)\n'
    )

    done = subprocess.run(
        [Path(sys.executable).with_name("fermata"), "lint"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_charts_values_mount_what_the_renderer_makes() -> None:
    values = yaml.safe_load((DOCUMENT.parent / "airflow-chart-values.yaml").read_text("utf-8"))

    (volume,) = values["volumes"]
    (mount,) = values["volumeMounts"]
    assert volume["configMap"]["name"] == object_name("fermata-dags", "shop")
    assert mount["name"] == volume["name"]
    for job in ("migrateDatabaseJob", "createUserJob"):
        assert values[job]["useHelmHooks"] is False


def test_every_yaml_in_it_is_yaml_and_every_command_is_of_this_release() -> None:
    for step in STEPS:
        if step.kind == "yaml":
            assert yaml.safe_load(step.text)
    assert set(re.findall(r"airflow-fermata:(\d[^\s`]*)", TEXT)) == {__version__}
    assert f"plugin: {{name: fermata-v{__version__}}}" in TEXT
    assert len(SHELL) == 3
