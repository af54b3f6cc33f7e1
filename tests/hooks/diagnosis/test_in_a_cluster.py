"""What doctor finds in a real cluster: rights, kinds, and an Argo CD by its objects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters import APPLICATION_KIND, MANIFESTS, connect, fresh_namespace, install_kind, somebody
from fermata_hooks.diagnosis import HOOKS, Examination, examine_argocd, examine_cluster
from fermata_hooks.diagnosis._argocd import (
    ACTIONS_KEY,
    DEPLOYMENTS,
    HEALTH_KEY,
    PLUGIN,
    PROJECTS,
    TAR_KEY,
)
from fermata_hooks.kube import APPLICATIONS, CONFIG_MAPS, JOBS, Kube, Objects, Resource
from fermata_spec import __version__
from fermata_spec.report import Check

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

PROJECT_KIND = APPLICATION_KIND.replace("Application", "AppProject").replace(
    "application", "appproject"
)
KEYS = (HEALTH_KEY, ACTIONS_KEY)
POD = {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}
WINDOW = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"]}


def by_name(found: Examination) -> dict[str, Check]:
    return {check.name: check for check in found.checks}


def wrong(found: Examination) -> set[str]:
    return {check.name for check in found.checks if check.verdict != "pass"}


def cluster_as(kube: Kube, namespace: str, *, account: str = "") -> Examination:
    install_kind(connect(), MANIFESTS / "base" / "dagsets-crd.yaml")
    found = Examination()
    examine_cluster(found, kube, kube.clock, namespace=namespace, rights=HOOKS, account=account)
    return found


@pytest.fixture
def namespace() -> Iterator[str]:
    with fresh_namespace(connect()) as namespace:
        yield namespace


def rules(*, without: str = "") -> list[dict[str, Any]]:
    return [
        {"apiGroups": [r.group], "resources": [r.resource], "verbs": [r.verb]}
        for r in HOOKS
        if r.told != without
    ]


def test_an_account_with_all_rights_lacks_none(namespace: str) -> None:
    found = cluster_as(somebody(connect(), namespace, *rules()), namespace)

    assert wrong(found) == set()


@pytest.mark.parametrize("lacking", [right.told for right in HOOKS])
def test_each_right_that_is_missing_is_named_with_the_command_that_gives_it(
    namespace: str, lacking: str
) -> None:
    found = cluster_as(somebody(connect(), namespace, *rules(without=lacking)), namespace)

    assert wrong(found) == {f"may {lacking}"}
    create, bind = by_name(found)[f"may {lacking}"].lines[-2:]
    verb, _, resource = lacking.partition(" ")
    assert f"--verb={verb} --resource={resource.partition('/')[0]}" in create
    assert "create rolebinding" in bind


def test_a_person_may_ask_for_another_account(namespace: str) -> None:
    found = cluster_as(connect(), namespace, account="fermata")

    assert len(wrong(found)) == len(HOOKS)
    lines = by_name(found)["may create events"].lines
    assert lines[-1].endswith(f"--serviceaccount={namespace}:fermata")


def test_who_may_not_ask_for_another_account_is_told_of_the_job(namespace: str) -> None:
    found = cluster_as(somebody(connect(), namespace), namespace, account="fermata")

    (check,) = (c for c in found.checks if c.verdict != "pass")
    assert check.verdict == "inconclusive"
    assert "kubectl apply -k manifests/overlays/doctor" in check.lines


class ArgoCd:
    """An Argo CD as its objects tell of it, in a namespace; all is well at first."""

    def __init__(self, kube: Kube, argocd: str, airflow: str) -> None:
        self.kube, self.argocd, self.airflow = kube, argocd, airflow
        self.make(
            CONFIG_MAPS, {"metadata": {"name": "argocd-cm"}, "data": dict.fromkeys(KEYS, "x")}
        )
        params = {"metadata": {"name": "argocd-cmd-params-cm"}, "data": {TAR_KEY: ".git/*"}}
        self.make(CONFIG_MAPS, params)
        mounts = [{"name": "f", "mountPath": "/home/argocd/cmp-server/config/plugin.yaml"}]
        image = f"registry.example/airflow-fermata:{__version__}"
        sidecar = {"name": "fermata", "image": image, "volumeMounts": mounts}
        server = {"name": "argocd-repo-server", "image": "registry.example/argocd:v3.1.0"}
        pod = {"containers": [server, sidecar], "volumes": [{"name": "f", "emptyDir": {}}]}
        labels = {"a": "b"}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        self.make(DEPLOYMENTS, {"metadata": {"name": "argocd-repo-server"}, "spec": spec})
        self.make(PROJECTS, self._ours("AppProject", "dags", {}))
        application = {
            "project": "dags",
            "source": {"plugin": {"name": PLUGIN}},
            "destination": {"namespace": airflow},
        }
        self.make(APPLICATIONS, self._ours("Application", "shop", application))
        self.make_hook("fermata-hold-shop")

    def _ours(self, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        version = "argoproj.io/v1alpha1"
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}

    def make(self, resource: Resource, body: dict[str, Any]) -> None:
        self.of(resource).create(body)

    def of(self, resource: Resource) -> Objects:
        return Objects(self.kube, resource, self.argocd)

    def make_hook(
        self, name: str, *, phase: str = "PreSync", policy: str = "BeforeHookCreation"
    ) -> None:
        annotations = {
            "argocd.argoproj.io/hook": phase,
            "argocd.argoproj.io/hook-delete-policy": policy,
            "argocd.argoproj.io/tracking-id": f"shop:batch/Job:{self.airflow}/{name}",
        }
        labels = {"app.kubernetes.io/name": "fermata"}
        metadata = {"name": name, "annotations": annotations, "labels": labels}
        body = {"metadata": metadata, "spec": {"template": {"spec": POD}, "parallelism": 0}}
        Objects(self.kube, JOBS, self.airflow).create(body)

    def examined(self, kube: Kube | None = None) -> Examination:
        found = Examination()
        examine_argocd(found, kube or self.kube, argocd=self.argocd, airflow=self.airflow)
        return found


@pytest.fixture
def argocd(namespace: str, tmp_path: Path) -> Iterator[ArgoCd]:
    kube = connect()
    for kind in (APPLICATION_KIND, PROJECT_KIND):
        (tmp_path / "kind.yaml").write_text(kind)
        install_kind(kube, tmp_path / "kind.yaml")
    with fresh_namespace(kube) as argocd:
        yield ArgoCd(kube, argocd, namespace)


def test_an_argo_cd_that_has_all_it_needs_gives_nothing_to_mend(argocd: ArgoCd) -> None:
    found = argocd.examined()

    assert wrong(found) == set()
    assert by_name(found)["Argo CD"].message.endswith("argocd:v3.1.0")


def test_a_missing_health_check_comes_with_the_command_that_installs_it(argocd: ArgoCd) -> None:
    argocd.of(CONFIG_MAPS).merge("argocd-cm", {"data": None})

    found = argocd.examined()

    assert wrong(found) == {"health of DagSets", "buttons of DagSets"}
    assert "health.lua" in " ".join(by_name(found)["health of DagSets"].lines)


def test_a_missing_sidecar_and_all_of_git_in_the_tar_are_told(argocd: ArgoCd) -> None:
    argocd.of(CONFIG_MAPS).delete("argocd-cmd-params-cm")
    argocd.of(DEPLOYMENTS).delete("argocd-repo-server")

    found = argocd.examined()

    assert {"exclusions of the plugin's tar", "plugin's sidecar"} <= wrong(found)


def test_an_older_argo_cd_and_an_older_sidecar_are_told(argocd: ArgoCd) -> None:
    step = "/spec/template/spec/containers"
    argocd.of(DEPLOYMENTS).edit(
        "argocd-repo-server",
        [
            {"op": "replace", "path": f"{step}/0/image", "value": "registry.example/argocd:v2.8.4"},
            {"op": "replace", "path": f"{step}/1/image", "value": "x/airflow-fermata:0.0.1"},
        ],
    )

    found = by_name(argocd.examined())

    assert found["Argo CD"].verdict == "fail"
    assert found["plugin's sidecar"].verdict == "inconclusive"


def test_an_application_of_another_release_of_the_plugin_is_told(argocd: ArgoCd) -> None:
    change = {"spec": {"source": {"plugin": {"name": "fermata-v0.0.1"}}}}
    argocd.of(APPLICATIONS).merge("shop", change)

    found = argocd.examined()

    assert wrong(found) == {"application shop"}
    assert f"name: {PLUGIN}" in "\n".join(by_name(found)["application shop"].lines)


def test_a_window_that_freezes_a_sync_comes_with_its_patch(argocd: ArgoCd) -> None:
    over = WINDOW | {"syncOverrun": True}
    argocd.of(PROJECTS).merge("dags", {"spec": {"syncWindows": [over, WINDOW]}})

    found = argocd.examined()

    assert wrong(found) == {"sync windows of shop"}
    assert "/spec/syncWindows/1/syncOverrun" in by_name(found)["sync windows of shop"].lines[0]


@pytest.mark.parametrize(
    ("phase", "policy", "told"),
    [
        ("Presync", "BeforeHookCreation", "'Presync' is no phase"),
        ("", "BeforeHookCreation", "'' is no phase"),
        ("PreSync", "HookSucceeded", "without BeforeHookCreation"),
    ],
)
def test_an_annotation_that_argo_cd_ignores_is_told(
    argocd: ArgoCd, phase: str, policy: str, told: str
) -> None:
    argocd.make_hook("fermata-other", phase=phase, policy=policy)

    found = argocd.examined()

    assert wrong(found) == {"hook fermata-other"}
    assert told in by_name(found)["hook fermata-other"].message


def test_a_finalizer_that_nobody_will_remove_comes_with_its_removal(argocd: ArgoCd) -> None:
    jobs = Objects(argocd.kube, JOBS, argocd.airflow)
    left = {"metadata": {"finalizers": ["argocd.argoproj.io/hook-finalizer"]}}
    jobs.merge("fermata-hold-shop", left)
    running = {"status": {"operationState": {"phase": "Running"}}}
    argocd.of(APPLICATIONS).merge("shop", running)
    meanwhile = wrong(argocd.examined())
    argocd.of(APPLICATIONS).merge("shop", {"status": {"operationState": {"phase": "Error"}}})

    found = argocd.examined()
    jobs.merge("fermata-hold-shop", {"metadata": {"finalizers": None}})

    assert meanwhile == set()
    assert wrong(found) == {"finalizer of fermata-hold-shop"}
    (command,) = by_name(found)["finalizer of fermata-hold-shop"].lines
    assert command.startswith(f"kubectl -n {argocd.airflow} patch job fermata-hold-shop")


def test_what_may_not_be_read_is_inconclusive_with_the_role_that_allows_it(
    argocd: ArgoCd,
) -> None:
    nobody = somebody(argocd.kube, argocd.airflow)

    found = argocd.examined(nobody)

    assert {check.verdict for check in found.checks} == {"inconclusive"}
    assert all("create role fermata-doctor" in check.lines[0] for check in found.checks)
