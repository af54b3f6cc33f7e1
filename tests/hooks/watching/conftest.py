"""A watch, the Airflow and the Argo CD that it looks at, and hold steps whose syncs end anyhow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from watch_scene import Scene


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def airflow(clock: ManualClock) -> Iterator[FakeAirflow]:
    """An Airflow in which ``etl`` and ``report`` run, and a person has paused ``off``."""
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        airflow.add_dag("etl")
        airflow.add_dag("report")
        airflow.add_dag("off", paused=True)
        yield airflow


@pytest.fixture
def argocd(clock: ManualClock) -> Iterator[FakeArgoCd]:
    """An Argo CD that knows the application ``demo``."""
    with FakeArgoCd(now=clock.now) as argocd:
        argocd.add("demo", automated=True)
        yield argocd


@pytest.fixture
def scene(
    airflow: FakeAirflow, argocd: FakeArgoCd, tmp_path: Path, clock: ManualClock
) -> Iterator[Scene]:
    scene = Scene(airflow, argocd, tmp_path, clock)
    yield scene
    scene.close()
