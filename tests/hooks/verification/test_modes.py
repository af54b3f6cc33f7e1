"""Each check may be enforced, told only, or switched off; and what else verify names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.airflow_api import AirflowApi, Dag, PasswordFiles
from fermata_hooks.handoff import take_baseline
from fermata_hooks.verification import Verification, inventory, verify
from fermata_hooks.verification._finding import Light
from fermata_hooks.verification.duplicates import FileWatch
from fermata_spec.dagset import DagSetStatus, Verified
from fermata_spec.plan import CHECK_MODES, Mode, Plan, PlannedDag, VerifyPolicy
from fermata_spec.report import Check

NEW, OLD = "1" * 16, "0" * 16


class World:
    """An Airflow with ``etl``, changed and parsed already, and ``report``, untouched."""

    def __init__(self, airflow: FakeAirflow, clock: ScriptedClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        self.modes: dict[str, Mode] = dict(CHECK_MODES)
        for dag_id, digest in (("etl", NEW), ("report", OLD)):
            airflow.add_dag(dag_id, file=f"{dag_id}.py", doc_md=f"fermata:{digest}")

    def verify(self) -> Verification:
        digests = {"etl": NEW, "report": OLD}
        dags = [
            PlannedDag(dag_id=dag_id, digest=digest, file=f"{dag_id}.py", evidence="doc_md")
            for dag_id, digest in digests.items()
        ]
        plan = Plan(
            application="shop",
            revision="a" * 40,
            airflow_url="",
            dags=tuple(dags),
            verify=VerifyPolicy(deadline=30.0, settle=2.0, checks=self.modes),
        )
        verified = Verified(revision="b" * 40, at="", evidence="doc_md", digests={"report": OLD})
        return verify(
            self.api,
            plan,
            handoff=take_baseline(self.api, plan, ["etl"], self.clock),
            status=DagSetStatus(verified=verified),
            clock=self.clock,
            still_held=lambda: None,
        )


@pytest.fixture(params=["3.3.2", "2.11.2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = ScriptedClock()
    with FakeAirflow(str(request.param), now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            yield World(airflow, clock, api)


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)


def test_a_check_that_is_only_told_is_neither_waited_for_nor_refused(world: World) -> None:
    world.airflow.health["scheduler"].status = "unhealthy"
    world.modes["health"] = "warn"

    done = world.verify()

    assert done.verdict == "pass", done
    assert check(done, "health").message.startswith(
        "warning, would be inconclusive: scheduler is unhealthy"
    )
    assert world.clock.elapsed < 5


def test_a_check_that_is_off_is_not_made_and_the_report_says_so(world: World) -> None:
    world.airflow.dags["etl"].doc_md = "nothing of ours"
    world.modes |= {"evidence": "off", "warnings": "off"}

    done = world.verify()

    assert done.verdict == "pass", done
    assert "evidence" not in {check.name for check in done.checks}
    assert "switched off in fermata.yaml: warnings, evidence" in check(done, "settle").message
    assert "not held against git" in done.message
    assert world.airflow.sent("GET", "/dagWarnings") == []


def test_all_off_still_ends(world: World) -> None:
    world.modes = dict.fromkeys(CHECK_MODES, "off")

    assert world.verify().verdict == "pass"


def test_a_warning_of_airflow_is_told(world: World) -> None:
    world.airflow.warnings = [
        ("etl", "non-existent pool", "Dag 'etl' references pool 'nope'"),
        ("report", "asset conflict", "twice"),
        ("theirs", "asset conflict", "not ours"),
    ]

    done = world.verify()

    assert done.verdict == "pass", done
    message = check(done, "warnings").message
    assert "would be fail: 1 warning of Airflow: etl: non-existent pool" in message
    assert message.endswith("also of report, which the change does not touch")
    assert "theirs" not in message


def test_a_warning_that_is_enforced_fails(world: World) -> None:
    world.airflow.warnings = [("etl", "non-existent pool", "password=hunter2")]
    world.modes["warnings"] = "enforce"

    done = world.verify()

    assert done.verdict == "fail"
    assert "etl: non-existent pool" in done.message
    assert "hunter2" not in done.message


@pytest.mark.parametrize("mode", ["warn", "enforce"])
def test_without_the_permission_for_warnings_it_is_named(world: World, mode: Mode) -> None:
    world.airflow.accounts.denied.add("dagWarnings")
    world.modes["warnings"] = mode

    done = world.verify()

    assert done.verdict == ("pass" if mode == "warn" else "inconclusive")
    assert "needs can_read on DAG Warnings" in check(done, "warnings").message


def dag(dag_id: str = "etl", file: str = "etl.py", *, is_stale: bool = False) -> Dag:
    return Dag(dag_id=dag_id, is_paused=False, file=file, is_stale=is_stale)


def test_a_dag_whose_file_goes_to_and_fro_is_in_two_files() -> None:
    watch = FileWatch()
    seen = [watch.look([dag(file=file)]) for file in ("etl.py", "copy.py", "copy.py", "etl.py")]

    assert [finding.light for finding in seen] == [Light.GREEN] * 3 + [Light.RED]
    assert "etl (copy.py and etl.py)" in seen[-1].check.message


def test_a_dag_that_moves_to_another_file_once_is_in_one() -> None:
    watch = FileWatch()

    found = [watch.look([dag(file=file)]) for file in ("etl.py", "team/etl.py", "team/etl.py")]

    assert found[-1].check.verdict == "pass"


RENAMING = inventory.Expectation(
    planned={"new": "etl.py"},
    removed=frozenset({"old"}),
    touched=frozenset({"old", "new"}),
    before=frozenset({"old"}),
)


def removed_message(*dags: Dag, expected: inventory.Expectation = RENAMING) -> str:
    found = inventory.take(dags, expected)
    findings = inventory.judge(found, expected, lost_lasts=False)
    return next(f.check.message for f in findings if f.check.name == inventory.REMOVED_CHECK)


def test_a_dag_that_has_another_id_in_the_same_file_is_renamed() -> None:
    message = removed_message(dag("old", is_stale=True), dag("new"))

    assert "old is new now" in message


def test_two_new_dags_in_the_file_of_a_removed_one_are_no_renaming() -> None:
    expected = replace(RENAMING, planned={"new": "etl.py", "other": "etl.py"})

    message = removed_message(
        dag("old", is_stale=True), dag("new"), dag("other"), expected=expected
    )

    assert "now" not in message
