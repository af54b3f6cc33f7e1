"""The hook Jobs for kustomize: the renderer's own, and a plan that learns its revision."""

import base64
import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_cli.frame import run
from fermata_hooks.jobs.workplace import at_its_revision
from fermata_spec.errors import SettingsError
from manifests.kubernetes_releases import RELEASES, validate
from manifests.kustomized import kustomize, plan_into
from manifests.kustomizing import MANIFESTS, Manifest, one
from workplaces import NEW, make_plan

JOBS = ("hold", "finish", "release")
SETTINGS = """
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow-api-server:8080", credentials: {secret: fermata-airflow}}
files: {include: ["dags/*.py"]}
hooks: {image: "airflow-fermata:0.1.0"}
"""
# Where they may differ: who they are, and what a pod knows by itself.
OWN = ("FERMATA_JOB", "FERMATA_LEDGER", "FERMATA_REVISION")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(
        'from airflow import DAG\n\ndag = DAG("etl", schedule=None)\n'
    )
    (tmp_path / "fermata.yaml").write_text(SETTINGS)
    return tmp_path


def shared(job: Manifest) -> Any:  # noqa: ANN401 - JSON
    """Return of a Job what the two ways of rendering have in common."""
    job = copy.deepcopy(job)
    del job["metadata"]["name"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["env"] = [each for each in container["env"] if each["name"] not in OWN]
    for volume in pod["volumes"]:
        if volume["name"] == "plan":
            del volume["configMap"]["name"]
    return job


@pytest.mark.parametrize("name", JOBS)
def test_each_job_is_the_one_that_the_renderer_emits(
    checkout: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    identity = ["--application=demo", f"--revision={NEW}", "--namespace=airflow"]
    assert run(["render", str(checkout), *identity]) == 0
    rendered = list(yaml.safe_load_all(capsys.readouterr().out))
    ours = yaml.safe_load((MANIFESTS / "hooks" / f"fermata-{name}-job.yaml").read_text("utf-8"))

    assert shared(ours) == shared(one(rendered, "Job", f"fermata-{name}-demo"))
    env = ours["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {each["name"] for each in env if "valueFrom" in each} == {
        "FERMATA_JOB",
        "FERMATA_JOB_UID",
        "FERMATA_REVISION",
    }


@pytest.mark.kubectl
@pytest.mark.slow
def test_the_documents_example_is_hooks_a_plan_and_a_dagset(checkout: Path) -> None:
    plan_into(checkout)

    objects = kustomize(checkout, NEW)

    for each in objects:
        for release in RELEASES if each["kind"] != "DagSet" else ():
            validate(each, release)
    plan = one(objects, "ConfigMap", "fermata-plan")
    text = plan.get("data", {}).get("plan.json")
    text = text or base64.b64decode(plan["binaryData"]["plan.json"]).decode()
    assert text == (checkout / "plan.json").read_text()
    assert plan["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "PreSync"
    assert one(objects, "DagSet", "fermata-demo")["metadata"]["namespace"] == "airflow"
    for name in JOBS:
        job = one(objects, "Job", f"fermata-{name}")
        template = job["spec"]["template"]
        assert template["metadata"]["annotations"] == {"fermata.dev/revision": NEW}
        assert template["spec"]["containers"][0]["image"].startswith("registry.example/")


def test_a_plan_that_is_stale_fails_in_ci(checkout: Path) -> None:
    plan_into(checkout)
    check = ["plan", str(checkout), "--application=demo", "--namespace=airflow", "--check"]
    before = run([*check, str(checkout / "plan.json")])
    (checkout / "dags" / "new.py").write_text(
        'from airflow import DAG\n\ndag = DAG("new", schedule=None)\n'
    )

    after = run([*check, str(checkout / "plan.json")])

    assert (before, after) == (0, 2)


def test_a_plan_of_no_revision_is_of_the_one_that_is_told() -> None:
    plan = replace(make_plan("etl"), revision="")

    assert at_its_revision(plan, NEW).revision == NEW
    assert at_its_revision(make_plan("etl", revision=NEW), "x").revision == NEW


@pytest.mark.parametrize("revision", ["", "$ARGOCD_APP_REVISION", "a b", "x\ny", "a" * 201])
def test_a_revision_that_is_none_is_refused(revision: str) -> None:
    with pytest.raises(SettingsError, match="FERMATA_REVISION"):
        at_its_revision(replace(make_plan("etl"), revision=""), revision)
