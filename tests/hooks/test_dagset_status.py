"""DagSet.status: what is verified is replaced by a pass, and what failed stays to be proven."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.dagset_status import (
    FileDagSets,
    conclude,
    document_name,
    proven_in_this_sync,
    syncing,
    verified_now,
)
from fermata_hooks.documents import FileDocuments
from fermata_spec.dagset import Change, DagSetStatus, Figures, change
from fermata_spec.errors import SettingsError
from fermata_spec.plan import Plan, PlannedDag


def plan(revision: str, **digests: str) -> Plan:
    dags = [
        PlannedDag(dag_id=dag_id, digest=digest, file=f"{dag_id}.py", evidence="doc_md")
        for dag_id, digest in digests.items()
    ]
    return Plan(application="shop", revision=revision, airflow_url="", dags=tuple(dags))


@pytest.fixture
def dagsets(tmp_path: Path) -> FileDagSets:
    return FileDagSets(FileDocuments(tmp_path))


def passes(dagsets: FileDagSets, of: Plan) -> None:
    syncing(dagsets, of)
    conclude(dagsets, of, verdict="pass", message="good", verified=verified_now(of, ManualClock()))


def fails(dagsets: FileDagSets, of: Plan) -> None:
    syncing(dagsets, of)
    conclude(dagsets, of, verdict="fail", message="bad")


def affected(dagsets: FileDagSets, of: Plan) -> Change:
    return change(of, dagsets.read("shop"))


def test_an_application_that_was_never_synced_has_an_empty_status(dagsets: FileDagSets) -> None:
    assert dagsets.read("shop") == DagSetStatus()


def test_before_the_first_pass_everything_is_affected(dagsets: FileDagSets) -> None:
    first = plan("r1", etl="1", report="1")

    assert affected(dagsets, first).affected == {"etl", "report"}
    fails(dagsets, first)
    assert affected(dagsets, first).affected == {"etl", "report"}


def test_after_a_pass_only_what_differs_is_affected(dagsets: FileDagSets) -> None:
    passes(dagsets, plan("r1", etl="1", report="1", gone="1"))

    found = affected(dagsets, plan("r2", etl="2", report="1", new="1"))

    assert found == Change(changed=frozenset({"etl", "new"}), removed=frozenset({"gone"}))
    assert affected(dagsets, plan("r2", etl="1", report="1", gone="1")).affected == set()


def test_a_failure_leaves_what_was_verified_and_a_retry_finds_the_same_to_do(
    dagsets: FileDagSets,
) -> None:
    passes(dagsets, plan("r1", etl="1"))
    fails(dagsets, plan("r2", etl="2"))

    status = dagsets.read("shop")

    assert status.verified is not None
    assert status.verified.revision == "r1"
    assert (status.phase, status.verdict, status.revision) == ("Idle", "fail", "r2")
    assert affected(dagsets, plan("r2", etl="2")).changed == {"etl"}


def test_a_revert_of_a_failure_touches_what_the_failure_touched(dagsets: FileDagSets) -> None:
    passes(dagsets, plan("r1", etl="1", report="1"))
    fails(dagsets, plan("r2", etl="2", report="1", extra="1"))
    revert = plan("r3", etl="1", report="1")

    found = affected(dagsets, revert)

    assert found == Change(changed=frozenset({"etl"}), removed=frozenset({"extra"}))
    passes(dagsets, revert)
    assert affected(dagsets, plan("r4", etl="1", report="1")).affected == set()


def test_a_sync_that_was_killed_leaves_unproven_what_it_touched(dagsets: FileDagSets) -> None:
    passes(dagsets, plan("r1", etl="1"))
    syncing(dagsets, plan("r2", etl="2"))

    assert dagsets.read("shop").phase == "Syncing"
    assert affected(dagsets, plan("r3", etl="1")).changed == {"etl"}


def test_what_passed_in_this_sync_is_known(dagsets: FileDagSets) -> None:
    first, second = plan("r1", etl="1"), plan("r2", etl="2")
    passes(dagsets, first)
    assert proven_in_this_sync(first, dagsets.read("shop"))

    syncing(dagsets, second)
    assert not proven_in_this_sync(second, dagsets.read("shop"))

    passes(dagsets, second)
    syncing(dagsets, replace(first, revision="r3"))
    assert not proven_in_this_sync(second, dagsets.read("shop"))


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe"])
def test_a_damaged_status_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)
    name = document_name("shop")
    documents.replace(name, content, expected=documents.read(name).version)

    with pytest.raises(SettingsError, match="dagset-shop"):
        FileDagSets(documents).read("shop")


FIGURES = Figures(wanted=3, present=2, missing=1)


def test_figures_stay_until_the_next_look_at_airflow(dagsets: FileDagSets) -> None:
    first = plan("r1", etl="1", report="1", gone="1")
    conclude(dagsets, first, verdict="fail", message="bad", figures=FIGURES, offenders=["gone"])
    assert dagsets.read("shop").offenders == ("gone",)

    syncing(dagsets, first)
    conclude(dagsets, first, verdict="pass", message="nothing to prove")

    status = dagsets.read("shop")
    assert status.dags == FIGURES
    assert status.offenders == ()


def test_what_is_held_beyond_a_sync_is_counted_also_where_nothing_was_seen(
    dagsets: FileDagSets,
) -> None:
    conclude(dagsets, plan("r1", etl="1"), verdict="inconclusive", message="no answer", held=1)

    assert dagsets.read("shop").dags == Figures(wanted=1, held=1)


def test_of_many_offenders_the_first_ten_are_named(dagsets: FileDagSets) -> None:
    many = [f"dag{n:02}" for n in range(50)]

    conclude(dagsets, plan("r1", etl="1"), verdict="fail", message="bad", offenders=many)

    assert dagsets.read("shop").offenders == tuple(many[:10])
