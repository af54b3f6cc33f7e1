"""A real cluster for tests that are marked ``kubernetes``: a namespace of their own each."""

import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fermata_hooks.clock import SystemClock
from fermata_hooks.exchange import Request, bearer
from fermata_hooks.kube import Kube, cluster_of
from fermata_hooks.secret import Secret
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError
from patience import eventually

MANIFESTS = Path(__file__).parents[1] / "manifests"
GRANTED_WITHIN = SERVED_WITHIN = 30.0  # seconds
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

APPLICATION_KIND = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io, annotations: {api-approved.kubernetes.io: unapproved}}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: Application, listKind: ApplicationList, plural: applications, singular: application}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def connect() -> Kube:
    """Return the cluster of ``KUBECONFIG``."""
    return Kube(cluster_of(os.environ), clock=SystemClock(Termination()))


@contextmanager
def fresh_namespace(kube: Kube) -> Iterator[str]:
    """Make a namespace, and remove it afterwards."""
    name = f"fermata-{secrets.token_hex(4)}"
    body = {"metadata": {"name": name}}
    kube.ask(Request(method="POST", path="/api/v1/namespaces", body=body))
    try:
        yield name
    finally:
        kube.ask(Request(method="DELETE", path=f"/api/v1/namespaces/{name}"))


def install_kind(kube: Kube, manifest: Path) -> None:
    """Create or replace a CustomResourceDefinition, and wait until it is served."""
    crd: dict[str, Any] = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    name = crd["metadata"]["name"]
    try:
        kube.ask(Request(method="POST", path=CRDS, body=crd))
    except RejectedError as exc:
        if exc.status != 409:
            raise
        there = kube.ask(Request(method="GET", path=f"{CRDS}/{name}"))
        crd["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"]
        kube.ask(Request(method="PUT", path=f"{CRDS}/{name}", body=crd))
    eventually(lambda: _is_served(kube, crd["spec"]), within=SERVED_WITHIN)


def _is_served(kube: Kube, spec: Mapping[str, Any]) -> bool:
    """Whether discovery tells of the kind: it does a moment after the kind is Established."""
    path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}"
    try:
        answer = kube.ask(Request(method="GET", path=path))
    except RejectedError as exc:
        if exc.status != 404:
            raise
        return False
    return any(each["name"] == spec["names"]["plural"] for each in answer["resources"])


def somebody(kube: Kube, namespace: str, *rules: Mapping[str, Any]) -> Kube:
    """Return the cluster as a new service account sees it that may do what ``rules`` say."""
    name = f"sa-{secrets.token_hex(4)}"
    core, rbac = f"/api/v1/namespaces/{namespace}", "/apis/rbac.authorization.k8s.io/v1"
    meta = {"metadata": {"name": name}}
    bound = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    for path, body in (
        (f"{core}/serviceaccounts", meta),
        (f"{rbac}/namespaces/{namespace}/roles", meta | {"rules": list(rules)}),
        (f"{rbac}/namespaces/{namespace}/rolebindings", meta | bound),
    ):
        kube.ask(Request(method="POST", path=path, body=body))
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = kube.ask(
        Request(method="POST", path=f"{core}/serviceaccounts/{name}/token", body=asked)
    )
    ours = cluster_of(os.environ)
    token = answer["status"]["token"]
    theirs = replace(ours, client_certificate=None, headers=lambda: bearer(Secret(token)))
    somebody = Kube(theirs, clock=kube.clock)
    eventually(lambda: _may(somebody, namespace, rules), within=GRANTED_WITHIN)
    return somebody


def _may(somebody: Kube, namespace: str, rules: Collection[Mapping[str, Any]]) -> bool:
    """Whether the API server's authorizer has seen the rules: it hears of them a moment later."""
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = somebody.ask(Request(method="POST", path=path, body=asked))
    seen = answer["status"]["resourceRules"]
    return all(
        any(
            set(rule["verbs"]) <= set(each["verbs"])
            and set(rule["resources"]) <= set(each.get("resources", []))
            for each in seen
        )
        for rule in rules
    )


def rule(group: str, resources: str, *verbs: str) -> dict[str, Any]:
    """Return an RBAC rule."""
    return {"apiGroups": [group], "resources": [resources], "verbs": list(verbs)}
