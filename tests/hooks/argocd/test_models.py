from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.argocd import Address, address_of, application_of, read_application

KEYS = st.sampled_from(
    ["metadata", "status", "spec", "operation", "operationState", "syncResult", "resources", "info"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.slow
@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_any_object_is_read(raw: dict[str, Any]) -> None:
    assert read_application(raw, name="demo").name == "demo"


@pytest.mark.parametrize(
    ("name", "address"),
    [("demo", Address("", "demo")), ("team-a_demo", Address("team-a", "demo"))],
)
def test_an_instance_name_says_where_the_application_is(name: str, address: Address) -> None:
    assert address_of(name) == address


@pytest.mark.parametrize(
    ("metadata", "application"),
    [
        pytest.param(
            {"annotations": {"argocd.argoproj.io/tracking-id": "team_demo:batch/Job:airflow/x"}},
            "team_demo",
            id="annotation",
        ),
        pytest.param({"labels": {"app.kubernetes.io/instance": "demo"}}, "demo", id="label"),
        pytest.param({"annotations": None, "labels": ["x"]}, "", id="nonsense"),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_an_object_says_to_which_application_it_belongs(
    metadata: dict[str, Any], application: str
) -> None:
    assert application_of(metadata) == application
