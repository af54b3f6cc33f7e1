"""Everything in ``manifests`` that a user builds is valid, confined, and says why it is there."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from fermata_spec import __version__
from manifests.kubernetes_releases import RELEASES, validate
from manifests.kustomizing import MANIFESTS, Manifest, build, build_with, folders, one
from manifests.pod_security import violations

DEPRECATED = {"bases", "commonLabels", "patchesJson6902", "patchesStrategicMerge", "vars"}
IMAGE = f"airflow-fermata:{__version__}"
LUA = MANIFESTS / "health" / "fermata.dev_DagSet"
FILES = [path for path in sorted(MANIFESTS.rglob("*.yaml")) if LUA not in path.parents]
OBJECTS = [path for path in FILES if path.name not in ("kustomization.yaml", "plugin.yaml")]
COMPONENTS = folders("Component")
BESIDE_AIRFLOW = [c for c in COMPONENTS if c.parent.name == "components"]

kubectl = pytest.mark.kubectl


def relative(path: Path) -> str:
    return str(path.relative_to(MANIFESTS))


def read(path: Path) -> Manifest:
    parsed: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def pods(objects: Sequence[Manifest]) -> list[Manifest]:
    return [o["spec"]["template"]["spec"] for o in objects if o["kind"] in ("Deployment", "Job")]


def check(objects: Sequence[Manifest]) -> None:
    """Assert what is true of everything that we give to anybody."""
    for each in objects:
        for release in RELEASES:
            validate(each, release)
    for pod in pods(objects):
        assert violations(pod) == []
        for container in pod["containers"]:
            assert not container["image"].endswith(":latest")
            if container["image"].startswith("airflow-fermata"):
                assert container["resources"].keys() == {"requests", "limits"}


@kubectl
@pytest.mark.slow
@pytest.mark.parametrize("folder", folders("Kustomization"), ids=relative)
def test_each_kustomization_is_valid_on_each_kubernetes(folder: Path) -> None:
    check(build(folder))


@kubectl
@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS, ids=relative)
def test_each_component_is_valid_by_itself(component: Path, tmp_path: Path) -> None:
    check(build_with(tmp_path, [component]))


@kubectl
@pytest.mark.slow
def test_all_components_go_together(tmp_path: Path) -> None:
    objects = build_with(tmp_path, BESIDE_AIRFLOW)

    check(objects)
    watch = one(objects, "Deployment", "fermata-watch")["spec"]["template"]["spec"]
    names = [each["name"] for each in watch["containers"][0]["env"]]
    assert len(names) == len(set(names))
    assert {"FERMATA_ARGOCD_NAMESPACE", "FERMATA_ARGOCD_TOKEN_FILE"} <= set(names)


@kubectl
@pytest.mark.slow
def test_the_quickstart_stands_in_one_namespace() -> None:
    objects = build(MANIFESTS / "overlays" / "quickstart")

    cluster_wide = {"CustomResourceDefinition"}
    spaces = {o["metadata"].get("namespace") for o in objects if o["kind"] not in cluster_wide}
    assert spaces == {"airflow"}
    watch = one(objects, "Deployment", "fermata-watch")["spec"]["template"]["spec"]
    assert watch["containers"][0]["image"] == f"registry.example/{IMAGE}"
    subjects = [s for o in objects if o["kind"] == "RoleBinding" for s in o["subjects"]]
    assert {subject["namespace"] for subject in subjects} == {"airflow"}


@kubectl
@pytest.mark.slow
def test_argo_cd_gets_the_sidecar_the_health_and_the_role(tmp_path: Path) -> None:
    objects = build_with(tmp_path, [MANIFESTS / "argocd"])

    health = one(objects, "ConfigMap", "argocd-cm")
    assert health["metadata"]["labels"] == {"app.kubernetes.io/part-of": "argocd"}
    script = health["data"]["resource.customizations.health.fermata.dev_DagSet"]
    assert script == (LUA / "health.lua").read_text(encoding="utf-8")
    buttons = health["data"]["resource.customizations.actions.fermata.dev_DagSet"]
    assert buttons == (LUA / "actions.yaml").read_text(encoding="utf-8")
    pod = one(objects, "Deployment", "argocd-repo-server")["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["containers"]] == ["fermata", "argocd-repo-server"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    plugin = one(objects, "ConfigMap", volumes["fermata-plugin"]["configMap"]["name"])
    assert plugin["data"]["plugin.yaml"] == (MANIFESTS / "plugin/plugin.yaml").read_text("utf-8")
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} <= volumes.keys()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_each_file_is_one_object_and_says_first_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert len(list(yaml.safe_load_all(text))) == 1


@pytest.mark.parametrize("path", OBJECTS, ids=relative)
def test_each_file_is_named_for_its_object(path: Path) -> None:
    whole = read(path)
    kind = whole["kind"].lower()
    short = {"customresourcedefinition": "crd"}.get(kind, kind)

    name = whole["metadata"]["name"].removesuffix(".fermata.dev")
    assert path.name == f"{name}-{short}.yaml"


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "kustomization.yaml"], ids=relative)
def test_each_kustomization_names_each_of_its_files_and_nothing_deprecated(path: Path) -> None:
    whole, text = read(path), path.read_text(encoding="utf-8")

    assert whole.keys().isdisjoint(DEPRECATED)
    for other in path.parent.glob("*.yaml"):
        assert other == path or other.name in text


def test_the_image_is_named_once_on_each_side_with_the_version_of_this_release() -> None:
    images = [
        container["image"]
        for path in OBJECTS
        if read(path)["kind"] == "Deployment"
        for container in read(path)["spec"]["template"]["spec"]["containers"]
        if "image" in container
    ]

    assert images == [IMAGE, IMAGE]


def test_the_plugin_is_named_with_the_version_of_this_release() -> None:
    plugin = read(MANIFESTS / "plugin" / "plugin.yaml")

    assert plugin["kind"] == "ConfigManagementPlugin"
    assert plugin["spec"]["version"] == f"v{__version__}"
    assert plugin["spec"].keys() == {"version", "generate", "parameters"}
    name = f"{plugin['metadata']['name']}-v{__version__}"
    assert name in (MANIFESTS / "plugin" / "plugin.yaml").read_text("utf-8").splitlines()[0]


def test_nothing_may_touch_a_secret_or_another_namespace() -> None:
    rules = [rule for path in OBJECTS if "role.yaml" in path.name for rule in read(path)["rules"]]

    assert all("secrets" not in rule["resources"] for rule in rules)
    assert not {"*"} & {each for rule in rules for part in rule.values() for each in part}
    assert not [path for path in OBJECTS if read(path)["kind"].startswith("Cluster")]
