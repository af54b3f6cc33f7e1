"""A fake Airflow with a few DAGs, and what the hooks work with around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from workplaces import Surroundings


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["3.3.2", "2.11.2"])
def airflow(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[FakeAirflow]:
    """An Airflow of either generation."""
    with FakeAirflow(request.param, now=clock.now) as airflow:
        yield airflow


@pytest.fixture
def around(airflow: FakeAirflow, tmp_path: Path, clock: ManualClock) -> Surroundings:
    return Surroundings(airflow, tmp_path, clock)
