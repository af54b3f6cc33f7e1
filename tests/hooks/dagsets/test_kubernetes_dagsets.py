"""DagSet.status on a real API server, with the CustomResourceDefinition that we ship."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from clusters import MANIFESTS, connect, fresh_namespace, install_kind
from fermata_hooks.dagset_objects import KubernetesDagSets, application_named_by, wanted_of
from fermata_hooks.kube import DAGSETS, Kube, Objects
from fermata_spec.dagset import DagSetStatus, Verified, dagset
from fermata_spec.names import dagset_name
from fermata_spec.plan import Plan, PlannedDag

pytestmark = pytest.mark.kubernetes

STATUS = DagSetStatus(
    phase="Syncing",
    revision="b" * 40,
    verdict="inconclusive",
    message="syncing",
    verified=Verified(
        revision="a" * 40,
        at="2026-11-24T13:08:00Z",
        evidence="doc_md",
        digests={"etl": "0" * 16, "report": "1" * 16},
    ),
    unproven=("etl",),
)
NAME = dagset_name("demo")


class Cluster:
    """A namespace with the DagSet of the application ``demo``."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.objects = Objects(kube, DAGSETS, namespace)
        self.dagsets = KubernetesDagSets(kube, namespace)

    def apply(self, *dag_ids: str) -> None:
        """Create it with these DAGs."""
        dags = tuple(
            PlannedDag(dag_id=dag_id, digest="0" * 16, file=f"{dag_id}.py", evidence="doc_md")
            for dag_id in dag_ids
        )
        plan = Plan(application="demo", revision="b" * 40, airflow_url="", dags=dags)
        self.objects.create(dagset(plan, name=NAME))

    def calls(self) -> int:
        """Return how many requests were made so far."""
        return sum(self.kube.calls.values())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace:
        yield Cluster(kube, namespace)


def test_a_status_is_read_as_it_was_written(cluster: Cluster) -> None:
    cluster.apply("etl")

    cluster.dagsets.write("demo", STATUS)

    assert cluster.dagsets.read("demo") == STATUS


def test_a_status_is_replaced_whole(cluster: Cluster) -> None:
    cluster.apply("etl")
    cluster.dagsets.write("demo", STATUS)
    verified = Verified(revision="b" * 40, at="", evidence="", digests={"etl": "2" * 16})

    cluster.dagsets.write("demo", DagSetStatus(verified=verified))

    assert cluster.dagsets.read("demo") == DagSetStatus(verified=verified)


def test_the_first_sync_has_nothing_to_read_or_write(cluster: Cluster) -> None:
    assert cluster.dagsets.read("demo") == DagSetStatus()

    cluster.dagsets.write("demo", STATUS)

    assert cluster.objects.get(NAME) is None


def test_a_write_after_a_read_is_one_request(cluster: Cluster) -> None:
    cluster.apply("etl")
    cluster.dagsets.read("demo")
    before = cluster.calls()

    cluster.dagsets.write("demo", STATUS)

    assert cluster.calls() - before == 1


def test_a_write_after_somebody_elses_is_made_all_the_same(cluster: Cluster) -> None:
    cluster.apply("etl")
    cluster.dagsets.read("demo")
    cluster.objects.merge(NAME, {"metadata": {"annotations": {"a": "b"}}})

    cluster.dagsets.write("demo", STATUS)

    assert cluster.dagsets.read("demo") == STATUS


def test_an_amendment_sees_what_somebody_else_wrote_meanwhile(cluster: Cluster) -> None:
    cluster.apply("etl")
    seen: list[DagSetStatus] = []

    def end_syncing(status: DagSetStatus) -> DagSetStatus | None:
        if not seen:
            cluster.dagsets.write("demo", STATUS)
        seen.append(status)
        return replace(status, message="amended")

    cluster.dagsets.amend("demo", end_syncing)

    assert [each.phase for each in seen] == ["Idle", "Syncing"]
    assert cluster.dagsets.read("demo") == replace(STATUS, message="amended")


def test_a_status_says_which_generation_it_is_about(cluster: Cluster) -> None:
    cluster.apply("etl")
    cluster.objects.merge(NAME, {"spec": {"dags": [{"dagId": "etl", "digest": "9" * 16}]}})

    cluster.dagsets.write("demo", STATUS)

    raw = cluster.objects.get(NAME)
    assert raw is not None
    assert raw["metadata"]["generation"] == 2
    assert raw["status"]["observedGeneration"] == 2


def test_a_changed_dagset_has_another_version(cluster: Cluster) -> None:
    cluster.apply("etl", "report")
    before = cluster.dagsets.versions()

    cluster.dagsets.write("demo", STATUS)

    raw = cluster.dagsets.whole(NAME)
    assert raw is not None
    assert list(before) == [NAME]
    assert cluster.dagsets.versions() != before
    assert application_named_by(raw) == "demo"
    assert wanted_of(raw) == {"etl": "0" * 16, "report": "0" * 16}


@pytest.mark.slow
def test_ten_thousand_dags_fit(cluster: Cluster) -> None:
    dag_ids = [f"team_{n % 40:02}__load_{n % 97:02}_daily_{n:05}" for n in range(10_000)]
    cluster.apply(*dag_ids)
    digests = {dag_id: sha256(dag_id.encode()).hexdigest()[:16] for dag_id in dag_ids}
    verified = Verified(revision="b" * 40, at="", evidence="doc_md", digests=digests)
    status = DagSetStatus(verified=verified, unproven=tuple(dag_ids))

    cluster.dagsets.write("demo", status)

    raw = cluster.dagsets.whole(NAME)
    assert raw is not None
    assert set(wanted_of(raw)) == set(dag_ids)
    assert cluster.dagsets.read("demo") == status
    cluster.dagsets.write("demo", STATUS)
    assert cluster.dagsets.read("demo") == STATUS
