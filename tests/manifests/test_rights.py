"""The roles allow what hooks and watch do, and nothing else: on a real API server, as they are.

Each story goes on with the token of the account that our manifests make, so one verb too few ends
it; the rights that it used are then compared with the roles, so one verb too many fails it, too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from clusters import APPLICATION_KIND, connect, fresh_namespace, install_kind
from fakes.fake_airflow import FakeAirflow
from fakes.fake_argocd import FakeArgoCd
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.argocd import ArgoCd, ByApi, ByKubernetes
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.dagset_status import syncing
from fermata_hooks.diagnosis import HOOKS, WATCH
from fermata_hooks.diagnosis import Right as AskedRight
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.finish import run_finish
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import after_failure
from fermata_hooks.jobs.smoke import run_smoke
from fermata_hooks.jobs.verify import run_verify
from fermata_hooks.jobs.watch import neighbours
from fermata_hooks.jobs.workplace import Workplace, tell_the_job
from fermata_hooks.kube import APPLICATIONS, DAGSETS, JOBS, Kube, Objects
from fermata_hooks.settings import ClusterLedger, OwnJob
from fermata_hooks.watching import HookJobs, Outages, Watch
from fermata_spec.dagset import dagset
from fermata_spec.errors import RefusedError, RejectedError
from fermata_spec.names import dagset_name
from fermata_spec.plan import Plan, VerifyPolicy
from manifests.accounts import RecordingKube, Right, as_account, granted, install, needed
from manifests.kustomizing import MANIFESTS, Manifest, build_with
from workplaces import NEW, OLD, Surroundings, changed, make_plan, new_report

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

BASE = MANIFESTS / "base"
FIRST = make_plan("etl", "load", revision=OLD, verify=VerifyPolicy(deadline=60.0, settle=5.0))
SECOND = changed(FIRST, "etl")
LEASE = FIRST.hold.lease
ACCOUNTS = {"ServiceAccount", "Role", "RoleBinding"}

Act = Callable[[], object]


def manifests_in(folder: Path) -> list[Manifest]:
    """Return the accounts and roles among a folder's files."""
    read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yaml")]
    return [each for each in read if each["kind"] in ACCOUNTS]


def roles(objects: Sequence[Manifest], name: str) -> list[Manifest]:
    """Return the roles of an account among ``objects``."""
    return [each for each in objects if each["kind"] == "Role" and each["metadata"]["name"] == name]


class Stage:
    """A namespace with an Airflow's objects, and a clock that moves only when slept on."""

    def __init__(
        self, kube: Kube, namespace: str, around: Surroundings, clock: ScriptedClock
    ) -> None:
        self.kube, self.namespace, self.around, self.clock = kube, namespace, around, clock
        self.airflow = around.airflow
        for dag in FIRST.dags:
            self.airflow.add_dag(dag.dag_id, file=dag.file, doc_md=f"fermata:{dag.digest}")
        clock.each_nap = self._beat

    def place(self, kube: Kube, argocd: ArgoCd | None = None) -> Workplace:
        """Return what a process works with, as ``kube`` sees the cluster."""
        place = self.around.place()
        ledger = ClusterLedger(self.namespace, "fermata-ledger")
        place = replace(place, settings=replace(place.settings, ledger=ledger))
        place.__dict__.update(kube=kube, argocd=argocd)
        return place

    def apply(self, plan: Plan) -> None:
        """Do as Argo CD does: apply the DagSet; Airflow parses the revision."""
        objects = Objects(self.kube, DAGSETS, self.namespace)
        name = dagset_name(plan.application)
        body = dagset(plan, name=name)
        if objects.get(name) is None:
            objects.create(body)
        else:
            objects.merge(name, {"spec": body["spec"]})
        for dag in plan.dags:
            row = self.airflow.dags[dag.dag_id]
            row.doc_md, row.last_parsed_time = f"fermata:{dag.digest}", self.clock.now()

    def run(
        self, kube: Kube, action: Callable[..., object], plan: Plan, argocd: ArgoCd | None = None
    ) -> None:
        """Run one hook in a process of its own."""
        place, report = self.place(kube, argocd), new_report(plan)
        job = OwnJob(name="fermata-hook-demo", uid="")
        place = replace(place, settings=replace(place.settings, job=job))
        place.__dict__.update(kube=kube, argocd=argocd)
        try:
            action(plan, place, report)
        finally:
            tell_the_job(report, place)

    def _beat(self) -> None:
        for component in self.airflow.health.values():
            component.heartbeat = self.clock.now()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    kube, clock = connect(), ScriptedClock()
    kind = tmp_path / "application-crd.yaml"
    kind.write_text(APPLICATION_KIND)
    install_kind(kube, kind)
    install_kind(kube, BASE / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace, FakeAirflow("3.3.2", now=clock.now) as airflow:
        yield Stage(kube, namespace, Surroundings(airflow, tmp_path, clock), clock)


def difference(used: set[Right], rights: set[Right]) -> dict[str, set[Right]]:
    """Return what is allowed and unused, and what was used and is not allowed."""
    actual = needed(used, rights)
    return {"too many": rights - actual, "too few": actual - rights}


NONE: dict[str, set[Right]] = {"too many": set(), "too few": set()}


def syncs(stage: Stage, kube: Kube, argocd: str = "") -> None:
    """Sync for the first time, well, in vain, with a denial, and with nothing to do.

    ``argocd`` is the namespace of an Argo CD that may be asked.
    """
    ask = ByKubernetes(kube, argocd) if argocd else None

    def run(action: Callable[..., object], plan: Plan) -> None:
        stage.run(kube, action, plan, ask)

    run(run_hold, FIRST)
    stage.apply(FIRST)
    run(run_finish, FIRST)

    run(run_hold, SECOND)
    stage.apply(SECOND)
    run(run_verify, SECOND)
    run(run_smoke, SECOND)
    run(run_finish, SECOND)

    third = changed(FIRST, "load", revision="c" * 40)
    run(run_hold, third)
    run(after_failure, third)

    stage.airflow.add_task("load", "r1", "extract", "running")
    for _ in range(2):
        with pytest.raises(RefusedError):
            run(run_hold, third)
        run(after_failure, third)

    stage.airflow.tasks.clear()
    run(run_hold, SECOND)
    stage.apply(SECOND)
    run(run_finish, SECOND)
    same = replace(SECOND, revision="d" * 40)
    run(run_hold, same)
    run(run_finish, same)


def test_the_hooks_role_is_what_a_sync_needs(stage: Stage) -> None:
    objects = manifests_in(BASE)
    install(stage.kube, stage.namespace, objects, stage.namespace)
    kube = as_account(stage.kube, stage.namespace, "fermata")

    syncs(stage, kube)

    assert difference(kube.used, granted(roles(objects, "fermata"))) == NONE
    assert stage.around.paused() == set()


def test_the_hooks_roles_are_what_a_sync_needs_beside_argo_cd(stage: Stage) -> None:
    beside_airflow, beside_argocd = manifests_in(BASE), manifests_in(MANIFESTS / "argocd")
    install(stage.kube, stage.namespace, beside_airflow, stage.namespace)
    with fresh_namespace(stage.kube) as argocd:
        install(stage.kube, argocd, beside_argocd, stage.namespace)
        an_operation_waits(stage, argocd)
        kube = as_account(stage.kube, stage.namespace, "fermata")

        syncs(stage, kube, argocd)

    rights = granted(roles([*beside_airflow, *beside_argocd], "fermata"))
    assert difference(kube.used, rights) == NONE
    assert stage.around.paused() == set()


@pytest.mark.parametrize(("name", "rights"), [("fermata", HOOKS), ("fermata-watch", WATCH)])
def test_doctor_asks_for_what_the_role_gives(name: str, rights: Sequence[AskedRight]) -> None:
    assert {Right(*right) for right in rights} == granted(roles(manifests_in(BASE), name))


@pytest.mark.parametrize("lacking", ["get", "create", "update", "patch"])
def test_a_hooks_role_with_one_verb_less_is_not_enough(stage: Stage, lacking: str) -> None:
    objects = manifests_in(BASE)
    for rule in roles(objects, "fermata")[0]["rules"]:
        rule["verbs"] = [verb for verb in rule["verbs"] if verb != lacking] or ["delete"]
    install(stage.kube, stage.namespace, objects, stage.namespace)

    with pytest.raises(RejectedError, match="403"):
        syncs(stage, as_account(stage.kube, stage.namespace, "fermata"))


def leave_a_hold(stage: Stage) -> None:
    """Let a sync's hold step be the last that is heard of it."""
    place = stage.place(stage.kube)
    place.trail.note("earlier", {})
    place.trail.close()
    stage.run(stage.kube, run_hold, FIRST)
    stage.apply(FIRST)
    stage.run(stage.kube, run_finish, FIRST)
    stage.run(stage.kube, run_hold, SECOND)
    assert len(read_status(place.ledger)[0]) == 1


def watch_it(stage: Stage, kube: RecordingKube, argocd: ArgoCd | None = None) -> Watch:
    """Let a watch end the hold with its lease, and a later ``Syncing`` that nobody ends."""
    watch = Watch(neighbours(stage.place(kube, argocd)), jitter=lambda: 1.0)
    assert watch.do_pass().failure is None
    stage.clock.sleep(LEASE + 60)
    assert watch.do_pass().failure is None
    assert stage.around.paused() == set()
    for revision in ("e" * 40, "f" * 40):
        plan = replace(SECOND, revision=revision)
        syncing(KubernetesDagSets(stage.kube, stage.namespace), plan)
        stage.clock.sleep(61)
        assert watch.do_pass().failure is None
    stage.clock.sleep(1200)  # by now no sync asks for the handoffs any more
    assert watch.do_pass().failure is None
    assert stage.place(stage.kube).documents.versions("sync") == {}
    return watch


def follow(stage: Stage, kube: Kube) -> None:
    """Follow the hooks' Jobs for a second."""
    outages = Outages(stage.clock)
    jobs = HookJobs(Objects(kube, JOBS, stage.namespace), lambda *_: None, outages)
    jobs.take_in(Objects(kube, JOBS, stage.namespace).changes(labels="a=b", seconds=1))


def test_the_watchs_role_is_what_it_needs_without_argo_cd(stage: Stage) -> None:
    objects = manifests_in(BASE)
    install(stage.kube, stage.namespace, objects, stage.namespace)
    leave_a_hold(stage)
    kube = as_account(stage.kube, stage.namespace, "fermata-watch")

    watch = watch_it(stage, kube)

    assert watch.outages.why == {}
    assert difference(kube.used, granted(roles(objects, "fermata-watch"))) == NONE


@pytest.mark.kubectl
def test_the_watchs_roles_are_what_it_needs_beside_argo_cd(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    built = build_with(folder, [MANIFESTS / "components" / "argocd-in-cluster"])
    beside_airflow = [each for each in built if each["kind"] in ACCOUNTS]
    beside_argocd = manifests_in(MANIFESTS / "argocd")
    install(stage.kube, stage.namespace, beside_airflow, stage.namespace)
    leave_a_hold(stage)
    with fresh_namespace(stage.kube) as argocd:
        install(stage.kube, argocd, beside_argocd, stage.namespace)
        an_operation_waits(stage, argocd)
        kube = as_account(stage.kube, stage.namespace, "fermata-watch")

        watch = watch_it(stage, kube, ByKubernetes(kube, argocd))
        follow(stage, kube)

    assert watch.outages.why == {}
    rights = granted(roles([*beside_airflow, *beside_argocd], "fermata-watch"))
    assert difference(kube.used, rights) == NONE


@pytest.mark.kubectl
def test_the_watchs_role_is_what_it_needs_with_a_token_of_argo_cd(
    stage: Stage, tmp_path: Path
) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    built = build_with(folder, [MANIFESTS / "components" / "argocd-token"])
    objects = [each for each in built if each["kind"] in ACCOUNTS]
    install(stage.kube, stage.namespace, objects, stage.namespace)
    leave_a_hold(stage)
    kube = as_account(stage.kube, stage.namespace, "fermata-watch")
    with FakeArgoCd(now=stage.clock.now) as argocd:
        argocd.add("demo")
        argocd.begin("demo")
        api = ByApi(argocd.url, argocd.token_file(tmp_path), clock=stage.clock)

        watch = watch_it(stage, kube, api)
        follow(stage, kube)
        api.close()

    assert watch.outages.why == {}
    assert difference(kube.used, granted(roles(objects, "fermata-watch"))) == NONE


def an_operation_waits(stage: Stage, argocd: str) -> None:
    """Make an Application whose running operation waits for a Job that still runs."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "fermata-hold-demo"},
        "spec": {"template": {"spec": pod}},
    }
    Objects(stage.kube, JOBS, stage.namespace).create(body)
    hook = {
        "kind": "Job",
        "namespace": stage.namespace,
        "name": "fermata-hold-demo",
        "hookType": "PreSync",
        "hookPhase": "Running",
    }
    started = "2026-11-24T13:00:00Z"
    Objects(stage.kube, APPLICATIONS, argocd).create(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "demo"},
            "spec": {"project": "dags"},
            "status": {
                "operationState": {
                    "phase": "Running",
                    "startedAt": started,
                    "syncResult": {"revision": NEW, "resources": [hook]},
                }
            },
        }
    )
