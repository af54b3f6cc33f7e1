"""Every way a sync can end, with our Jobs as pods, our watches beside them, and a real Airflow.

A real cluster runs the rendered hooks in Argo CD's order; the ends are those that were measured on
Argo CD 3.6. ``etl`` changes in each revision; ``load`` changes, too, and a person has paused it.
After each end both are what they were: by finish, by release, or by the watch.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

import components
from clusters import connect, fresh_namespace, install_kind
from fakes.argocd_player import (
    ComparisonFailed,
    Manifest,
    OperationsOf,
    Synced,
    TerminatedByAPerson,
)
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.demo.manifests import Manifests
from fermata_hooks.demo.volume import write_volume
from fermata_hooks.exchange import Request
from fermata_hooks.kube import JOBS, Objects, cluster_of
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError
from manifests.kustomizing import MANIFESTS
from manifests.towns import Town, applications, forwarded, own_address, start_watches

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.kubectl,
    pytest.mark.kubernetes,
    pytest.mark.long,
    pytest.mark.node,
    pytest.mark.timeout(900),
]

HOLD, FINISH, RELEASE = "fermata-hold-demo", "fermata-finish-demo", "fermata-release-demo"
AT_REST = {"load"}
TERMINATED = "Operation terminated"
TIMED_OUT = "Operation terminated, triggered by controller sync timeout"

Ending = Callable[["RealTown"], Synced]


class RealAirflow:
    """An Airflow that runs, reached by pods at ``address``."""

    def __init__(self, running: RunningAirflow, address: str) -> None:
        self.running, self._address = running, address
        credentials = PasswordFiles(running.username_file, running.password_file)
        self.api = AirflowApi(running.url, credentials, clock=SystemClock(Termination()))
        self.is_broken = False

    @property
    def address(self) -> str:
        return self._address

    def login(self) -> tuple[str, str]:
        running = self.running
        return running.username_file.read_text(), running.password_file.read_text()

    def arrive(self, manifests: Sequence[Manifest]) -> None:
        """Show the files as a kubelet does; a broken revision's cannot be imported."""
        files = Manifests(tuple(manifests)).dag_files()
        if self.is_broken:
            name = next(name for name in files if name.startswith("etl"))
            files[name] = b"import no_such_module\n" + files[name]
        write_volume(self.running.dags_folder, files)

    def paused(self) -> set[str]:
        return {dag.dag_id for dag in self.api.dags() if dag.is_paused}


class RealTown(Town):
    """A town beside a real Airflow, whose DAGs wait for the file ``go``."""

    airflow: RealAirflow
    _numbers = count(1)

    def next_revision(self) -> list[Manifest]:
        """Return the manifests of a revision that changes both DAGs."""
        number = next(self._numbers)
        wait = f"until [ -e {self.go} ]; do sleep 0.2; done; echo {number}"
        return self.render(f"{number:040x}", etl=wait, load=f"echo {number}")

    @property
    def go(self) -> Path:
        return self.folder / "go"

    def let_a_task_run(self) -> None:
        """Let a task of ``etl`` run until there is ``go``."""
        self.go.unlink()
        run_id = f"endings-{next(self._numbers)}"
        self.airflow.api.trigger("etl", run_id=run_id, conf={}, note="")

        def runs() -> bool:
            found = self.airflow.api.task_instances(dag_ids=["etl"], states=["running"])
            return any(task.run_id == run_id for task in found)

        self.eventually(runs, "a task of etl runs")

    def is_running(self, job: str) -> bool:
        """Return whether the process of a hook's Job has begun."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        query = [("labelSelector", f"job-name={job}")]
        pods = self.kube.ask(Request(method="GET", path=path, query=query))["items"]
        return any(pod["status"]["phase"] == "Running" for pod in pods)

    def interrupt(self, job: str, how: Exception, *, when: Callable[[], bool]) -> None:
        """Interrupt the operation while ``job`` runs, as soon as ``when`` says so."""

        def look(name: str) -> None:
            if name == job and when():
                self.player.while_it_runs = lambda _name: None
                raise how

        self.player.while_it_runs = look

    def is_at_rest(self) -> bool:
        return self.paused() == AT_REST and self.status.phase == "Idle"


@pytest.fixture(scope="module")
def shared(
    pytestconfig: pytest.Config,
    airflow_server: AirflowServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealTown]:
    folder = tmp_path_factory.mktemp("endings")
    image = pytestconfig.stash[components.found][components.IMAGE_VARIABLE]
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    host = own_address(cluster_of(os.environ).url)
    with ExitStack() as stack:
        running = stack.enter_context(airflow_server.running())
        address = stack.enter_context(forwarded(running.url, host))
        argocd = stack.enter_context(fresh_namespace(kube))
        namespace = stack.enter_context(fresh_namespace(kube))
        operations = OperationsOf(applications(kube, argocd, folder))
        airflow = RealAirflow(running, address)
        stack.callback(airflow.api.close)
        town = RealTown(kube, namespace, airflow, folder=folder, image=image, operations=operations)
        town.go.touch()
        start_watches(town, argocd, folder)
        first = town.sync(town.next_revision())
        assert first.phase == "Succeeded", (first, town.player.log(FINISH))
        airflow.api.set_paused("load", paused=True)
        yield town


@pytest.fixture
def town(shared: RealTown) -> Iterator[RealTown]:
    """The town at rest, and afterwards again as it was."""
    yield shared
    shared.go.touch()
    shared.drain, shared.airflow.is_broken = "20s", False
    shared.player.while_it_runs = lambda _name: None
    shared.eventually(shared.is_at_rest, "all is at rest again")


def refuse() -> None:
    raise RejectedError("ConfigMap: 422", status=422)


def success(town: RealTown) -> Synced:
    return town.sync(town.next_revision())


def hold_fails(town: RealTown) -> Synced:
    town.let_a_task_run()
    town.drain = "5s"
    return town.sync(town.next_revision())


def apply_fails(town: RealTown) -> Synced:
    return town.sync(town.next_revision(), apply=refuse)


def apply_and_release_fail(town: RealTown) -> Synced:
    manifests = town.next_revision()
    (job,) = (m for m in manifests if m["metadata"]["name"] == RELEASE)
    job["spec"]["template"]["spec"]["containers"][0]["command"] = ["python3", "-c", "exit(3)"]
    return town.sync(manifests, apply=refuse)


def finish_fails(town: RealTown) -> Synced:
    town.airflow.is_broken = True
    return town.sync(town.next_revision())


def ended_during_presync(town: RealTown, how: Exception) -> Synced:
    town.let_a_task_run()
    town.drain = "2m"
    town.interrupt(HOLD, how, when=lambda: "etl" in town.paused())
    return town.sync(town.next_revision())


def terminated_during_presync(town: RealTown) -> Synced:
    return ended_during_presync(town, TerminatedByAPerson())


def timed_out_during_presync(town: RealTown) -> Synced:
    return ended_during_presync(town, TerminatedByAPerson(TIMED_OUT))


def plugin_fails_during_presync(town: RealTown) -> Synced:
    return ended_during_presync(town, ComparisonFailed("Failed to load target state"))


def terminated_during_sync(town: RealTown) -> Synced:
    def terminate() -> None:
        raise TerminatedByAPerson

    return town.sync(town.next_revision(), apply=terminate)


def ended_during_postsync(town: RealTown, how: Exception) -> Synced:
    town.interrupt(FINISH, how, when=lambda: town.is_running(FINISH))
    # Nothing of it arrives in Airflow, so verify waits.
    return town.player.sync(town.next_revision(), apply=lambda: None)


def terminated_during_postsync(town: RealTown) -> Synced:
    return ended_during_postsync(town, TerminatedByAPerson())


def timed_out_during_postsync(town: RealTown) -> Synced:
    return ended_during_postsync(town, TerminatedByAPerson(TIMED_OUT))


def terminated_during_sync_fail(town: RealTown) -> Synced:
    town.interrupt(RELEASE, TerminatedByAPerson(), when=lambda: True)
    return town.sync(town.next_revision(), apply=refuse)


def retried_until_it_is_good(town: RealTown) -> Synced:
    attempts = count(1)

    def refuse_twice() -> None:
        if next(attempts) <= 2:
            refuse()

    return town.sync(town.next_revision(), apply=refuse_twice, retries=2)


def retried_in_vain(town: RealTown) -> Synced:
    return town.sync(town.next_revision(), apply=refuse, retries=1)


def newer_revision_after_a_termination(town: RealTown) -> Synced:
    first = terminated_during_presync(town)
    assert first.phase == f"Failed: {TERMINATED}"
    town.go.touch()
    return town.sync(town.next_revision())


def controller_restarts_after_hold(town: RealTown) -> Synced:
    town.player.restarts_after = {HOLD}
    return town.sync(town.next_revision())


def controller_restarts_after_finish(town: RealTown) -> Synced:
    town.player.restarts_after = {FINISH}
    return town.sync(town.next_revision())


GOOD = [(HOLD, "Complete"), (FINISH, "Complete")]
GIVEN_BACK = (RELEASE, "Complete")
REFUSED = [(HOLD, "Complete"), GIVEN_BACK]
ENDINGS: list[tuple[Ending, str, list[tuple[str, str]]]] = [
    (success, "Succeeded", GOOD),
    (hold_fails, "Failed", [(HOLD, "Failed"), GIVEN_BACK]),
    (apply_fails, "Failed", REFUSED),
    (apply_and_release_fail, "Failed", [(HOLD, "Complete"), (RELEASE, "Failed")]),
    (finish_fails, "Failed", [(HOLD, "Complete"), (FINISH, "Failed"), GIVEN_BACK]),
    (terminated_during_presync, f"Failed: {TERMINATED}", [(HOLD, "Terminated")]),
    (timed_out_during_presync, f"Failed: {TIMED_OUT}", [(HOLD, "Terminated")]),
    (plugin_fails_during_presync, "Error: ComparisonError: Failed to load target state", []),
    (terminated_during_sync, f"Failed: {TERMINATED}", [(HOLD, "Complete")]),
    (
        terminated_during_postsync,
        f"Failed: {TERMINATED}",
        [(HOLD, "Complete"), (FINISH, "Terminated")],
    ),
    (
        timed_out_during_postsync,
        f"Failed: {TIMED_OUT}",
        [(HOLD, "Complete"), (FINISH, "Terminated")],
    ),
    (
        terminated_during_sync_fail,
        f"Failed: {TERMINATED}",
        [(HOLD, "Complete"), (RELEASE, "Terminated")],
    ),
    (retried_until_it_is_good, "Succeeded", [*REFUSED, *REFUSED, *GOOD]),
    (retried_in_vain, "Failed", [*REFUSED, *REFUSED]),
    (newer_revision_after_a_termination, "Succeeded", GOOD),
    (controller_restarts_after_hold, "Succeeded", [GOOD[0], *GOOD]),
    (controller_restarts_after_finish, "Succeeded", [*GOOD, GOOD[1]]),
]


@pytest.mark.parametrize(
    ("ending", "phase", "hooks"),
    ENDINGS,
    ids=[ending.__name__.replace("_", " ") for ending, _, _ in ENDINGS],
)
def test_after_each_ending_the_dags_are_what_they_were(
    town: RealTown, ending: Ending, phase: str, hooks: list[tuple[str, str]]
) -> None:
    done = ending(town)

    assert (done.phase, done.hooks) == (phase, hooks), town.player.log(
        hooks[-1][0] if hooks else HOLD
    )
    town.eventually(town.is_at_rest, "the DAGs are what they were")
    if phase == "Succeeded":
        assert town.status.verdict == "pass"
    else:
        assert town.status.verdict in ("fail", "inconclusive")


def test_what_an_error_has_left_is_replaced_by_the_next_sync(town: RealTown) -> None:
    plugin_fails_during_presync(town)
    left = Objects(town.kube, JOBS, town.namespace).get(HOLD)
    assert left is not None
    assert left["metadata"]["finalizers"] == ["argocd.argoproj.io/hook-finalizer"]
    town.go.touch()

    done = town.sync(town.next_revision())

    assert (done.phase, done.hooks) == ("Succeeded", GOOD)
