"""The buttons of Argo CD's UI: what each does, once, and what is made of hostile requests."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clusters import MANIFESTS, connect, fresh_namespace, install_kind
from fakes.fake_airflow import FakeAirflow
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_requests import ACTIONS, DagSetRequests
from fermata_hooks.dagset_status import conclude, syncing, verified_now
from fermata_hooks.holding import HoldOrder, hold_dags
from fermata_hooks.identity_settings import AirflowIdentity
from fermata_hooks.jobs.watch import neighbours
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.kube import DAGSETS, Kube, Objects
from fermata_hooks.settings import ClusterLedger, Settings
from fermata_hooks.termination import Termination
from fermata_hooks.watching import Buttons, Watch
from fermata_spec.dagset import DagSetStatus, Figures, dagset
from fermata_spec.errors import InconclusiveError
from fermata_spec.names import dagset_name
from fermata_spec.plan import Plan, SmokeDag, SmokePolicy, VerifyPolicy
from workplaces import NEW, make_plan

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

POLICY = VerifyPolicy(deadline=5.0, settle=0.0, serialize_lag=0.0, mount_lag=0.0)
PLAN = make_plan("etl", "report", revision=NEW, verify=POLICY)
SMOKED = replace(PLAN, smoke=SmokePolicy(deadline=20.0, dags=(SmokeDag(dag_id="report"),)))
NAME = dagset_name("demo")


class Desk:
    """A DagSet in a cluster, an Airflow, and a watch that does at once what is asked for."""

    def __init__(self, kube: Kube, namespace: str, airflow: FakeAirflow, folder: Path) -> None:
        self.kube, self.namespace, self.airflow = kube, namespace, airflow
        self.objects = Objects(kube, DAGSETS, namespace)
        self._credentials = airflow.credential_files(folder)
        self.objects.create(dagset(PLAN, name=NAME))
        conclude(self.place().dagsets, PLAN, verdict="fail", message="broken", applied=True)

    def place(self) -> Workplace:
        username, password = self._credentials
        termination = Termination()
        return Workplace(
            settings=Settings(
                ledger=ClusterLedger(self.namespace, "fermata-ledger"),
                identity=AirflowIdentity(username_file=username, password_file=password),
            ),
            clock=SystemClock(termination),
            termination=termination,
            airflow_url=self.airflow.url,
            late=300.0,
        )

    def press(self, action: str, press_id: str = "1795528618-4711") -> None:
        """Leave a request, as Argo CD's action does."""
        annotations = {f"fermata.dev/request-{action}": press_id}
        self.objects.merge(NAME, {"metadata": {"annotations": annotations}})

    def has_passed(self, plan: Plan) -> None:
        """Let a sync of ``plan`` have passed."""
        place = self.place()
        verified = verified_now(plan, place.clock)
        conclude(
            place.dagsets, plan, verdict="pass", message="well", verified=verified, applied=True
        )

    def watch(self) -> Watch:
        """Return a watch that has just been started."""
        return Watch(neighbours(self.place(), start=lambda work: work()))

    def status(self) -> DagSetStatus:
        return self.place().dagsets.read("demo")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace, FakeAirflow("3.3.2", now=time.time) as airflow:
        for dag in PLAN.dags:
            airflow.add_dag(dag.dag_id, file=dag.file, doc_md=f"fermata:{dag.digest}")
        yield Desk(kube, namespace, airflow, tmp_path)


def test_verify_proves_the_plan_that_was_last_applied(desk: Desk) -> None:
    desk.press("verify")

    desk.watch().do_pass()

    status = desk.status()
    assert status.verdict == "pass", status.message
    assert status.message.startswith("verify on request: ")
    assert status.dags is not None
    assert (status.dags.wanted, status.dags.present) == (2, 2)
    assert status.verified is not None
    assert status.verified.revision == NEW


def test_verify_says_what_is_missing(desk: Desk) -> None:
    del desk.airflow.dags["etl"]
    desk.press("verify")

    desk.watch().do_pass()

    status = desk.status()
    assert (status.verdict, status.offenders) == ("fail", ("etl",))
    assert status.verified is None


def test_a_pass_of_verify_alone_is_not_verified_where_there_are_smoke_dags(desk: Desk) -> None:
    conclude(desk.place().dagsets, SMOKED, verdict="fail", message="broken", applied=True)
    desk.press("verify")

    desk.watch().do_pass()

    status = desk.status()
    assert (status.verdict, status.verified) == ("inconclusive", None)


def test_smoke_runs_the_smoke_dags(desk: Desk) -> None:
    desk.has_passed(SMOKED)
    desk.press("smoke")

    desk.watch().do_pass()

    runs = [run_id for dag_id, run_id in desk.airflow.runs if dag_id == "report"]
    assert runs == [f"fermata-demo-{NEW[:12]}-1795528618"]
    assert desk.status().message.startswith("smoke on request: ")


def test_release_ends_the_hold_and_gives_the_dags_back(desk: Desk) -> None:
    place = desk.place()
    order = HoldOrder(
        application="demo",
        revision=NEW,
        operation="",
        wanted=["etl"],
        lease=3600.0,
        deadline=60.0,
    )
    hold_dags(place.holding, order)
    kept = replace(desk.status(), dags=Figures(wanted=2, present=2, held=1))
    place.dagsets.write("demo", kept)
    desk.press("release")

    desk.watch().do_pass()

    assert not desk.airflow.dags["etl"].is_paused
    status = desk.status()
    assert status.message == "release on request: 1 DAG(s) settled"
    assert status.dags is not None
    assert status.dags.held == 0


def test_a_press_is_carried_out_once_whoever_looks(desk: Desk) -> None:
    desk.has_passed(SMOKED)
    desk.press("smoke")
    for _ in range(3):
        desk.watch().do_pass()

    assert len(desk.airflow.runs) == 1
    desk.press("smoke", "1795528700-5000")
    desk.watch().do_pass()

    assert len(desk.airflow.runs) == 2


def test_what_was_taken_up_survives_what_a_sync_writes(desk: Desk) -> None:
    desk.press("release")
    desk.watch().do_pass()
    syncing(desk.place().dagsets, PLAN)
    desk.has_passed(PLAN)

    desk.watch().do_pass()

    assert desk.status().message == "well"


@pytest.mark.parametrize("action", ["verify", "smoke"])
def test_while_a_sync_runs_the_proofs_are_left_to_it(desk: Desk, action: str) -> None:
    syncing(desk.place().dagsets, PLAN)
    desk.press(action)

    desk.watch().do_pass()

    assert desk.status().phase == "Syncing"
    assert "a sync runs, which does it itself" in desk.status().message
    assert desk.airflow.runs == {}


@pytest.mark.parametrize("plan", ["", "no base64", "aGVsbG8=", "H4sIAAAAAAAA"])
def test_without_a_plan_that_can_be_read_verify_says_so(desk: Desk, plan: str) -> None:
    desk.place().dagsets.write("demo", replace(desk.status(), plan=plan))
    before = desk.status()
    desk.press("verify")

    done = desk.watch().do_pass()

    assert done.failure is None
    assert desk.status().message.startswith("verify on request: ")
    assert desk.status().verdict == before.verdict


@pytest.mark.parametrize(
    ("action", "press_id"),
    [
        ("verify", ""),
        ("verify", "now"),
        ("verify", "1795528618-4711\n"),
        ("verify", "1-" + "9" * 300),
        ("verify", "$(id)-1"),
        ("delete", "1795528618-4711"),
        ("release/../verify", "1795528618-4711"),
    ],
)
def test_what_no_button_writes_is_left_alone(desk: Desk, action: str, press_id: str) -> None:
    desk.watch().do_pass()  # it also says what is unverified
    before = desk.status()
    name = f"fermata.dev/request-{action}".replace("/../", "_")
    desk.objects.merge(NAME, {"metadata": {"annotations": {name: press_id}}})

    desk.watch().do_pass()

    assert desk.status() == before


def test_one_at_a_time_is_carried_out_beside_the_loop(desk: Desk) -> None:
    for action in ACTIONS:
        desk.press(action)
    started: list[Callable[[], None]] = []
    done: list[str] = []

    def refuse(application: str, _id: str) -> None:
        done.append(application)
        raise InconclusiveError("no")

    requests = DagSetRequests(desk.kube, desk.namespace)
    buttons = Buttons(requests, dict.fromkeys(ACTIONS, refuse), start=started.append)
    for _ in range(3):
        buttons.look()
    before = len(started)
    started[0]()
    buttons.look()

    assert before == 1
    assert done == ["demo"]
    assert len(started) == 2
