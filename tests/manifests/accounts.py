"""Service accounts of our manifests on a real API server, and which of their rights are used."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Request, bearer
from fermata_hooks.kube import Cluster, Kube, cluster_of
from fermata_hooks.secret import Secret
from manifests.kustomizing import Manifest

_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)/namespaces/[^/]+/(?P<resource>[^/?]+)"
    r"(?:/(?P<name>[^/?]+)(?:/(?P<sub>[^/?]+))?)?$"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


class Right(NamedTuple):
    """One verb on one resource; ``name`` is empty for every name, and where there is none."""

    group: str
    resource: str
    verb: str
    name: str = ""


class RecordingKube(Kube):
    """A ``Kube`` that remembers which rights its requests need."""

    def __init__(self, cluster: Cluster, *, clock: Clock) -> None:
        super().__init__(cluster, clock=clock)
        self.used: set[Right] = set()

    def ask(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        self.used.add(right_of(request))
        return super().ask(request)

    def stream(self, request: Request, *, patience: float) -> Iterator[Any]:
        self.used.add(right_of(request))
        return super().stream(request, patience=patience)


def right_of(request: Request) -> Right:
    """Return the right that a request needs."""
    found = _PATH.fullmatch(request.path)
    assert found is not None, request.path
    name = found["name"] or ""
    read = "watch" if ("watch", "1") in request.query else "get" if name else "list"
    resource = f"{found['resource']}/{found['sub']}" if found["sub"] else found["resource"]
    return Right(found["group"] or "", resource, _VERBS.get(request.method, read), name)


def granted(roles: Collection[Manifest]) -> set[Right]:
    """Return what roles allow."""
    return {
        Right(group, resource, verb, name)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def needed(used: Collection[Right], rights: Collection[Right]) -> set[Right]:
    """Return the rights that ``used`` needs, with names only where ``rights`` have names."""
    named = {right[:3] for right in rights if right.name}
    return {right if right[:3] in named else right._replace(name="") for right in used}


def install(kube: Kube, namespace: str, objects: Sequence[Manifest], airflow: str) -> None:
    """Create accounts, roles and their bindings in ``namespace``; subjects are in ``airflow``."""
    paths = {
        "ServiceAccount": f"/api/v1/namespaces/{namespace}/serviceaccounts",
        "Role": f"{_RBAC}/{namespace}/roles",
        "RoleBinding": f"{_RBAC}/{namespace}/rolebindings",
    }
    for each in objects:
        metadata = {**each["metadata"], "namespace": namespace}
        body = {**each, "metadata": metadata}
        if each["kind"] == "RoleBinding":
            body["subjects"] = [{**s, "namespace": airflow} for s in each["subjects"]]
        kube.ask(Request(method="POST", path=paths[each["kind"]], body=body))


def as_account(kube: Kube, namespace: str, name: str) -> RecordingKube:
    """Return the cluster as a service account sees it."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    token = kube.ask(Request(method="POST", path=path, body=asked))["status"]["token"]
    ours = cluster_of(os.environ)
    theirs = replace(ours, client_certificate=None, headers=lambda: bearer(Secret(token)))
    return RecordingKube(theirs, clock=kube.clock)
