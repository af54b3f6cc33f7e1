"""Hook annotations of other manifests: what Argo CD would ignore without a word is a finding."""

from pathlib import Path

import pytest

from fermata_plugin.render import compile_checkout

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"]}
manifests: {include: ["k8s/*.yaml"]}
"""


def told(checkout: Path, annotations: str, name: str = "name: migrate") -> list[str]:
    (checkout / "dags").mkdir()
    (checkout / "k8s").mkdir()
    (checkout / "fermata.yaml").write_text(FERMATA_YAML)
    (checkout / "dags" / "a.yaml").write_text("a:\n  tasks: {t: {operator: x.Y}}\n")
    job = f"metadata: {{{name}, annotations: {{{annotations}}}}}\n"
    (checkout / "k8s" / "job.yaml").write_text(f"apiVersion: batch/v1\nkind: Job\n{job}")
    return [problem.message for problem in compile_checkout(str(checkout)).problems]


@pytest.mark.parametrize(
    "annotations",
    [
        "argocd.argoproj.io/hook: PreSync",
        "argocd.argoproj.io/hook: 'PreSync, PreDelete'",
        "argocd.argoproj.io/hook: PostDelete, argocd.argoproj.io/hook-delete-policy: HookSucceeded",
        "argocd.argoproj.io/sync-wave: '-5'",
        "helm.sh/hook: 'pre-install,pre-rollback'",
        "helm.sh/hook: test, argocd.argoproj.io/hook: PostSync",
        "helm.sh/hook-delete-policy: before-hook-creation",
        "example.com/hook: anything",
    ],
)
def test_what_argo_cd_knows_is_passed_on(tmp_path: Path, annotations: str) -> None:
    assert told(tmp_path, annotations) == []


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ("argocd.argoproj.io/hook: presync", "'presync' is none: Argo CD ignores it"),
        ("argocd.argoproj.io/hook: ''", "'' is none: Argo CD ignores it"),
        ("argocd.argoproj.io/hook: 'PreSync,Pre-Sync'", "'Pre-Sync' is none"),
        ("argocd.argoproj.io/hook-delete-policy: Never", "'Never' is none"),
        ("argocd.argoproj.io/sync-wave: 5", "5 is no whole number in quotes"),
        ("argocd.argoproj.io/sync-wave: first", "'first' is no whole number in quotes"),
        ("helm.sh/hook: test", "'test' is no hook to Argo CD: it never applies the object"),
        ("helm.sh/hook: post-rollback", "'post-rollback' is no hook to Argo CD"),
        ("helm.sh/hook-delete-policy: HookFailed", "'HookFailed' is none"),
    ],
)
def test_what_argo_cd_would_ignore_is_a_finding(
    tmp_path: Path, annotations: str, message: str
) -> None:
    (problem,) = told(tmp_path, annotations)

    assert problem.startswith(message)


def test_a_hook_at_deletion_has_a_name_of_its_own(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, "argocd.argoproj.io/hook: PreDelete", "generateName: clean-")

    assert "a hook at deletion with generateName" in problem
