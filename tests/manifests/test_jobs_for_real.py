"""The rendered hook Jobs as pods of our image, in Argo CD's order; every end of a sync.

After each of them the DAGs are what they were, by finish, by release, or by the watch.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

import components
from clusters import APPLICATION_KIND, connect, fresh_namespace, install_kind
from fakes.argocd_player import ArgoCdPlayer, Manifest, Synced, TerminatedByAPerson
from fakes.fake_airflow import FakeAirflow
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.exchange import Request
from fermata_hooks.kube import APPLICATIONS, Kube, Objects, cluster_of
from fermata_spec.dagset import DagSetStatus
from fermata_spec.errors import RejectedError
from fermata_spec.plan import Plan, parse_plan
from manifests.accounts import install
from manifests.kustomizing import MANIFESTS, build_with, one

pytestmark = [pytest.mark.node, pytest.mark.kubernetes, pytest.mark.long, pytest.mark.timeout(600)]

FERMATA = str(Path(sys.executable).with_name("fermata"))
OLD, NEW = "a" * 40, "b" * 40
ACCOUNTS = {"ServiceAccount", "Role", "RoleBinding"}
DAG = """
{dag_id}:
  default_args: {{owner: data, start_date: 2024-01-01}}
  schedule: "0 3 * * *"
  tasks:
    extract: {{operator: airflow.operators.bash.BashOperator, bash_command: "{command}"}}
"""
SETTINGS = """
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {{url: "{url}", credentials: {{secret: fermata-airflow}}}}
files: {{include: ["dags/*.yaml"]}}
hold: {{drain: {{deadline: {drain}}}, late: 5s, lease: 5m}}
verify: {{deadline: 40s, settle: 1s, serialize_lag: 1s, mount_lag: 0s}}
hooks: {{image: "{image}"}}
"""


class Town:
    """A namespace with an Airflow that its pods reach, and a repository of two DAGs."""

    def __init__(
        self, kube: Kube, namespace: str, airflow: FakeAirflow, folder: Path, image: str
    ) -> None:
        self.kube, self.namespace, self.airflow = kube, namespace, airflow
        self.folder, self.image, self.drain = folder, image, "20s"
        self.player = ArgoCdPlayer(kube, namespace)
        (folder / "dags").mkdir()
        airflow.on_parse = lambda _file: self.parse()
        self._wanted: Plan | None = None
        self.is_broken = False

    def render(self, revision: str, **commands: str) -> list[Manifest]:
        """Return the manifests of a revision in which each DAG runs its command."""
        for dag_id, command in ({"etl": "echo 1", "load": "echo 1"} | commands).items():
            text = DAG.format(dag_id=dag_id, command=command)
            (self.folder / "dags" / f"{dag_id}.yaml").write_text(text)
        settings = SETTINGS.format(url=self.airflow.url, image=self.image, drain=self.drain)
        (self.folder / "fermata.yaml").write_text(settings)
        identity = ["--application=demo", f"--namespace={self.namespace}"]
        done = subprocess.run(
            [FERMATA, "render", *identity, f"--revision={revision}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    def sync(
        self, manifests: list[Manifest], *, apply: Callable[[], object] = lambda: None
    ) -> Synced:
        """Sync; Airflow parses what is applied."""

        def arrive() -> None:
            apply()
            self._wanted = plan_in(manifests)
            self.parse()

        return self.player.sync(manifests, apply=arrive)

    def parse(self) -> None:
        """Let Airflow parse what there is."""
        now = time.time()
        for dag in self._wanted.dags if self._wanted else ():
            row = self.airflow.dags.get(dag.dag_id) or self.airflow.add_dag(
                dag.dag_id, file=dag.file
            )
            row.last_parsed_time = now
            if not (self.is_broken and dag.dag_id == "etl"):
                row.doc_md = f"fermata:{dag.digest}"
        if self.is_broken and not self.airflow.import_errors:
            self.airflow.add_import_error("etl.yaml.py", "ImportError: no such thing")
        for error in self.airflow.import_errors:
            error.timestamp = now
        for component in self.airflow.health.values():
            component.heartbeat = now

    def paused(self) -> set[str]:
        """Return the DAGs that are paused."""
        return {dag.dag_id for dag in self.airflow.dags.values() if dag.is_paused}

    @property
    def status(self) -> DagSetStatus:
        return KubernetesDagSets(self.kube, self.namespace).read("demo")


def plan_in(manifests: list[Manifest]) -> Plan:
    (held,) = (m for m in manifests if m["metadata"]["name"] == "fermata-plan-demo")
    return parse_plan(held["data"]["plan.json"], origin="the rendered plan")


def own_address(server: str) -> str:
    """Return the address of this machine on the way to ``server``: where pods can reach it."""
    host = urlsplit(server).hostname or ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])


@pytest.fixture
def town(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Town]:
    image = pytestconfig.stash[components.found][components.IMAGE_VARIABLE]
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    airflow = FakeAirflow("3.3.2", now=time.time)
    airflow.host = own_address(cluster_of(os.environ).url)
    with fresh_namespace(kube) as namespace, airflow:
        read = [yaml.safe_load(p.read_text("utf-8")) for p in (MANIFESTS / "base").glob("*.yaml")]
        install(kube, namespace, [o for o in read if o["kind"] in ACCOUNTS], namespace)
        username, password = airflow.credential_files(tmp_path)
        secret = {
            "metadata": {"name": "fermata-airflow"},
            "stringData": {"username": username.read_text(), "password": password.read_text()},
        }
        path = f"/api/v1/namespaces/{namespace}/secrets"
        kube.ask(Request(method="POST", path=path, body=secret))
        town = Town(kube, namespace, airflow, tmp_path, image)
        first = town.sync(town.render(OLD))
        assert first.phase == "Succeeded", (first, town.player.log("fermata-hold-demo"))
        yield town


def test_a_change_is_held_proven_and_given_back(town: Town) -> None:
    seen: set[str] = set()
    manifests = town.render(NEW, etl="echo 2")

    done = town.sync(manifests, apply=lambda: seen.update(town.paused()))

    assert done.phase == "Succeeded", town.player.log("fermata-finish-demo")
    assert [end for _, end in done.hooks] == ["Complete", "Complete"]
    assert seen == {"etl"}
    assert town.paused() == set()
    verified = town.status.verified
    assert verified is not None
    assert (verified.revision, town.status.verdict) == (NEW, "pass")


def test_what_is_refused_after_the_hold_is_given_back_by_release(town: Town) -> None:
    def refused() -> None:
        raise RejectedError("ConfigMap: 422", status=422)

    done = town.sync(town.render(NEW, etl="echo 2"), apply=refused)

    assert done.hooks == [("fermata-hold-demo", "Complete"), ("fermata-release-demo", "Complete")]
    assert town.paused() == set()
    assert town.status.verdict == "fail"


def test_a_bad_revision_fails_and_its_dags_are_given_back(town: Town) -> None:
    town.is_broken = True

    done = town.sync(town.render(NEW, etl="echo 2"))

    assert done.hooks == [
        ("fermata-hold-demo", "Complete"),
        ("fermata-finish-demo", "Failed"),
        ("fermata-release-demo", "Complete"),
    ]
    assert "exit 3" in town.player.log("fermata-finish-demo")
    assert town.paused() == set()
    assert (town.status.verdict, town.status.offenders) == ("fail", ("etl",))


def test_a_task_that_does_not_end_denies_the_sync_and_its_dag_goes_on(town: Town) -> None:
    town.drain = "5s"
    town.airflow.add_task("etl", "r1", "extract", "running")

    done = town.sync(town.render(NEW, etl="echo 2"))

    assert done.hooks == [("fermata-hold-demo", "Failed"), ("fermata-release-demo", "Complete")]
    assert "exit 3" in town.player.log("fermata-hold-demo")
    assert town.paused() == set()


@pytest.mark.kubectl
def test_after_a_termination_the_watch_gives_back_what_is_held(town: Town, tmp_path: Path) -> None:
    town.drain = "2m"
    town.airflow.add_task("etl", "r1", "extract", "running")
    with fresh_namespace(town.kube) as argocd:
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        application = applications(town, argocd)
        application.create(operation("Running", startedAt=started))
        start_watches(town, argocd, tmp_path)

        def terminate(_name: str) -> None:
            if town.paused():
                raise TerminatedByAPerson

        town.player.while_it_runs = terminate
        done = town.sync(town.render(NEW, etl="echo 2"))
        held = town.paused()
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ended = operation("Failed", startedAt=started, finishedAt=finished, message="terminated")
        application.merge("demo", {"status": ended["status"]})
        eventually(town, lambda: not town.paused(), "the watch has given the DAG back")
        eventually(town, lambda: town.status.phase == "Idle", "the watch has ended the status")

    assert done.phase == "Failed: Operation terminated"
    assert held == {"etl"}
    assert town.status.verdict == "inconclusive"


def test_a_missing_secret_ends_the_hold_with_a_line_that_names_it(town: Town) -> None:
    path = f"/api/v1/namespaces/{town.namespace}/secrets/fermata-airflow"
    town.kube.ask(Request(method="DELETE", path=path))

    done = town.sync(town.render(NEW, etl="echo 2"))

    assert done.phase == "Failed"
    log = town.player.log("fermata-hold-demo")
    assert "exit 2" in log
    assert "/etc/fermata/airflow/username" in log
    assert town.paused() == set()


MEASURE = """
import json, os, subprocess
def measure(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    seconds, mib = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return {"seconds": seconds, "mib": mib, "exit": os.waitstatus_to_exitcode(status), "said": said}
commands = [["python3", "-c", "pass"], ["fermata", "hold"], ["fermata", "finish"]]
print(json.dumps({command[1]: measure(command) for command in commands}))
"""


@pytest.mark.kubectl
def test_a_sync_that_touches_no_dag_is_cheap(town: Town) -> None:
    objects = {m["kind"] + m["metadata"]["name"]: m for m in town.render(NEW)}
    job = objects["Jobfermata-hold-demo"]
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["python3", "-c", MEASURE]
    plan = objects["ConfigMapfermata-plan-demo"]

    done = town.player.sync([plan, job], apply=lambda: None)

    assert done.phase == "Succeeded", town.player.log("fermata-hold-demo")
    cost = json.loads(town.player.output("fermata-hold-demo"))
    print({name: (round(each["seconds"], 2), round(each["mib"])) for name, each in cost.items()})
    for hook in ("hold", "finish"):
        assert cost[hook]["exit"] == 0, cost[hook]["said"]
        assert "no DAG is touched" in cost[hook]["said"]
        assert cost[hook]["mib"] < 64  # what a Job requests
    both = cost["hold"]["seconds"] + cost["finish"]["seconds"] - 2 * cost["-c"]["seconds"]
    assert both < 3.5  # of a processor: what else the machine does is not ours


def applications(town: Town, argocd: str) -> Objects:
    """Return Argo CD's Applications in a namespace."""
    kind = town.folder / "application-crd.yaml"
    kind.write_text(APPLICATION_KIND)
    install_kind(town.kube, kind)
    return Objects(town.kube, APPLICATIONS, argocd)


def operation(phase: str, **more: str) -> Manifest:
    """Return the Application in whose operation ``phase`` is."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "demo"},
        "spec": {"project": "default"},
        "status": {"operationState": {"phase": phase, **more}},
    }


def start_watches(town: Town, argocd: str, folder: Path) -> None:
    """Start two watches by our manifests, and wait until their probes say that they are ready."""
    overlay = folder / "overlay"
    overlay.mkdir()
    built = build_with(overlay, [MANIFESTS / "components" / "argocd-in-cluster"])
    role = one(built, "Role", "fermata-watch")
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces"
    path = f"{rbac}/{town.namespace}/roles/fermata-watch"
    town.kube.ask(Request(method="PUT", path=path, body=role))
    beside = [yaml.safe_load(p.read_text("utf-8")) for p in (MANIFESTS / "argocd").glob("*.yaml")]
    install(town.kube, argocd, [o for o in beside if o["kind"] in ACCOUNTS], town.namespace)

    deployment = one(built, "Deployment", "fermata-watch")
    deployment["spec"]["replicas"] = 2
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = town.image
    ours = {"FERMATA_AIRFLOW_URL": town.airflow.url, "FERMATA_ARGOCD_NAMESPACE": argocd}
    for variable in container["env"]:
        variable["value"] = ours.get(variable["name"], variable["value"])
    path = f"/apis/apps/v1/namespaces/{town.namespace}/deployments"
    town.kube.ask(Request(method="POST", path=path, body=deployment))

    def ready() -> bool:
        found = town.kube.ask(Request(method="GET", path=f"{path}/fermata-watch"))
        return bool(found["status"].get("readyReplicas") == 2)

    eventually(town, ready, "two watches are ready")


def eventually(town: Town, is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > ends:
            raise TimeoutError(f"it never came to be so: {what}")
        town.kube.clock.sleep(0.5)
