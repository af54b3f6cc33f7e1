"""Argo CD, as the objects in its namespace tell of it; nothing is asked of its API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fermata_hooks.diagnosis._examination import Examination, as_yaml
from fermata_hooks.diagnosis._hooks import examine_hooks
from fermata_hooks.diagnosis._windows import freezing
from fermata_hooks.kube import APPLICATIONS, CONFIG_MAPS, Kube, ObjectDict, Objects, Resource
from fermata_spec import __version__

DEPLOYMENTS = Resource("apps/v1", "deployments")
PROJECTS = Resource("argoproj.io/v1alpha1", "appprojects")
PLUGIN = f"fermata-v{__version__}"
OLDEST = (2, 14)
"""The first Argo CD whose hooks have a finalizer: without it a Job that is gone hangs a sync."""

HEALTH_KEY = "resource.customizations.health.fermata.dev_DagSet"
ACTIONS_KEY = "resource.customizations.actions.fermata.dev_DagSet"
TAR_KEY = "reposerver.plugin.tar.exclusions"
_PLUGIN_FILE = "/home/argocd/cmp-server/config/plugin.yaml"
_FOLDER = "manifests/health/fermata.dev_DagSet"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Argo CD is, and the namespace that its applications of ours are deployed to."""

    kube: Kube
    argocd: str
    airflow: str

    def objects(self, resource: Resource) -> Objects:
        """Return objects in Argo CD's namespace."""
        return Objects(self.kube, resource, self.argocd)


def examine_argocd(found: Examination, kube: Kube, *, argocd: str, airflow: str) -> None:
    """Look at everything that Fermata needs of an Argo CD; ``airflow`` is our own namespace."""
    place = Place(kube=kube, argocd=argocd, airflow=airflow)
    _settings(found, place)
    _sidecar(found, place)
    name = "Applications"
    with found.looking(name, _grant(place, "applications.argoproj.io", "get,list")):
        ours = [a for a in place.objects(APPLICATIONS).list() if _is_ours(a, airflow)]
        if not ours:
            told = f"none in {argocd} deploys a DagSet to {airflow}"
            found.unknown(name, told, "# docs/install.md, step 5")
        for application in ours:
            _application(found, application)
        _windows(found, place, ours)
    examine_hooks(found, place.kube, namespace=airflow, argocd=argocd)


def _settings(found: Examination, place: Place) -> None:
    name = "health of DagSets"
    with found.looking(name, _grant(place, "configmaps", "get")):
        data = _data(place, "argocd-cm")
        _key(found, place, data, name=name, key=HEALTH_KEY, file="health.lua")
        _key(found, place, data, name="buttons of DagSets", key=ACTIONS_KEY, file="actions.yaml")
        tar = _data(place, "argocd-cmd-params-cm").get(TAR_KEY, "")
        name = "exclusions of the plugin's tar"
        if ".git" in tar:
            found.good(name, tar)
        else:
            params = f'configmap argocd-cmd-params-cm --type merge -p \'{{"data":{{"{TAR_KEY}":'
            mend = f'kubectl -n {place.argocd} patch {params}".git/*"}}}}\''
            found.bad(name, "all of .git goes to every plugin at every refresh", mend)


def _key(  # noqa: PLR0913 - one key, by name
    found: Examination, place: Place, data: Mapping[str, str], *, name: str, key: str, file: str
) -> None:
    if data.get(key, "").strip():
        found.good(name, f"argocd-cm has {key}")
        return
    create = (
        f"create configmap argocd-cm --dry-run=client -o json --from-file={key}={_FOLDER}/{file}"
    )
    patch = "patch configmap argocd-cm --type merge --patch-file /dev/stdin"
    mend = f"kubectl {create} |\n  kubectl -n {place.argocd} {patch}"
    found.bad(name, f"argocd-cm has no {key}", mend)


def _sidecar(found: Examination, place: Place) -> None:
    name = "plugin's sidecar"
    with found.looking(name, _grant(place, "deployments.apps", "get")):
        server = place.objects(DEPLOYMENTS).get("argocd-repo-server") or {}
        containers = _pod(server).get("containers") or []
        _version(found, containers)
        images = [str(c.get("image")) for c in containers if _is_sidecar(c)]
        ours = [image for image in images if "fermata" in image]
        mend = "# docs/install.md, step 3: the sidecar of argocd-repo-server"
        if not ours:
            others = f" (others: {', '.join(images)})" if images else ""
            found.bad(name, f"argocd-repo-server has none of ours{others}", mend)
        elif not ours[0].partition("@")[0].endswith(f":{__version__}"):
            found.unknown(name, f"{ours[0]}: this is {__version__}", mend)
        else:
            found.good(name, ours[0])


def _version(found: Examination, containers: list[Any]) -> None:
    images = [str(c.get("image")) for c in containers if c.get("name") == "argocd-repo-server"]
    match = re.search(r":v?(\d+)\.(\d+)", images[0]) if images else None
    if match is None:
        found.unknown("Argo CD", f"{images[0] if images else 'no argocd-repo-server'}: no version")
    elif (int(match[1]), int(match[2])) < OLDEST:
        told = f"{images[0]}: older than 2.14: a hook's Job that is gone hangs a sync"
        found.bad("Argo CD", told, "# upgrade Argo CD")
    else:
        found.good("Argo CD", images[0])


def _application(found: Examination, application: ObjectDict) -> None:
    """Look at the plugin's name, which carries the version: Argo CD caches by it."""
    name = str(application["metadata"]["name"])
    plugins = [p for p in _plugins(application) if p.startswith("fermata")]
    wrong = [plugin for plugin in plugins if plugin != PLUGIN]
    if wrong:
        mend = as_yaml({"source": {"plugin": {"name": PLUGIN}}})
        told = f"plugin {wrong[0]}, and this is {PLUGIN}"
        found.bad(f"application {name}", told, "# in its spec:", mend)
    else:
        found.good(f"application {name}", f"rendered by {plugins[0] if plugins else 'another'}")


def _windows(found: Examination, place: Place, ours: list[ObjectDict]) -> None:
    """Look for windows that close in the middle of a sync: it stands still, with DAGs held."""
    projects = {str(p["metadata"]["name"]): p for p in place.objects(PROJECTS).list()}
    for application in ours:
        name = f"sync windows of {application['metadata']['name']}"
        project = str((application.get("spec") or {}).get("project", "default"))
        if project not in projects:
            found.unknown(name, f"there is no AppProject {project} in {place.argocd}")
            continue
        windows = (projects[project].get("spec") or {}).get("syncWindows") or []
        wrong = freezing(windows, application)
        if not wrong:
            found.good(name, "none can freeze a sync")
        for index in wrong:
            window = windows[index]
            told = f"{window.get('kind')} {window.get('schedule')!r} for {window.get('duration')}"
            told += ": it freezes a sync that runs when it closes, with its DAGs held"
            step = f'[{{"op":"add","path":"/spec/syncWindows/{index}/syncOverrun","value":true}}]'
            mend = f"kubectl -n {place.argocd} patch appproject {project} --type json -p '{step}'"
            found.bad(name, told, mend)


def _is_ours(application: ObjectDict, namespace: str) -> bool:
    """Return whether an Application deploys to ``namespace`` what Fermata renders."""
    spec, status = application.get("spec") or {}, application.get("status") or {}
    if (spec.get("destination") or {}).get("namespace") != namespace:
        return False
    rows = status.get("resources") or []
    has_dagset = any(isinstance(row, Mapping) and row.get("kind") == "DagSet" for row in rows)
    return has_dagset or any(plugin.startswith("fermata") for plugin in _plugins(application))


def _plugins(application: ObjectDict) -> list[str]:
    spec = application.get("spec") or {}
    sources = [spec.get("source") or {}, *(spec.get("sources") or [])]
    return [str((each.get("plugin") or {}).get("name", "")) for each in sources if each]


def _is_sidecar(container: Mapping[str, Any]) -> bool:
    mounts = container.get("volumeMounts") or ()
    return any(mount.get("mountPath") == _PLUGIN_FILE for mount in mounts)


def _pod(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    template = (deployment.get("spec") or {}).get("template") or {}
    pod: Mapping[str, Any] = template.get("spec") or {}
    return pod


def _data(place: Place, name: str) -> Mapping[str, str]:
    data: Mapping[str, str] = (place.objects(CONFIG_MAPS).get(name) or {}).get("data") or {}
    return data


def _grant(place: Place, resource: str, verbs: str) -> str:
    role = f"create role fermata-doctor --verb={verbs} --resource={resource}"
    return f"# as who may read them, or: kubectl -n {place.argocd} {role}"
