"""``fermata doctor`` on a real Airflow: its own answers to what an account may not do."""

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.diagnosis import Examination, examine_airflow
from fermata_hooks.termination import Termination
from fermata_spec.report import Check, Verdict

pytestmark = [pytest.mark.airflow]


def examined(airflow: RunningAirflow, user: str) -> dict[str, Check]:
    found, clock = Examination(), SystemClock(Termination())
    files = PasswordFiles(*airflow.credential_files(user))
    with AirflowApi(airflow.url, files, clock=clock) as api:
        examine_airflow(found, api, clock)
    return {check.name: check for check in found.checks}


def named(found: dict[str, Check], verdict: Verdict) -> set[str]:
    return {name for name, check in found.items() if check.verdict == verdict}


def test_the_hooks_user_lacks_nothing(airflow: RunningAirflow) -> None:
    found = examined(airflow, "fermata")

    assert named(found, "fail") == set()
    assert {"can_edit on DAGs", "can_create on DAG Runs"} <= named(found, "pass")


def test_who_may_only_look_is_told_by_name_what_is_missing(airflow: RunningAirflow) -> None:
    found = examined(airflow, "victor")

    assert {"can_edit on DAGs", "can_create on DAG Runs"} <= named(found, "fail")
    assert "can_read on DAGs" in named(found, "pass")
    assert "403" in found["can_edit on DAGs"].message
