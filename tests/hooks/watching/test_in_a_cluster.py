"""The watch on a real API server: ledger, statuses, Applications and Jobs are its objects."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import (
    APPLICATION_KIND,
    MANIFESTS,
    connect,
    fresh_namespace,
    install_kind,
    rule,
    somebody,
)
from fakes.fake_airflow import FakeAirflow
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_status import syncing, verified_now
from fermata_hooks.holding import HoldOrder, hold_dags
from fermata_hooks.identity_settings import AirflowIdentity
from fermata_hooks.jobs.status import look
from fermata_hooks.jobs.watch import neighbours
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.kube import APPLICATIONS, CONFIG_MAPS, DAGSETS, JOBS, Kube, Objects
from fermata_hooks.settings import ClusterLedger, Settings
from fermata_hooks.termination import Termination
from fermata_hooks.watching import HookJobs, Outages, Watch
from fermata_spec.dagset import DagSetStatus, dagset
from fermata_spec.names import dagset_name
from workplaces import NEW, OLD, changed, make_plan

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

VERIFIED = make_plan("etl", "report", revision=OLD)
PLAN = changed(VERIFIED, "etl")


class Cluster:
    """A namespace with our objects, an Argo CD's Application in it, and an Airflow outside."""

    def __init__(self, kube: Kube, namespace: str, airflow: FakeAirflow, folder: Path) -> None:
        self.kube = kube
        self.namespace = namespace
        self.airflow = airflow
        self.applications = Objects(kube, APPLICATIONS, namespace)
        self.dagsets = Objects(kube, DAGSETS, namespace)
        self.maps = Objects(kube, CONFIG_MAPS, namespace)
        self.jobs = Objects(kube, JOBS, namespace)
        self._credentials = airflow.credential_files(folder)

    def place(self) -> Workplace:
        """Return what a process works with."""
        username, password = self._credentials
        termination = Termination()
        return Workplace(
            settings=Settings(
                ledger=ClusterLedger(self.namespace, "fermata-ledger"),
                identity=AirflowIdentity(username_file=username, password_file=password),
                argocd_namespace=self.namespace,
            ),
            clock=SystemClock(termination),
            termination=termination,
            airflow_url=self.airflow.url,
            late=300.0,
        )

    def watch(self) -> Watch:
        """Return a watch that has just been started."""
        return Watch(neighbours(self.place()))

    def hold(self, operation: str, *, lease: float = 3600.0) -> None:
        """Let a hold step say Syncing, pause ``etl``, and be gone without a trace."""
        place = self.place()
        syncing(place.dagsets, PLAN)
        order = HoldOrder(
            application="demo",
            revision=NEW,
            operation=operation,
            wanted=["etl"],
            lease=lease,
            deadline=60.0,
        )
        hold_dags(place.holding, order)

    def operation(self, phase: str, started: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Let the Application's operation be in ``phase``."""
        state = {"phase": phase, "startedAt": started, **more}
        self.applications.merge("demo", {"status": {"operationState": state}})

    def status(self) -> DagSetStatus:
        """Return the DagSet's status."""
        return self.place().dagsets.read("demo")


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    with FakeAirflow("3.3.2", now=time.time) as airflow:
        airflow.add_dag("etl")
        airflow.add_dag("report")
        yield airflow


@pytest.fixture
def cluster(airflow: FakeAirflow, tmp_path: Path) -> Iterator[Cluster]:
    kube = connect()
    kind = tmp_path / "application-crd.yaml"
    kind.write_text(APPLICATION_KIND)
    install_kind(kube, kind)
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace:
        cluster = Cluster(kube, namespace, airflow, tmp_path)
        cluster.dagsets.create(dagset(VERIFIED, name=dagset_name("demo")))
        cluster.applications.create(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "demo"},
                "spec": {"project": "dags"},
            }
        )
        place = cluster.place()
        passed = DagSetStatus(
            revision=OLD, verdict="pass", verified=verified_now(VERIFIED, place.clock)
        )
        place.dagsets.write("demo", passed)
        yield cluster


def paused(airflow: FakeAirflow) -> set[str]:
    return {dag.dag_id for dag in airflow.dags.values() if dag.is_paused}


def test_dags_of_a_terminated_sync_go_on_and_its_status_is_ended(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    cluster.operation("Running", "2026-11-24T13:00:00Z")
    cluster.watch().do_pass()
    held = paused(cluster.airflow)
    cluster.operation("Failed", "2026-11-24T13:00:00Z", message="Operation terminated")

    done = cluster.watch().do_pass()

    assert held == {"etl"}
    assert paused(cluster.airflow) == set()
    assert done.failure is None
    status = cluster.status()
    assert status.phase == "Idle"
    assert "Operation terminated" in status.message
    assert status.verified is not None
    assert status.unproven == ("etl",)
    assert [each.application for each in done.unverified] == ["demo"]


def test_dags_of_a_deleted_application_go_on_also_after_a_restart(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    cluster.watch().do_pass()
    cluster.applications.delete("demo")

    cluster.watch().do_pass()

    assert paused(cluster.airflow) == set()


def test_an_application_that_was_never_found_ends_nothing(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    cluster.applications.delete("demo")

    cluster.watch().do_pass()

    assert paused(cluster.airflow) == {"etl"}


def test_a_rollback_without_hooks_is_named_unverified(cluster: Cluster) -> None:
    watch = cluster.watch()
    assert watch.do_pass().unverified == ()
    spec = dagset(changed(VERIFIED, "report", revision="c" * 40), name="x")["spec"]
    cluster.dagsets.merge(dagset_name("demo"), {"spec": spec})

    (found,) = cluster.watch().do_pass().unverified

    assert found.dag_ids == ("report",)
    status = cluster.status()
    assert status.verdict == "inconclusive"
    assert status.unproven == ("report",)
    assert look(cluster.place()).unverified[0].dag_ids == ("report",)


def test_an_idle_pass_costs_the_api_server_two_reads(cluster: Cluster) -> None:
    place = cluster.place()
    watch = Watch(neighbours(place))
    watch.do_pass()
    before = dict(place.kube.calls)

    for _ in range(3):
        watch.do_pass()

    # The ledger, and what somebody may have asked for on a DagSet.
    assert place.kube.calls["kubernetes GET"] - before["kubernetes GET"] == 3 * 2
    assert sum(place.kube.calls.values()) - sum(before.values()) == 3 * 2


def test_an_operation_that_stands_still_is_woken_by_an_annotation(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    hook = {
        "kind": "Job",
        "namespace": cluster.namespace,
        "name": "fermata-hold-demo",
        "hookType": "PreSync",
        "hookPhase": "Running",
    }
    cluster.operation(
        "Running", "2026-11-24T13:00:00Z", syncResult={"resources": [hook], "revision": NEW}
    )
    make_job(cluster, "fermata-hold-demo")
    watch = cluster.watch()
    watch.do_pass()
    before = annotations(cluster)
    end_job(cluster, "fermata-hold-demo")

    watch.do_pass()

    assert before == {}
    assert annotations(cluster) == {"argocd.argoproj.io/refresh": "normal"}


def test_a_hook_that_ends_is_told_at_once(cluster: Cluster) -> None:
    told = threading.Event()
    nudged: list[tuple[str, str]] = []

    def nudge(application: str, why: str) -> None:
        nudged.append((application, why))
        told.set()

    make_job(cluster, "fermata-old-demo")
    end_job(cluster, "fermata-old-demo")
    make_job(cluster, "fermata-hold-demo")
    HookJobs(cluster.jobs, nudge, Outages(cluster.place().clock)).start()
    eventually(lambda: cluster.kube.calls["kubernetes GET"] > 0)
    time.sleep(0.5)  # until the API server has told what was there before
    began = time.monotonic()

    end_job(cluster, "fermata-hold-demo")

    assert told.wait(10)
    print(f"told {time.monotonic() - began:.2f} s after the end of the Job")
    assert nudged == [("demo", "fermata-hold-demo has ended")]


def test_status_says_what_is_held_in_the_cluster(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")

    standing = look(cluster.place())

    assert standing.ledger == f"kubernetes:{cluster.namespace}/fermata-ledger"
    assert [(dag.dag_id, dag.state) for dag in standing.dags] == [("etl", "held")]
    assert standing.unknown == ()


LEDGER_RULES = (rule("", "configmaps", "get", "create", "update"),)
WATCH_RULES = (
    *LEDGER_RULES,
    rule("", "configmaps", "list", "delete"),
    rule("fermata.dev", "dagsets", "get", "list"),
    rule("fermata.dev", "dagsets/status", "patch"),
    rule("batch", "jobs", "get", "watch"),
    rule("argoproj.io", "applications", "get"),
)


def test_what_may_not_be_read_is_said_and_the_ledger_is_shown_all_the_same(
    cluster: Cluster,
) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    place = cluster.place()
    place.__dict__["kube"] = somebody(cluster.kube, cluster.namespace, *LEDGER_RULES)

    standing = look(place)

    assert [dag.dag_id for dag in standing.dags] == ["etl"]
    assert "DagSets" in standing.unknown[0]
    assert "403 Forbidden" in standing.unknown[0]


def test_a_watch_needs_no_more_rights_than_it_says(cluster: Cluster) -> None:
    cluster.hold("2026-11-24T13:00:00Z")
    cluster.operation("Failed", "2026-11-24T13:00:00Z", message="Operation terminated")
    place = cluster.place()
    place.__dict__["kube"] = theirs = somebody(cluster.kube, cluster.namespace, *WATCH_RULES)
    watch = Watch(neighbours(place))

    done = watch.do_pass()

    assert done.failure is None
    assert watch.outages.why == {}
    assert cluster.status().phase == "Idle"
    assert paused(cluster.airflow) == set()
    jobs = Objects(theirs, JOBS, cluster.namespace)
    assert list(jobs.changes(labels="a=b", seconds=1)) == []


def test_a_watch_that_may_not_annotate_is_told_once_and_goes_on(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    place = cluster.place()
    place.__dict__["kube"] = somebody(cluster.kube, cluster.namespace, *WATCH_RULES)
    watch = Watch(neighbours(place))

    with caplog.at_level(logging.INFO, "fermata"):
        watch.applications.refresh("demo", "a hook has ended")
        watch.applications.refresh("demo", "another has ended")

    assert len([line for line in caplog.messages if "Argo CD's refreshes: refuses" in line]) == 1


def annotations(cluster: Cluster) -> dict[str, str]:
    found = cluster.applications.get("demo") or {}
    return dict(found["metadata"].get("annotations") or {})


def make_job(cluster: Cluster, name: str) -> None:
    """Create a hook's Job as Argo CD does."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}
    cluster.jobs.create(
        yaml.safe_load(
            f"""
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: {name}
              labels: {{app.kubernetes.io/name: fermata}}
              annotations:
                argocd.argoproj.io/hook: PreSync
                argocd.argoproj.io/tracking-id: demo:batch/Job:{cluster.namespace}/{name}
            """
        )
        | {"spec": {"template": {"spec": pod}}}
    )


def end_job(cluster: Cluster, name: str) -> None:
    """Let the Job be complete, as its controller would say."""
    condition = {"type": "Complete", "status": "True"}
    steps = [{"op": "add", "path": "/status", "value": {"conditions": [condition]}}]
    cluster.jobs.edit(name, steps, subresource="status")


def eventually(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not is_so():
        if time.monotonic() > ends:
            raise TimeoutError("it never came to be so")
        time.sleep(0.02)
