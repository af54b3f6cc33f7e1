"""``fermata doctor`` as a process: its exit codes, its formats, and what it leaves alone."""

import json
from dataclasses import replace

import jsonschema  # type: ignore[import-untyped]
import pytest

from fermata_hooks.clock import SystemClock
from fermata_hooks.termination import Termination
from fermata_spec.report import REPORT_SCHEMA
from workplaces import Surroundings, make_plan

NO_ARGO_CD = ("doctor", "--skip", "argocd")


@pytest.fixture
def clock() -> SystemClock:
    """Airflow's clock, in place of one that stands still: it is compared with the process'."""
    return SystemClock(Termination())


def test_nothing_to_mend_ends_with_0(around: Surroundings) -> None:
    around.airflow.add_dag("etl")

    done = around.run(*NO_ARGO_CD)

    assert done.returncode == 0, done.stdout
    assert "0 to mend, 0 not seen" in done.stdout
    assert around.paused() == set()


def test_what_must_be_mended_ends_with_3_and_is_told_with_what_mends_it(
    around: Surroundings,
) -> None:
    around.airflow.add_dag("etl")
    around.airflow.accounts.denied.add("/dagWarnings")

    done = around.run(*NO_ARGO_CD)

    assert done.returncode == 3
    assert "can_read on DAG Warnings:\n" in done.stdout
    assert 'airflow roles add-perms Fermata -r "DAG Warnings" -a can_read' in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("1 to mend, 0 not seen,")


def test_what_could_not_be_looked_at_ends_with_5(around: Surroundings) -> None:
    around.airflow.add_dag("etl")

    done = around.run("doctor")

    assert done.returncode == 5
    assert "FERMATA_ARGOCD_NAMESPACE says where it is" in done.stdout


def test_an_airflow_that_does_not_answer_ends_with_3(around: Surroundings) -> None:
    done = around.run(*NO_ARGO_CD, FERMATA_AIRFLOW_URL="http://127.0.0.1:1")

    assert done.returncode == 3
    assert "is FERMATA_AIRFLOW_URL its address" in done.stdout


def test_a_plan_says_where_airflow_is(around: Surroundings) -> None:
    around.airflow.add_dag("etl")
    plan = replace(make_plan("etl"), airflow_url=around.airflow.url)

    done = around.run(*NO_ARGO_CD, plan=plan, FERMATA_AIRFLOW_URL="")

    assert done.returncode == 0, done.stdout
    assert around.airflow.requests != []


def test_without_an_address_the_variable_and_the_plan_are_named(around: Surroundings) -> None:
    done = around.run(*NO_ARGO_CD, FERMATA_AIRFLOW_URL="")

    assert done.returncode == 3
    assert "FERMATA_AIRFLOW_URL: missing, and there is no plan that has it" in done.stdout


def test_wrong_settings_end_with_2_before_anything_is_looked_at(around: Surroundings) -> None:
    done = around.run("doctor", FERMATA_AIRFLOW_USER_FILE="/x")

    assert done.returncode == 2
    assert "FERMATA_AIRFLOW_USER_FILE: unknown variable" in done.stderr
    assert around.airflow.requests == []


def test_its_json_is_a_report(around: Surroundings) -> None:
    around.airflow.add_dag("etl")

    done = around.run(*NO_ARGO_CD, "--format", "json")

    report = json.loads(done.stdout)
    jsonschema.validate(report, REPORT_SCHEMA)
    assert report["hook"] == "doctor"
    assert {check["verdict"] for check in report["checks"]} == {"pass"}


def test_no_secret_is_in_what_it_says(around: Surroundings) -> None:
    around.airflow.accounts.denied.add("/dags")

    done = around.run("doctor")

    password = around.credentials[1].read_text().strip()
    assert password
    assert password not in done.stdout + done.stderr
