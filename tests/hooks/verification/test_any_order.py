"""Airflow may answer in any order: the verdict is the same."""

import random

from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.airflow_api import Dag, ImportErrorRow
from fermata_hooks.handoff import fingerprints
from fermata_hooks.verification import import_errors, inventory
from fermata_hooks.verification._files import FileIndex

IDS = [f"d{number}" for number in range(6)]
FILES = ["a.py", "team/a.py", "b.py", "/opt/dags/a.py", "/opt/dags/pack.zip/b.py"]

dags = st.lists(
    st.builds(
        Dag,
        dag_id=st.sampled_from(IDS),
        is_paused=st.booleans(),
        is_stale=st.booleans(),
        has_import_errors=st.sampled_from([True, False, None]),
        file=st.sampled_from(FILES),
    ),
    unique_by=lambda dag: dag.dag_id,
)
errors = st.lists(
    st.builds(
        ImportErrorRow,
        id=st.integers(0, 99),
        filename=st.sampled_from(FILES),
        stack_trace=st.sampled_from(["boom\n", "bang\n", "REDACTED - you do not have"]),
        timestamp=st.floats(0, 9),
    ),
    unique_by=lambda row: row.filename,
)
subsets = st.frozensets(st.sampled_from(IDS))


@given(dags, subsets, subsets, st.randoms(use_true_random=False))
def test_the_order_of_dags_changes_no_verdict(
    rows: list[Dag], planned: frozenset[str], before: frozenset[str], chance: random.Random
) -> None:
    expected = inventory.Expectation(
        planned=dict.fromkeys(planned, "a.py"),
        removed=before - planned,
        touched=planned,
        before=before,
    )
    shuffled = chance.sample(rows, len(rows))

    assert inventory.take(shuffled, expected) == inventory.take(rows, expected)


@given(dags, subsets)
def test_what_is_not_there_whole_never_passes(rows: list[Dag], planned: frozenset[str]) -> None:
    expected = inventory.Expectation(planned=dict.fromkeys(planned, "a.py"))
    whole = {dag.dag_id for dag in rows if not dag.is_stale and not dag.has_import_errors}

    [finding] = inventory.judge(inventory.take(rows, expected), expected, lost_lasts=False)

    assert (finding.check.verdict == "pass") == (planned <= whole)


@given(errors, errors, st.randoms(use_true_random=False))
def test_the_order_of_import_errors_changes_nothing(
    before: list[ImportErrorRow], now: list[ImportErrorRow], chance: random.Random
) -> None:
    known = fingerprints(before)

    found = import_errors.sort_rows(now, known)
    other = import_errors.sort_rows(chance.sample(now, len(now)), known)

    for part in ("new", "old", "redacted"):
        assert set(getattr(found, part)) == set(getattr(other, part))
    assert found.fixed == other.fixed


@given(errors, st.booleans())
def test_every_import_error_is_counted_once(rows: list[ImportErrorRow], has_baseline: bool) -> None:  # noqa: FBT001
    known = fingerprints(rows[::2]) if has_baseline else None
    ours: FileIndex[str] = FileIndex([("", "a.py", "d0")])

    found = import_errors.sort_rows(rows, known, ours=ours)

    counted = [*found.new, *found.old, *found.redacted, *found.unknown]
    assert sorted(row.filename for row in counted) == sorted(row.filename for row in rows)
