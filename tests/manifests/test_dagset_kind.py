"""The kind DagSet on a real API server: what it takes, refuses, and lets ``kubectl`` show."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from clusters import connect, fresh_namespace, install_kind
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.kube import DAGSETS, Kube, Objects
from fermata_spec.dagset import DagSetStatus, Figures, Verified, dagset
from fermata_spec.errors import RejectedError
from fermata_spec.names import dagset_name
from manifests.kustomizing import MANIFESTS
from workplaces import OLD, make_plan

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

NAME = dagset_name("demo")
STATUS = DagSetStatus(
    revision=OLD,
    verdict="fail",
    message="of 2 DAGs that git wants 1 missing: etl (etl.py)",
    verified=Verified(
        revision=OLD, at="2026-11-24T13:08:00Z", evidence="doc_md", digests={"etl": "0" * 16}
    ),
    unproven=("etl",),
    dags=Figures(wanted=2, present=1, missing=1, held=1),
    offenders=("etl",),
)


class Kind(NamedTuple):
    kube: Kube
    namespace: str
    objects: Objects


@pytest.fixture
def kind() -> Iterator[Kind]:
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace:
        objects = Objects(kube, DAGSETS, namespace)
        objects.create(dagset(make_plan("etl", "load"), name=NAME))
        yield Kind(kube, namespace, objects)


@pytest.mark.parametrize(
    "status",
    [
        STATUS,
        DagSetStatus(),
        replace(STATUS, phase="Syncing", verdict=""),
        replace(STATUS, message="ü" * 20_000),
        replace(STATUS, unproven=tuple(f"dag{n}" for n in range(20_000))),
    ],
    ids=["failed", "empty", "syncing", "a long message", "many DAGs"],
)
def test_all_that_is_written_is_taken_and_kept(kind: Kind, status: DagSetStatus) -> None:
    dagsets = KubernetesDagSets(kind.kube, kind.namespace)

    dagsets.write("demo", status)

    assert dagsets.read("demo") == replace(status, message=status.message[:4096])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/application", ""),
        ("/spec/dags/0/dagId", 7),
        ("/spec/dags/0", {"dagId": "etl"}),
        ("/spec/dags", {}),
    ],
)
def test_a_spec_that_says_nothing_is_refused(kind: Kind, path: str, value: object) -> None:
    with pytest.raises(RejectedError, match="422"):
        kind.objects.edit(NAME, [{"op": "add", "path": path, "value": value}])


@pytest.mark.parametrize(
    "status",
    [{"phase": "Paused"}, {"verdict": "maybe"}, {"dags": {"held": -1}}, {"offenders": ["x"] * 11}],
    ids=str,
)
def test_a_status_that_health_does_not_know_is_refused(kind: Kind, status: dict[str, Any]) -> None:
    step = {"op": "add", "path": "/status", "value": status}
    with pytest.raises(RejectedError, match="422"):
        kind.objects.edit(NAME, [step], subresource="status")


@pytest.mark.kubectl
def test_kubectl_get_dags_says_what_matters(kind: Kind) -> None:
    KubernetesDagSets(kind.kube, kind.namespace).write("demo", STATUS)
    kubectl = shutil.which("kubectl") or "kubectl"

    def shown(*more: str) -> dict[str, str]:
        command = [kubectl, "--namespace", kind.namespace, "get", "dags", *more]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        head, row = (line.split() for line in done.stdout.splitlines())
        return dict(zip(head, row, strict=False))

    short = shown()
    assert list(short) == [
        "NAME", "APPLICATION", "PHASE", "VERDICT", "DAGS", "PRESENT", "HELD", "VERIFIED",
    ]  # fmt: skip
    assert [*short.values()][:7] == [NAME, "demo", "Idle", "fail", "2", "1", "1"]
    assert shown("--output=wide")["REVISION"] == OLD
