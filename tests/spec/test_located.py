"""YAML with its places: what ``yaml.safe_load`` gives, bounded, or a problem with its place."""

from datetime import date, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fermata_spec import limits
from fermata_spec.located import Document
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import LOADER, WITH_LIBYAML, read_yaml

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.text(),
    st.from_regex(r"\A[-+.0-9:_oxeE~<=y]{1,8}\Z"),
    st.sampled_from(["yes", "No", "ON", "~", "null", "0o7", "012", "1:30", "<<", "=", "1_0", ".5"]),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text() | st.integers(), inner)),
    max_leaves=20,
)


def read(text: str) -> tuple[Document, list[Problem]]:
    problems: list[Problem] = []
    return read_yaml(text, "a.yaml", problems), problems


def safe_load(text: str) -> object:
    return yaml.load(text, LOADER)  # noqa: S506 - it is the safe one


def rules(text: str) -> list[str]:
    return [problem.rule for problem in read(text)[1]]


def test_libyaml_is_used_where_it_is_there() -> None:
    assert yaml.__with_libyaml__ == WITH_LIBYAML


@given(documents)
def test_reads_what_safe_load_reads(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)

    document, problems = read(text)

    assert [each for each in problems if each.severity == "error"] == []
    assert document.value == safe_load(text)


@given(st.text(alphabet="abc:-[]{}*&!<>|#'\"? \n\t0.y=~", max_size=40))
def test_any_text_gives_what_safe_load_gives_or_a_problem(text: str) -> None:
    document, problems = read(text)

    if document.complete:
        assert document.value == safe_load(text)
    else:
        assert problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: 2024-01-02", {"a": date(2024, 1, 2)}, id="a date"),
        pytest.param("a: 2024-01-02 03:04:05", {"a": datetime(2024, 1, 2, 3, 4, 5)}, id="a time"),  # noqa: DTZ001 - YAML's own has no zone
        pytest.param('a: "010"\nb: !!str 7', {"a": "010", "b": "7"}, id="texts"),
        pytest.param("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", None, id="merge"),
        pytest.param("y: {b: 3, <<: [{a: 1, b: 2}, {a: 4, c: 5}]}", None, id="merge several"),
        pytest.param("a: &a [1]\nb: [*a, *a]", {"a": [1], "b": [[1], [1]]}, id="aliases"),
        pytest.param("\ufeffa: 1", {"a": 1}, id="byte order mark"),
        pytest.param("", None, id="nothing"),
        pytest.param("# a comment\n", None, id="a comment"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    document, problems = read(text)

    assert problems == []
    assert document.value == (safe_load(text) if value is None else value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: 2\na: 3", (3, 1, "yaml-duplicate-key"), id="a key twice"),
        pytest.param("a:\n  - !!set {x}", (2, 5, "yaml-tag"), id="a set"),
        pytest.param("a: !!python/object/apply:os.system [id]", (1, 4, "yaml-tag"), id="Python"),
        pytest.param("a: *b", (1, 4, "yaml-alias"), id="an alias of nothing"),
        pytest.param("a: &a [*a]", (1, 8, "yaml-alias"), id="an alias of itself"),
        pytest.param("? [a]\n: b", (1, 3, "yaml-key"), id="a list as key"),
        pytest.param("a: 2024-13-45", (1, 4, "yaml-value"), id="no such day"),
        pytest.param("a: 1\n---\nb: 2", (2, 1, "yaml-documents"), id="two documents"),
        pytest.param("a: [1\nb: 2", (2, 2, "yaml-syntax"), id="an open list"),
        pytest.param("a: \x00", (1, 4, "yaml-syntax"), id="a NUL"),
        pytest.param("a: b\n  c: d", (2, 4, "yaml-syntax"), id="indentation"),
    ],
)
def test_a_problem_has_its_place(text: str, expected: tuple[int, int, str]) -> None:
    document, problems = read(text)

    first = problems[0]
    assert (first.line, first.column, first.rule) == expected
    assert not document.complete


def test_all_problems_that_do_not_hinder_reading_are_told() -> None:
    assert rules("a: !x 1\na: 2\nb: !y [*z]") == [
        "yaml-tag",
        "yaml-duplicate-key",
        "yaml-tag",
        "yaml-alias",
    ]


def test_depth_is_bounded() -> None:
    assert rules("[" * limits.YAML_DEPTH.value + "]" * limits.YAML_DEPTH.value) == []
    assert rules("- " * 10_000) == ["limit"]
    assert rules("[" * 10_000) in (["limit"], ["yaml-syntax"])  # libyaml may give up first


def test_a_bomb_of_aliases_counts_in_full() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert rules("\n".join(lines)) == ["limit"]


def test_the_number_of_aliases_is_bounded() -> None:
    aliases = ", ".join(["*a"] * (limits.YAML_ALIASES.value + 1))

    assert rules(f"a: &a 1\nb: [{aliases}]") == ["limit"]


@pytest.mark.parametrize("number", ["9" * 5000, "1" + ":59" * 5000, "1_" * 5000])
def test_a_huge_number_is_a_problem_and_no_exception(number: str) -> None:
    assert rules(f"a: {number}") == ["limit"]


def test_places_are_those_of_keys_and_values() -> None:
    document, _ = read("a:\n  - b: 1\n    c: [x, y]\n")

    element = document.node.get("a").get(0)  # type: ignore[union-attr]

    assert element is not None
    c = element.get("c")
    assert c is not None
    assert c.key_mark == (3, 5)
    assert c.value_mark == (3, 8)
    assert [node.value_mark for node in c.values()] == [(3, 9), (3, 12)]


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("a: no", False, "no is false to YAML 1.1: write false, or quote it"),
        ("a: On", True, "On is true to YAML 1.1: write true, or quote it"),
        ("a: 010", 8, "010 is 8 to YAML 1.1: write 8, or quote it"),
        ("a: 1:30", 90, "1:30 is 90 to YAML 1.1: write 90, or quote it"),
    ],
)
def test_what_yaml_1_1_takes_for_something_else_is_a_warning(
    text: str, value: object, told: str
) -> None:
    document, problems = read(text)

    assert [(each.rule, each.severity, each.message) for each in problems] == [
        ("yaml-trap", "warning", told)
    ]
    assert document.value == {"a": value}
    assert document.complete


def test_a_merged_key_has_the_place_where_it_is_written() -> None:
    document, _ = read("x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\n")

    merged = document.node.get("y").get("a")  # type: ignore[union-attr]

    assert merged is not None
    assert merged.key_mark == (1, 8)


def test_tells_whether_all_keys_are_texts() -> None:
    assert read("a: {b: 1}")[0].plain_keys
    assert not read("a: {1: b}")[0].plain_keys
