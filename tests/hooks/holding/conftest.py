"""A fake Airflow over HTTP, a ledger in a folder, and environments that join the two."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, NoCredentials, PasswordFiles
from fermata_hooks.clock import Clock
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import Environment, connect
from fermata_hooks.termination import Termination

Connect = Callable[..., Environment]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def connect_to(clock: ManualClock, tmp_path: Path) -> Iterator[Connect]:
    """Return environments of processes of their own, with one ledger."""
    with ExitStack() as stack:

        def make(
            airflow: FakeAirflow,
            *,
            termination: Termination | None = None,
            time: Clock = clock,
            nobody: bool = False,
        ) -> Environment:
            files = airflow.credential_files(tmp_path)
            credentials = NoCredentials() if nobody else PasswordFiles(*files)
            api = stack.enter_context(AirflowApi(airflow.url, credentials, clock=time))
            return connect(
                api,
                FileDocuments(tmp_path / "ledger"),
                clock=time,
                termination=termination or Termination(),
            )

        yield make
