"""Kustomizations, built by ``kubectl kustomize`` as a user would build them."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
STOCK_ARGOCD = Path(__file__).parent / "stock-argocd"

Manifest = dict[str, Any]


def folders(kind: str) -> list[Path]:
    """Return the folders that hold a ``Kustomization`` or a ``Component``."""
    return [
        path.parent
        for path in sorted(MANIFESTS.rglob("kustomization.yaml"))
        if yaml.safe_load(path.read_text(encoding="utf-8"))["kind"] == kind
    ]


def build(folder: Path, *, warns: bool = False) -> list[Manifest]:
    """Return the objects of the kustomization in ``folder``; fail as kubectl fails.

    ``warns``: it may warn, of what Argo CD itself writes into a kustomization.
    """
    kubectl = shutil.which("kubectl") or "kubectl"
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert warns or done.stderr == "", "kubectl warns of what is deprecated"
    return list(yaml.safe_load_all(done.stdout))


def build_with(folder: Path, components: Sequence[Path]) -> list[Manifest]:
    """Return the objects of an overlay, made in ``folder``, that has ``components``.

    Those beside Airflow stand on our base, those beside Argo CD on a stock Argo CD.
    """
    beside_airflow = all(c.is_relative_to(MANIFESTS / "components") for c in components)
    base = MANIFESTS / "base" if beside_airflow else STOCK_ARGOCD
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(base, folder)],
        "components": [os.path.relpath(component, folder) for component in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return build(folder)


def one(objects: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """Return the one object of that kind and name."""
    (found,) = (o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name))
    return found
