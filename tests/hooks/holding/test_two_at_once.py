"""Two applications at work at the same time, with overlapping DAGs, on each store of the ledger."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusters import connect as connect_cluster
from clusters import fresh_namespace
from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.documents import ConfigMapDocuments, Documents, FileDocuments
from fermata_hooks.holding import (
    Environment,
    HoldOrder,
    Patience,
    connect,
    hold_dags,
    release_hold,
    watch_pass,
)
from fermata_hooks.kube import CONFIG_MAPS, Objects
from fermata_hooks.ledger import Ledger
from fermata_hooks.termination import Termination

MANY = [f"dag_{number:03}" for number in range(150)]
WANTED = {"A": MANY[:100], "B": MANY[50:]}
ASLEEP = {"dag_010", "dag_075"}
PATIENCE = Patience(deadline=60.0)


@pytest.fixture
def in_a_folder(tmp_path: Path) -> Documents:
    return FileDocuments(tmp_path / "ledger")


@pytest.fixture
def in_a_cluster() -> Iterator[Documents]:
    kube = connect_cluster()
    with fresh_namespace(kube) as namespace:
        yield ConfigMapDocuments(Objects(kube, CONFIG_MAPS, namespace))
    kube.close()


@pytest.fixture(params=["in_a_folder", pytest.param("in_a_cluster", marks=pytest.mark.kubernetes)])
def documents(request: pytest.FixtureRequest) -> Documents:
    store: Documents = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    with FakeAirflow("3.3.2") as airflow:
        for dag_id in MANY:
            airflow.add_dag(dag_id, paused=dag_id in ASLEEP)
        yield airflow


@pytest.mark.slow
def test_each_application_gets_what_it_wants_and_everything_comes_back(
    airflow: FakeAirflow, documents: Documents, tmp_path: Path
) -> None:
    clock = SystemClock(Termination())

    def environment() -> Environment:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        api = AirflowApi(airflow.url, credentials, clock=clock)
        return connect(api, documents, clock=clock, termination=Termination())

    def hold(application: str) -> None:
        hold_dags(
            environment(),
            HoldOrder(
                application=application,
                revision="r1",
                operation="",
                wanted=WANTED[application],
                lease=3600.0,
                deadline=60.0,
            ),
        )

    def release(application: str) -> None:
        release_hold(environment(), application, revision="r1", patience=PATIENCE)

    def paused() -> set[str]:
        return {dag_id for dag_id, dag in airflow.dags.items() if dag.is_paused}

    side_by_side(lambda: hold("A"), lambda: hold("B"))
    assert paused() == set(MANY)

    side_by_side(lambda: release("A"), lambda: watch_pass(environment(), patience=PATIENCE))
    assert paused() == set(WANTED["B"]) | ASLEEP

    side_by_side(lambda: release("B"), lambda: hold("A"))
    assert paused() == set(WANTED["A"]) | ASLEEP

    side_by_side(lambda: release("A"), lambda: watch_pass(environment(), patience=PATIENCE))
    watch_pass(environment(), patience=PATIENCE)
    assert paused() == ASLEEP
    assert Ledger(documents, clock=clock).read().lines == {}


def side_by_side(*actions: Callable[[], object]) -> None:
    """Do all at once; the first that fails is raised."""
    failures: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as exc:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
