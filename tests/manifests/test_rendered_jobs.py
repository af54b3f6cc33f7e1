"""The hook Jobs that the renderer emits, as the cluster takes them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_cli.commands import SUBCOMMANDS
from fermata_spec import deadlines, errors
from fermata_spec.plan import Plan, parse_plan
from manifests.kubernetes_releases import RELEASES, NotValidError, validate
from manifests.kustomizing import MANIFESTS, Manifest
from manifests.pod_security import violations

RENDERED = Path(__file__).parents[1] / "golden" / "hooks" / "expected.yaml"
OBJECTS: list[Manifest] = list(yaml.safe_load_all(RENDERED.read_text(encoding="utf-8")))
JOBS = [each for each in OBJECTS if each["kind"] == "Job"]
WORTH_ANOTHER_ATTEMPT = {errors.UnavailableError, errors.TerminatedError}

each_job = pytest.mark.parametrize("job", JOBS, ids=lambda job: job["metadata"]["name"])


def pod(job: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def the_plan() -> Plan:
    (held,) = (o for o in OBJECTS if o["metadata"]["name"].startswith("fermata-plan-"))
    return parse_plan(held["data"]["plan.json"], origin="the golden plan")


def test_there_is_one_job_for_each_phase() -> None:
    phases = [job["metadata"]["annotations"]["argocd.argoproj.io/hook"] for job in JOBS]

    assert phases == ["PreSync", "PostSync", "SyncFail"]


@each_job
@pytest.mark.parametrize("release", RELEASES)
def test_a_job_is_valid_on_each_kubernetes(job: Manifest, release: str) -> None:
    validate(job, release)


def test_a_misspelt_key_would_be_found() -> None:
    job = JOBS[0] | {"spec": JOBS[0]["spec"] | {"backofLimit": 0}}

    with pytest.raises(NotValidError, match="backofLimit"):
        validate(job, RELEASES[0])


@each_job
def test_a_job_is_admitted_where_pods_are_restricted(job: Manifest) -> None:
    assert violations(pod(job)) == []


@each_job
def test_a_job_gives_up_at_once_where_no_attempt_will_help_and_only_there(job: Manifest) -> None:
    failures = errors.FermataError.__subclasses__()
    helpless = {kind.exit_code for kind in failures if kind not in WORTH_ANOTHER_ATTEMPT}

    (rule,) = (r for r in job["spec"]["podFailurePolicy"]["rules"] if r["action"] == "FailJob")

    assert set(rule["onExitCodes"]["values"]) == helpless | {errors.BUG_EXIT_CODE}
    assert rule["onExitCodes"]["operator"] == "In"
    assert rule["onExitCodes"]["containerName"] == pod(job)["containers"][0]["name"]
    assert pod(job)["restartPolicy"] == "Never"  # else Kubernetes refuses the policy
    assert job["spec"]["backoffLimit"] >= 1


@each_job
def test_a_pod_that_a_node_took_with_it_is_no_failure(job: Manifest) -> None:
    (rule,) = (r for r in job["spec"]["podFailurePolicy"]["rules"] if r["action"] == "Ignore")

    assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


@each_job
def test_kubernetes_deadline_is_longer_than_the_hooks_own(job: Manifest) -> None:
    plan = the_plan()
    own = {
        "hold": deadlines.hold_deadline(plan),
        "verify": deadlines.verify_deadline(plan),
        "smoke": deadlines.smoke_deadline(plan),
        "finish": deadlines.finish_deadline(plan),
        "release": deadlines.release_deadline(plan),
    }[job["metadata"]["labels"]["app.kubernetes.io/component"]]

    assert job["spec"]["activeDeadlineSeconds"] > own
    assert own > plan.hold.late


@each_job
def test_a_job_runs_a_command_that_there_is(job: Manifest) -> None:
    (container,) = pod(job)["containers"]

    assert container["command"][0] == "fermata"
    assert container["command"][1] in SUBCOMMANDS
    assert "args" not in container


@each_job
def test_no_secret_is_in_a_job(job: Manifest) -> None:
    (container,) = pod(job)["containers"]

    for variable in container["env"]:
        assert variable.get("valueFrom", {}).keys() <= {"fieldRef"}  # what the pod itself is
        name = variable["name"]
        if name.endswith(("_TOKEN_FILE", "_USERNAME_FILE", "_PASSWORD_FILE")):
            assert variable["value"].startswith("/etc/fermata/")


def test_the_dagset_is_what_its_kind_takes() -> None:
    (dagset,) = (each for each in OBJECTS if each["kind"] == "DagSet")
    crd = yaml.safe_load((MANIFESTS / "base" / "dagsets-crd.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

    assert set(schema["required"]) <= dagset["spec"].keys() <= schema["properties"].keys()
    for dag in dagset["spec"]["dags"]:
        assert dag.keys() <= schema["properties"]["dags"]["items"]["properties"].keys()


@pytest.mark.slow
def test_hooks_that_are_separate_keep_all_of_this(tmp_path: Path) -> None:
    checkout = shutil.copytree(RENDERED.parent, tmp_path / "checkout")
    settings = (checkout / "fermata.yaml").read_text(encoding="utf-8")
    settings = settings.replace("hooks: {", "hooks: {post: separate, ")
    (checkout / "fermata.yaml").write_text(settings, encoding="utf-8")
    fermata = Path(sys.executable).with_name("fermata")
    identity = ["--application=etl", "--namespace=airflow", f"--revision={'b' * 40}"]

    done = subprocess.run([fermata, "render", *identity, checkout], capture_output=True, check=True)

    jobs = [each for each in yaml.safe_load_all(done.stdout) if each["kind"] == "Job"]
    names = [job["metadata"]["labels"]["app.kubernetes.io/component"] for job in jobs]
    assert names == ["hold", "verify", "smoke", "release"]
    for job in jobs:
        for release in RELEASES:
            validate(job, release)
        test_a_job_is_admitted_where_pods_are_restricted(job)
        test_a_job_gives_up_at_once_where_no_attempt_will_help_and_only_there(job)
        test_a_pod_that_a_node_took_with_it_is_no_failure(job)
        test_kubernetes_deadline_is_longer_than_the_hooks_own(job)
        test_a_job_runs_a_command_that_there_is(job)
        test_no_secret_is_in_a_job(job)
