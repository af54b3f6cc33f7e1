"""What guards and a policy from outside git say at render already."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_plugin.choice import Choice
from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout
from fermata_spec.guards import guards_of
from fermata_spec.policy import Policy

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/*"]}
"""
POLICY = Policy(
    guards=tuple(
        ("policy.yaml", guard)
        for guard in guards_of([{"name": "prod", "branch": {"allow": ["main"]}}], origin="x")
    ),
    images=(("registry/*",),),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.py").write_text('from airflow import DAG\n\ndag = DAG("a")\n')
    return tmp_path


def compiled(
    checkout: Path, more: str = "", branch: str | None = "main", policy: Policy | None = None
) -> Compiled:
    (checkout / "fermata.yaml").write_text(FERMATA_YAML + more)
    identity = Identity("etl", "a" * 40, "airflow")
    return compile_checkout(str(checkout), identity, choice=Choice(branch=branch), policy=policy)


def told(done: Compiled) -> list[str]:
    return [str(problem) for problem in done.problems]


def policy_volumes(done: Compiled) -> list[dict[str, Any]]:
    pods = [each["spec"]["template"]["spec"] for each in done.manifests if each["kind"] == "Job"]
    return [v["configMap"] for pod in pods for v in pod["volumes"] if v["name"] == "policy"]


GUARD = 'guards: [{message: "Ask us.", branch: {allow: [main]}}]\n'


def test_a_branch_that_a_guard_denies_renders_nothing(checkout: Path) -> None:
    assert told(compiled(checkout, GUARD)) == []
    assert told(compiled(checkout, GUARD, branch="feature/x")) == [
        "fermata.yaml:5:10: guard: branch: Ask us.: the application follows feature/x, not main"
    ]


def test_lint_knows_no_branch_and_says_nothing(checkout: Path) -> None:
    assert told(compiled(checkout, GUARD, branch=None)) == []


def test_a_guard_in_dry_run_is_a_warning(checkout: Path) -> None:
    done = compiled(checkout, GUARD.replace("{message", "{dry_run: true, message"), branch="x")

    assert [problem.severity for problem in done.problems] == ["warning"]
    assert "branch: would deny: the application follows x" in told(done)[0]


def test_a_guard_may_be_left_to_hold(checkout: Path) -> None:
    guard = "guards: [{branch: {allow: [main], at_render: false}}]\n"

    done = compiled(checkout, guard, branch="x")

    assert told(done) == []
    assert done.plan is not None
    assert done.plan.target == "x"


@pytest.mark.parametrize("branch", ["main", "refs/heads/main"])
def test_the_plan_says_what_is_followed(checkout: Path, branch: str) -> None:
    done = compiled(checkout, GUARD, branch=branch)

    assert told(done) == []
    assert done.plan is not None
    assert done.plan.target == branch
    assert done.plan.guards == ({"message": "Ask us.", "branch": {"allow": ["main"]}},)


def test_a_policy_denies_whatever_git_says(checkout: Path) -> None:
    more = 'guards: [{name: prod, branch: {allow: ["*"]}}]\nhooks: {image: "registry/f:1"}\n'

    assert told(compiled(checkout, more, branch="x", policy=POLICY)) == [
        "fermata.yaml:1:1: guard: policy.yaml: prod: the application follows x, not main"
    ]


def test_a_policy_wants_its_hooks(checkout: Path) -> None:
    emit = compiled(checkout, 'hooks: {emit: false, image: "registry/f:1"}\n', policy=POLICY)
    image = compiled(checkout, 'hooks: {image: "elsewhere/f:1"}\n', policy=POLICY)

    assert told(emit) == ["fermata.yaml:5:15: guard: the policy wants hooks: it is asked by hold"]
    assert told(image) == ["fermata.yaml:5:16: guard: elsewhere/f:1: the policy does not name it"]


def test_a_policy_may_let_no_other_manifest_through(checkout: Path) -> None:
    more = 'manifests: {include: ["k8s/*"]}\nhooks: {image: "registry/f:1"}\n'

    done = compiled(checkout, more, policy=POLICY._replace(manifests=False))

    assert told(compiled(checkout, more, policy=POLICY)) == []
    assert told(done) == ["fermata.yaml:5:22: guard: the policy lets no other manifests through"]


def test_no_rule_silences_a_guard(checkout: Path) -> None:
    done = compiled(checkout, GUARD + "lint: {silence: [guard]}\n", branch="x")

    assert "guard" in told(done)[0]


def test_a_hook_mounts_the_policy_and_needs_it_where_the_renderer_has_one(checkout: Path) -> None:
    image = 'hooks: {image: "registry/f:1"}\n'

    without, beside = compiled(checkout, image), compiled(checkout, image, policy=POLICY)

    assert policy_volumes(without) == [{"name": "fermata-policy", "optional": True}] * 3
    assert policy_volumes(beside) == [{"name": "fermata-policy", "optional": False}] * 3


@pytest.mark.parametrize("name", ["fermata-policy", "fermata-locks", "fermata-ledger"])
def test_a_manifest_of_git_cannot_replace_what_is_fermatas_own(checkout: Path, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    (checkout / "other.yaml").write_text(yaml.safe_dump(body))

    done = compiled(checkout, "manifests: {include: [other.yaml]}\n")

    assert len(told(done)) == 1
    assert f"other.yaml:1:1: reserved-object: ConfigMap {name} is Fermata's own" in told(done)[0]
