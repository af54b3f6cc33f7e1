"""What doctor finds in an Airflow: by each API, and for an account that may do less."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.diagnosis import Examination, examine_airflow
from fermata_spec.report import Check

PERMISSIONS = [
    ("/importErrors", "can_read on ImportError"),
    ("/eventLogs", "can_read on Audit Logs"),
    ("/dagWarnings", "can_read on DAG Warnings"),
    ("/dagSources", "can_read on DAG Code"),
    ("/taskInstances", "can_read on Task Instances"),
]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["3.3.2", "2.11.2"])
def airflow(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[FakeAirflow]:
    with FakeAirflow(request.param, now=clock.now) as airflow:
        airflow.add_dag("etl")
        for component in airflow.health.values():
            component.heartbeat = clock.now()
        yield airflow


def examined(
    airflow: FakeAirflow, clock: ManualClock, folder: Path, *, password: str = ""
) -> dict[str, Check]:
    """Return the findings by their names; ``password`` in place of the right one."""
    found = Examination()
    files = airflow.credential_files(folder)
    if password:
        files[1].write_text(password)
    with AirflowApi(airflow.url, PasswordFiles(*files), clock=clock) as api:
        examine_airflow(found, api, clock)
    return {check.name: check for check in found.checks}


def wrong(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.verdict != "pass"}


def test_an_airflow_that_is_well_gives_nothing_to_mend(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    found = examined(airflow, clock, tmp_path)

    assert wrong(found) == set()
    assert {"can_edit on DAGs", "can_create on DAG Runs"} <= found.keys()


def test_it_changes_nothing(airflow: FakeAirflow, clock: ManualClock, tmp_path: Path) -> None:
    examined(airflow, clock, tmp_path)

    assert not airflow.dags["etl"].is_paused
    assert airflow.runs == {}


@pytest.mark.parametrize(("path", "name"), PERMISSIONS)
def test_each_permission_that_is_missing_is_named_with_what_grants_it(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path, path: str, name: str
) -> None:
    airflow.accounts.denied.add(path)

    found = examined(airflow, clock, tmp_path)

    assert wrong(found) == {name}
    action, _, resource = name.partition(" on ")
    assert f'airflow roles add-perms Fermata -r "{resource}" -a {action}' in found[name].lines


def test_an_account_that_may_only_look_is_told_what_it_may_not_change(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    airflow.accounts.viewers.add("fermata")

    found = examined(airflow, clock, tmp_path)

    assert {"can_edit on DAGs", "can_create on DAG Runs"} <= wrong(found)


def test_a_wrong_password_is_the_first_finding_with_the_secret_that_mends_it(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    found = examined(airflow, clock, tmp_path, password="another")

    first = next(check for check in found.values() if check.verdict != "pass")
    assert first.name in {"account in Airflow", "can_read on DAGs"}  # 3.x tells, 2.x does not
    assert any("create secret generic fermata-airflow" in line for line in first.lines)


def test_an_address_where_nobody_listens_is_one_finding(clock: ManualClock, tmp_path: Path) -> None:
    found = Examination()
    for name in ("username", "password"):
        (tmp_path / name).write_text("x")
    files = PasswordFiles(tmp_path / "username", tmp_path / "password")
    with AirflowApi("http://127.0.0.1:1", files, clock=clock) as api:
        examine_airflow(found, api, clock)

    (check,) = found.checks
    assert (check.name, check.verdict) == ("Airflow", "fail")
    assert "127.0.0.1:1" in check.message


def test_a_clock_that_is_a_minute_off_is_told(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    other = ManualClock(clock.now() + 90)

    found = examined(airflow, other, tmp_path)

    assert found["clock of Airflow"].verdict == "fail"
    assert "90 s behind ours" in found["clock of Airflow"].message


def test_a_component_that_is_down_is_named(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    airflow.health["scheduler"].status = "unhealthy"

    found = examined(airflow, clock, tmp_path)

    assert "scheduler" in found["components of Airflow"].message
    assert found["components of Airflow"].verdict == "fail"


def test_without_a_dag_what_cannot_be_asked_is_inconclusive(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    airflow.dags.clear()

    found = examined(airflow, clock, tmp_path)

    assert {check.verdict for check in found.values()} == {"pass", "inconclusive"}
