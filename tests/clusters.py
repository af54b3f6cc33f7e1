"""A real cluster for tests that are marked ``kubernetes``: a namespace of their own each."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from fermata_hooks.clock import SystemClock
from fermata_hooks.exchange import Request
from fermata_hooks.kube import Kube, cluster_of
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError

MANIFESTS = Path(__file__).parents[1] / "manifests"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


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
    """Create a CustomResourceDefinition, if it is not there, and wait until it is served."""
    crd: dict[str, Any] = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    name = crd["metadata"]["name"]
    try:
        kube.ask(Request(method="POST", path=CRDS, body=crd))
    except RejectedError as exc:
        if exc.status != 409:
            raise
    for _ in range(100):
        status = kube.ask(Request(method="GET", path=f"{CRDS}/{name}")).get("status") or {}
        conditions = status.get("conditions") or ()
        if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
            return
        kube.clock.sleep(0.05)
    raise TimeoutError(f"{name}: not established")
