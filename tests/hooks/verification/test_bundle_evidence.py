"""A DAG of a git bundle is proven by the commit that its serialized form is of."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.airflow_api import Dag, DagDetails
from fermata_hooks.handoff import source_digest
from fermata_hooks.verification._finding import Light
from fermata_hooks.verification.evidence import Evidence, Waits
from fermata_spec.plan import PlannedDag

NEW, OLD = "c" * 40, "b" * 40
TEXT = "x = 2\n"
PROVEN, OPEN = ("pass", Light.GREEN), ("inconclusive", Light.WAITING)
HOPELESS = ("inconclusive", Light.GREEN)


class Bundle:
    """A bundle at ``commit``, whose serialized DAG is of ``serialized``; its file says ``text``."""

    def __init__(self, *, yaml: bool = False) -> None:
        self.commit: str | None = OLD
        self.serialized: str | None = OLD
        self.text = "x = 1\n"
        planned = PlannedDag(
            dag_id="etl",
            digest="0" * 16,
            file="etl.py",
            evidence="bundle",
            source_digest="" if yaml else source_digest(TEXT),
        )
        waits = Waits(serialize=30.0, mount_until=0.0)
        self.evidence = Evidence(self, [planned], waits=waits, revision=NEW)
        self.message = ""

    def _row(self, at: float) -> Dag:
        return Dag(
            dag_id="etl",
            is_paused=False,
            file="etl.py",
            last_parsed_time=at,
            bundle_name="git",
            bundle_version=self.commit,
        )

    def dag_details(self, dag_id: str) -> DagDetails | None:
        assert dag_id == "etl"
        return DagDetails(dag=self._row(0), latest_bundle_version=self.serialized)

    def dag_source(self, dag: Dag) -> str | None:
        assert dag.dag_id == "etl"
        return self.text

    def looks(self, *times: float) -> Sequence[tuple[str, Light]]:
        """Look once at each time of parse."""
        seen = []
        for at in times:
            found = self.evidence.look({"etl": self._row(at)})
            self.message = found.check.message
            seen.append((found.check.verdict, found.light))
        return seen


def test_the_commit_of_the_serialized_dag_is_proof_at_one_look() -> None:
    bundle = Bundle()
    bundle.commit = bundle.serialized = NEW

    assert bundle.looks(100) == [PROVEN]
    assert bundle.message == "1 of 1 changed DAG shown by Airflow (bundle 1)"
    assert bundle.evidence.kinds() == {"etl": "bundle"}


def test_the_commit_of_the_row_alone_is_ahead_of_the_graph_and_no_proof() -> None:
    bundle = Bundle()
    bundle.commit = NEW

    assert bundle.looks(100, 110, 129) == [OPEN, OPEN, OPEN]
    assert "its bundle is at this commit, parse may be older" in bundle.message


def test_a_dag_that_airflow_leaves_at_its_old_commit_is_proven_by_a_further_parse() -> None:
    bundle = Bundle()
    bundle.commit = NEW

    assert bundle.looks(100, 100, 130)[-1] == PROVEN


def test_another_commit_is_named() -> None:
    bundle = Bundle(yaml=True)

    assert bundle.looks(100, 200) == [OPEN, OPEN]
    assert f"its bundle is at {OLD[:12]}" in bundle.message


def test_a_bundle_that_has_gone_on_to_a_later_commit_is_proven_by_the_files_text() -> None:
    bundle = Bundle()
    bundle.commit, bundle.text = "d" * 40, TEXT

    assert bundle.looks(100, 100, 130)[-1] == PROVEN
    assert "(source 1)" in bundle.message


def test_a_bundle_that_goes_back_takes_its_proof_along() -> None:
    bundle = Bundle(yaml=True)
    bundle.commit = bundle.serialized = NEW
    assert bundle.looks(100) == [PROVEN]

    bundle.commit = bundle.serialized = OLD

    assert bundle.looks(130) == [OPEN]


def test_a_folder_without_versions_leaves_the_text() -> None:
    bundle = Bundle()
    bundle.commit, bundle.text = None, TEXT

    assert bundle.looks(100, 100, 130) == [OPEN, OPEN, PROVEN]


def test_configuration_in_a_folder_without_versions_is_inconclusive_without_waiting() -> None:
    bundle = Bundle(yaml=True)
    bundle.commit = None

    assert bundle.looks(100) == [HOPELESS]
    assert "does not say which commit" in bundle.message


@given(
    st.lists(
        st.tuples(st.floats(0, 300), st.sampled_from([OLD, None, "d" * 40]), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
@pytest.mark.slow
def test_what_never_showed_this_commit_never_passes(
    seen: list[tuple[float, str | None, bool]],
) -> None:
    bundle = Bundle(yaml=True)

    for at, commit, lags in sorted(seen, key=lambda each: each[0]):
        bundle.commit = commit
        bundle.serialized = OLD if lags else commit
        [(verdict, _)] = bundle.looks(at)
        assert verdict != "pass"
