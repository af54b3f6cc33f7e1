"""The hold as Kubernetes sees it: exit code, stdout, stderr, SIGTERM."""

import json
import signal
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # has no types of its own
import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.holding import read_status
from fermata_spec.plan import Plan
from fermata_spec.report import REPORT_SCHEMA
from workplaces import OLD, Surroundings, changed, json_report, make_plan


@pytest.fixture
def verified(around: Surroundings, airflow: FakeAirflow) -> Plan:
    """A revision with the DAG ``etl`` that Airflow holds, proven."""
    airflow.add_dag("etl", file="etl.py")
    plan = make_plan("etl", revision=OLD)
    around.verified(plan)
    return plan


@pytest.mark.slow
def test_a_hold_ends_with_0_a_table_on_stdout_and_talk_on_stderr(
    around: Surroundings, verified: Plan
) -> None:
    done = around.run("hold", plan=changed(verified, "etl"))

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hold demo@bbbbbbbbbbbb: pass, ")
    assert "hold demo@bbbbbbbbbbbb: pass: 1 DAG(s) held, drained in " in done.stderr
    assert around.paused() == {"etl"}


@pytest.mark.slow
def test_a_dry_run_prints_what_would_be_held(around: Surroundings, verified: Plan) -> None:
    done = around.run(
        "hold", "--dry-run", "--format", "json", "--select", "all", plan=changed(verified)
    )

    report = json_report(done)
    jsonschema.validate(report, REPORT_SCHEMA)
    assert done.returncode == 0
    assert report["dags"] == [{"dag_id": "etl", "done": "would be held", "why": ""}]
    assert around.paused() == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(["--select", "elt"], "--select: no DAG 'elt' in Airflow or in git", id="id"),
        pytest.param(["--select", "tags:a"], "--select: 'tags:a' begins with none of", id="kind"),
    ],
)
def test_a_wrong_selection_ends_with_2_and_one_line(
    around: Surroundings, verified: Plan, args: list[str], said: str
) -> None:
    done = around.run("hold", *args, plan=changed(verified, "etl"))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)


@pytest.mark.slow
def test_a_wrong_password_ends_with_4_and_one_line_without_it(
    around: Surroundings, verified: Plan
) -> None:
    Path(around.credentials[1]).write_text("wrong-pass-phrase")

    done = around.run("hold", plan=changed(verified, "etl"), FERMATA_LOG="json")

    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["level"] == "error"
    assert "wrong-pass-phrase" not in done.stderr + done.stdout


@pytest.mark.slow
def test_an_airflow_that_does_not_answer_ends_with_75_and_the_report_says_so(
    around: Surroundings, airflow: FakeAirflow, verified: Plan, tmp_path: Path
) -> None:
    airflow.answers(503, times=0)
    written = tmp_path / "report.json"

    done = around.run("hold", plan=changed(verified, "etl"), FERMATA_REPORT=str(written))

    assert done.returncode == 75
    assert len(done.stderr.splitlines()) == 1
    report = json.loads(written.read_text())
    jsonschema.validate(report, REPORT_SCHEMA)
    assert report["verdict"] == "inconclusive"
    assert "503" in report["message"]


@pytest.mark.slow
def test_sigterm_in_the_drain_ends_with_143_and_leaves_the_hold_in_the_ledger(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    airflow.add_task("etl", "r1", "load", "running")

    with around.start("hold", plan=changed(verified, "etl")) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "waiting for 1 task(s)" in line:
                break
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)

    assert process.returncode == 143
    assert err.splitlines() == ["terminated by SIGTERM"]
    assert "hold demo@bbbbbbbbbbbb: inconclusive" in out
    holds, lines = read_status(around.place().ledger)
    assert [hold.held for hold in holds] == [("etl",)]
    assert [line.mark for line in lines] == ["paused"]
