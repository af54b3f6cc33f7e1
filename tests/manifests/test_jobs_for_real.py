"""The rendered hook Jobs as pods of our image, in Argo CD's order, beside a fake Airflow.

Here are the ends that a fake shows as well as a real one, and what hooks cost; the ends of a sync
beside a real Airflow are in ``test_sync_endings.py``.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

import components
from clusters import connect, fresh_namespace, install_kind
from fakes.argocd_player import Manifest
from fakes.fake_airflow import FakeAirflow
from fermata_hooks.exchange import Request
from fermata_hooks.kube import cluster_of
from fermata_spec.errors import RejectedError
from fermata_spec.plan import Plan
from manifests.kustomized import kustomize, plan_into
from manifests.kustomizing import MANIFESTS
from manifests.towns import Town, own_address, plan_in

pytestmark = [pytest.mark.node, pytest.mark.kubernetes, pytest.mark.long, pytest.mark.timeout(600)]

OLD, NEW = "a" * 40, "b" * 40


class FakeAirflows:
    """A fake Airflow; ``airflow`` is it."""

    _wanted: Plan | None = None
    is_broken = False

    def __init__(self, airflow: FakeAirflow, folder: Path) -> None:
        self.airflow, self._folder = airflow, folder
        airflow.on_parse = lambda _file: self.parse()

    @property
    def address(self) -> str:
        return self.airflow.url

    def login(self) -> tuple[str, str]:
        username, password = self.airflow.credential_files(self._folder)
        return username.read_text(), password.read_text()

    def arrive(self, manifests: Sequence[Manifest]) -> None:
        self._wanted = plan_in(manifests)
        self.parse()

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


class FakeTown(Town):
    """A town whose Airflow is a fake."""

    airflow: FakeAirflows


@pytest.fixture
def town(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[FakeTown]:
    image = pytestconfig.stash[components.found][components.IMAGE_VARIABLE]
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    fake = FakeAirflow("3.3.2", now=time.time)
    fake.host = own_address(cluster_of(os.environ).url)
    with fresh_namespace(kube) as namespace, fake:
        airflow = FakeAirflows(fake, tmp_path)
        town = FakeTown(kube, namespace, airflow, folder=tmp_path, image=image)
        first = town.sync(town.render(OLD))
        assert first.phase == "Succeeded", (first, town.player.log("fermata-hold-demo"))
        yield town


def test_a_change_is_held_proven_and_given_back(town: FakeTown) -> None:
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


def test_what_is_refused_after_the_hold_is_given_back_by_release(town: FakeTown) -> None:
    def refused() -> None:
        raise RejectedError("ConfigMap: 422", status=422)

    done = town.sync(town.render(NEW, etl="echo 2"), apply=refused)

    assert done.hooks == [("fermata-hold-demo", "Complete"), ("fermata-release-demo", "Complete")]
    assert town.paused() == set()
    assert town.status.verdict == "fail"


def test_a_bad_revision_fails_and_its_dags_are_given_back(town: FakeTown) -> None:
    town.airflow.is_broken = True

    done = town.sync(town.render(NEW, etl="echo 2"))

    assert done.hooks == [
        ("fermata-hold-demo", "Complete"),
        ("fermata-finish-demo", "Failed"),
        ("fermata-release-demo", "Complete"),
    ]
    assert "exit 3" in town.player.log("fermata-finish-demo")
    assert town.paused() == set()
    assert (town.status.verdict, town.status.offenders) == ("fail", ("etl",))
    (said,) = (line for line in town.player.events("fermata-finish-demo") if "bbbb" in line)
    assert said.startswith("finish demo@bbbbbbbbbbbb: fail: ")


def test_a_task_that_does_not_end_denies_the_sync_and_its_dag_goes_on(town: FakeTown) -> None:
    town.drain = "5s"
    town.airflow.airflow.add_task("etl", "r1", "extract", "running")

    done = town.sync(town.render(NEW, etl="echo 2"))

    assert done.hooks == [("fermata-hold-demo", "Failed"), ("fermata-release-demo", "Complete")]
    assert "exit 3" in town.player.log("fermata-hold-demo")
    assert town.paused() == set()


def test_doctor_as_a_job_finds_nothing_to_mend(town: FakeTown) -> None:
    folder = MANIFESTS / "overlays" / "doctor"
    job = yaml.safe_load((folder / "fermata-doctor-job.yaml").read_text("utf-8"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["image"] = town.image
    container["env"][0]["value"] = town.airflow.address
    job["metadata"]["annotations"] = {"argocd.argoproj.io/hook": "PreSync"}

    done = town.player.sync([job], apply=lambda: None)

    assert done.phase == "Succeeded", town.player.output("fermata-doctor")
    assert "0 to mend, 0 not seen" in town.player.output("fermata-doctor")


@pytest.mark.kubectl
def test_hooks_that_kustomize_renders_hold_and_prove(town: FakeTown) -> None:
    rendered = town.render(NEW, etl="echo 2")
    plan_into(town.folder, namespace=town.namespace)
    manifests = kustomize(town.folder, NEW, namespace=town.namespace)
    for each in manifests:
        if each["kind"] == "Job":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["image"] = town.image

    done = town.player.sync(manifests, apply=lambda: town.airflow.arrive(rendered))

    assert done.phase == "Succeeded", town.player.log("fermata-finish")
    assert done.hooks == [("fermata-hold", "Complete"), ("fermata-finish", "Complete")]
    assert any("1 DAG(s) held" in line for line in town.player.events("fermata-hold"))
    verified = town.status.verified
    assert verified is not None
    assert verified.revision == NEW


def test_a_missing_secret_ends_the_hold_with_a_line_that_names_it(town: FakeTown) -> None:
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
def test_a_sync_that_touches_no_dag_is_cheap(town: FakeTown) -> None:
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
