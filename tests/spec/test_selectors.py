import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_spec.selectors import (
    NOTHING,
    Selector,
    Wanted,
    parse_exclusions,
    parse_selectors,
)


@dataclass
class Facts:
    dag_id: str = "etl_daily"
    tags: Sequence[str] = ("nightly", "team:sales")
    owners: Sequence[str] = ("alice",)
    bundle_name: str | None = "main"


def listed(**lists: tuple[str, ...]) -> Selector:
    return Selector(mode="listed", **lists)


@pytest.mark.parametrize(
    ("expression", "selector"),
    [
        ("affected", Selector(mode="affected")),
        ("all", Selector(mode="all")),
        ("etl_daily", listed(dag_ids=("etl_daily",))),
        ("team.etl-2", listed(dag_ids=("team.etl-2",))),
        ("etl_*", listed(globs=("etl_*",))),
        ("[a]ll", listed(globs=("[a]ll",))),
        ("tag:nightly", listed(tags=("nightly",))),
        ("tag:team:sales", listed(tags=("team:sales",))),
        ("tag:two words", listed(tags=("two words",))),
        ("owner:alice", listed(owners=("alice",))),
        ("bundle:main", listed(bundles=("main",))),
    ],
)
def test_each_expression_means_one_thing(expression: str, selector: Selector) -> None:
    assert parse_selectors([expression]) == Wanted(selector)


@pytest.mark.parametrize("expression", ["etl_daily", "etl_*", "tag:nightly", "owner:alice"])
def test_an_exclamation_mark_excludes_what_follows(expression: str) -> None:
    wanted = parse_selectors(["all", f"!{expression}"])

    assert wanted.select == Selector(mode="all")
    assert wanted.exclude == parse_selectors([expression]).select
    assert wanted.exclude == parse_exclusions([expression])


def test_several_expressions_are_a_union_each_once() -> None:
    wanted = parse_selectors(["affected", "tag:a", "tag:b", "tag:a", "etl", "!x", "!owner:bob"])

    assert wanted.select == Selector(mode="affected", tags=("a", "b"), dag_ids=("etl",))
    assert wanted.exclude == listed(dag_ids=("x",), owners=("bob",))


def test_all_includes_what_is_affected() -> None:
    assert parse_selectors(["affected", "all", "etl"]).select.mode == "all"


@pytest.mark.parametrize(
    ("expressions", "said"),
    [
        pytest.param([], "nothing is selected", id="nothing"),
        pytest.param(["!etl"], "nothing is selected", id="exclusions alone"),
        pytest.param([""], "0 characters", id="an empty text"),
        pytest.param(["all", "!"], "0 characters", id="an empty exclusion"),
        pytest.param(["x" * 501], "501 characters", id="too long a text"),
        pytest.param(["tags:a"], "'tags:a' begins with none of tag:, owner:, bundle: (did", id="s"),
        pytest.param(["tag:"], "'tag:' names no tag", id="no tag"),
        pytest.param(["etl daily"], "'etl daily' is neither a DAG id nor a pattern", id="a space"),
        pytest.param(["all", "!all"], "all cannot be excluded", id="not all"),
        pytest.param(["all", "!!etl"], "'!etl' is neither", id="twice not"),
        pytest.param(["etl\n\x1b[2J"], "'etl\\n\\x1b[2J' has characters", id="control characters"),
    ],
)
def test_what_means_nothing_is_refused_and_quoted(expressions: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_selectors(expressions)


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("etl_daily", True),
        ("etl", False),
        ("etl_?aily", True),
        ("ETL_*", False),
        ("tag:nightly", True),
        ("tag:night*", False),
        ("owner:alice", True),
        ("owner:bob", False),
        ("bundle:main", True),
        ("bundle:other", False),
        ("all", False),
    ],
)
def test_lists_match_a_dag_by_what_it_is(expression: str, *, matches: bool) -> None:
    assert parse_selectors([expression]).select.matches(Facts()) is matches


def test_of_a_dag_in_git_only_the_id_is_known() -> None:
    selector = parse_selectors(["etl_*", "tag:nightly"]).select

    assert selector.matches_id("etl_weekly")
    assert not selector.matches_id("nightly")


def test_a_dag_without_a_bundle_is_in_none() -> None:
    assert not parse_selectors(["bundle:main"]).select.matches(Facts(bundle_name=None))


def test_the_parts_of_a_selector_are_its_expressions() -> None:
    expressions = ["etl", "etl_*", "tag:a", "tag:b", "owner:bob", "bundle:main"]

    parts = list(parse_selectors(expressions).select.parts())

    assert [expression for expression, _ in parts] == expressions
    assert all(part == parse_selectors([expression]).select for expression, part in parts)


names = st.text("abc_", min_size=1, max_size=3)
expressions = st.one_of(
    names,
    names.map(lambda name: f"{name}*"),
    st.builds("{}:{}".format, st.sampled_from(["tag", "owner", "bundle"]), names),
)


@given(st.lists(expressions, min_size=1), st.lists(expressions, min_size=1))
def test_two_lists_together_match_what_either_matches(one: list[str], other: list[str]) -> None:
    dags = [Facts(name, (name,), (name,), name) for name in ("a", "ab", "abc", "b_c", "c")]
    left, right = parse_selectors(one).select, parse_selectors(other).select

    both = parse_selectors([*one, *other]).select

    assert both == left | right
    for dag in dags:
        assert both.matches(dag) == (left.matches(dag) or right.matches(dag))


@given(st.text())
def test_any_text_is_a_selector_or_a_value_error(text: str) -> None:
    try:
        wanted = parse_selectors([text])
    except ValueError as exc:
        said = str(exc)
    else:
        said = repr(wanted)
        assert wanted.select != NOTHING
    assert said.isprintable()
