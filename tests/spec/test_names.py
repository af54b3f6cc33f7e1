"""Names of Kubernetes objects: always valid, and never the same for two things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_spec import limits
from fermata_spec.names import dagset_name, object_name, plan_name

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
names = st.one_of(
    st.text(min_size=1, max_size=200),
    st.from_regex(r"\A[a-z0-9_-]{1,80}\Z"),
    st.from_regex(r"\Ateam_app-[0-9a-f]{10}\Z"),
)


@given(names, st.sampled_from([limits.HOOK_NAME.value, 63]))
def test_a_name_is_a_dns_label_within_its_limit(name: str, limit: int) -> None:
    made = object_name("fermata-release", name, limit=limit)

    assert LABEL.fullmatch(made)
    assert len(made) <= limit


@given(names, names)
def test_two_names_never_give_the_same_label(one: str, other: str) -> None:
    assert (object_name("fermata", one) == object_name("fermata", other)) == (one == other)


@pytest.mark.parametrize(
    ("application", "name"),
    [
        pytest.param("etl", "fermata-etl", id="a name that fits"),
        pytest.param("team_etl", "fermata-team-etl-b9b2ec4bb9", id="Argo CD's <namespace>_<name>"),
        pytest.param("ETL", "fermata-etl-b1c0a60f7c", id="capitals"),
        pytest.param("a" * 55, f"fermata-{'a' * 55}", id="just fits"),
        pytest.param("a" * 56, f"fermata-{'a' * 44}-0b2b4a7cc1", id="just does not"),
        pytest.param("etl-b9b2ec4bb9", "fermata-etl-b9b2ec4bb9-65d4ec5ec2", id="ends like a hash"),
    ],
)
def test_a_name_is_kept_where_it_can_be(application: str, name: str) -> None:
    made = dagset_name(application)

    assert made.removesuffix(made[-10:]) == name.removesuffix(name[-10:])
    assert len(made) == len(name)


def test_plan_and_dagset_are_told_apart() -> None:
    assert plan_name("etl") == "fermata-plan-etl"
    assert dagset_name("etl") == "fermata-etl"
