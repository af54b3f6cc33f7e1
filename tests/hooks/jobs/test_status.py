"""What people are told at 3 a.m."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.agenda import Denial
from fermata_hooks.dagset_status import syncing
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import HoldOrder, Patience, hold_dags, keep_hold, release_hold
from fermata_hooks.jobs.status import as_text, look
from fermata_spec.dagset import DagSetStatus, Verified
from fermata_spec.standing import STANDING_SCHEMA, Standing
from workplaces import NEW, OLD, Surroundings, make_plan


def hold(around: Surroundings, *dag_ids: str, application: str = "demo") -> None:
    order = HoldOrder(
        application=application,
        revision=NEW,
        operation="2026-11-24T13:08:00Z",
        wanted=dag_ids,
        lease=3600.0,
        deadline=600.0,
    )
    hold_dags(around.place().holding, order)


def standing(around: Surroundings) -> Standing:
    return look(around.place())


def states(around: Surroundings) -> dict[str, tuple[str, str]]:
    return {dag.dag_id: (dag.state, dag.next) for dag in standing(around).dags}


@pytest.fixture(autouse=True)
def dags(around: Surroundings) -> None:
    around.airflow.add_dag("etl")
    around.airflow.add_dag("report")
    around.airflow.add_dag("off", paused=True)


def test_an_empty_ledger_says_so(around: Surroundings) -> None:
    assert "Nothing is held, and no DAG is owed anything." in as_text(standing(around))


def test_a_held_dag_says_by_whom_until_when_and_what_is_next(around: Surroundings) -> None:
    hold(around, "etl", "off")

    text = as_text(standing(around))

    assert "demo@bbbbbbbbbbbb: 2 DAG(s) held since 2027-01-15T08:00:00Z" in text
    assert "ends with the sync of bbbbbbbbbbbb, or with its lease at 2027-01-15T09:00:00Z" in text
    assert states(around) == {
        "etl": (
            "held",
            "it runs again when demo lets go of it, at the latest at 2027-01-15T09:00:00Z",
        ),
        "off": ("left paused", "it stays as it is: a person had paused it before"),
    }


def test_a_dag_of_two_holds_names_both(around: Surroundings) -> None:
    hold(around, "etl")
    around.clock.sleep(600)
    hold(around, "etl", application="other")

    (etl,) = standing(around).dags

    assert etl.applications == ("demo", "other")
    assert etl.since == "2027-01-15T08:00:00Z"
    assert etl.until == "2027-01-15T09:10:00Z"
    assert etl.why == "the sync of demo@bbbbbbbbbbbb; the sync of other@bbbbbbbbbbbb"


def test_a_kept_hold_says_why(around: Surroundings) -> None:
    hold(around, "etl")
    keep_hold(
        around.place().holding,
        "demo",
        revision=NEW,
        reason="smoke failed",
        keep=None,
        lease=7200.0,
        patience=Patience(),
    )

    text = as_text(standing(around))

    assert "(smoke failed)" in text
    assert "kept until a later sync releases it, or its lease ends at 2027-01-15T10:00:00Z" in text
    assert "kept by demo@bbbbbbbbbbbb: smoke failed" in text


def test_a_dag_that_waits_for_a_late_request_says_until_when(around: Surroundings) -> None:
    hold(around, "etl")
    around.airflow.loses(path="/dags/etl", effect="later")
    release_hold(around.place().holding, "demo", revision=NEW, patience=Patience(deadline=5.0))

    state, then = states(around)["etl"]

    assert state == "waits"
    assert then.startswith("it is looked at again when that cannot be any more, at 2027-01-15T08:0")


def test_a_dag_that_is_gone_says_since_when(around: Surroundings) -> None:
    hold(around, "etl")
    del around.airflow.dags["etl"]
    release_hold(around.place().holding, "demo", revision=NEW, patience=Patience())

    state, then = states(around)["etl"]

    assert state == "gone"
    assert then == (
        "Airflow knows no such DAG since 2027-01-15T08:00:00Z; it is forgotten after a lease"
    )


def test_a_denied_revision_says_what_will_become_of_it(around: Surroundings) -> None:
    denial = Denial(
        application="demo", revision=NEW, rule="drain-deadline", blocking=("etl",), at=0.0
    )
    around.place().agendas.deny(denial)

    text = as_text(standing(around))

    assert "demo@bbbbbbbbbbbb: denied at 1970-01-01T00:00:00Z by drain-deadline: etl" in text
    assert "nothing will happen by itself, unless a watch runs that may start syncs" in text


def test_what_is_unverified_is_named(around: Surroundings) -> None:
    verified = Verified(revision=OLD, at="", evidence="", digests={"etl": "0"})
    status = DagSetStatus(verified=verified, unproven=("etl",))
    around.place().dagsets.write("demo", status)

    text = as_text(standing(around))

    assert "demo: Unverified: 1 DAG(s) not verified since aaaaaaaaaaaa passed: etl" in text


def test_a_running_sync_is_not_called_unverified(around: Surroundings) -> None:
    syncing(around.place().dagsets, make_plan("etl"))

    assert standing(around).unverified == ()


def test_what_cannot_be_looked_at_is_said_and_hides_nothing_else(around: Surroundings) -> None:
    hold(around, "etl")
    FileDocuments(around.folder).put("dagset-demo", b"by hand")

    text = as_text(standing(around))

    assert "not known: DagSets: dagset-demo: not JSON" in text
    assert "etl" in text


def test_ten_thousand_dags_are_cut_in_the_text_only(around: Surroundings) -> None:
    for number in range(250):
        around.airflow.add_dag(f"dag_{number:03}")
    hold(around, *(f"dag_{number:03}" for number in range(250)))

    found = standing(around)

    assert "… and 50 more (--format json has all)" in as_text(found)
    assert len(json.loads(found.to_json())["dags"]) == 250


@pytest.mark.slow
def test_the_json_keeps_its_shape(around: Surroundings, clock: ManualClock) -> None:
    hold(around, "etl", "off")
    clock.sleep(1)

    done = around.run("status", "--format", "json")

    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(STANDING_SCHEMA)
    jsonschema.validate(document, STANDING_SCHEMA)
    assert done.returncode == 0
    assert done.stderr == ""
    assert document["kind"] == "Standing"
    assert {dag["dag_id"]: dag["state"] for dag in document["dags"]} == {
        "etl": "held",
        "off": "left paused",
    }


@pytest.mark.slow
def test_it_asks_airflow_nothing(around: Surroundings) -> None:
    hold(around, "etl")
    around.airflow.requests.clear()

    assert around.run("status").returncode == 0

    assert around.airflow.requests == []


@pytest.mark.slow
def test_a_ledger_of_a_newer_release_is_misconfigured(around: Surroundings) -> None:
    FileDocuments(around.folder).put("ledger", b"by hand")

    done = around.run("status")

    assert done.returncode == 2
    assert "ledger: damaged" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("select", "shown"),
    [(["etl"], {"etl"}), (["*", "!etl"], {"report"}), (["all"], {"etl", "report"}), (["x"], set())],
    ids=["an id", "patterns", "all", "nobody's"],
)
def test_only_the_selected_dags_are_shown(
    around: Surroundings, select: list[str], shown: set[str]
) -> None:
    hold(around, "etl", "report")

    done = around.run("status", "--format=json", *(f"--select={each}" for each in select))

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {dag["dag_id"] for dag in found["dags"]} == shown
    assert [each["dags"] for each in found["holds"]] == [2]


@pytest.mark.slow
def test_what_only_airflow_can_tell_is_not_selected_by(around: Surroundings) -> None:
    done = around.run("status", "--select=tag:nightly")

    assert done.returncode == 2
    assert "name DAG ids and patterns" in done.stderr
