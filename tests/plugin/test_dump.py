"""What is written is what is read back, and it is written for reviewers."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fermata_plugin.dump import dump

printable = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
lines = st.text(alphabet=" \ta:#'\"-|>\n\\é", max_size=30)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.dates(),
    printable,
    lines,
    st.from_regex(r"\A[-+.0-9:_oxeEnyTFfalse~<=]{1,8}\Z"),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(printable | lines, inner),
    max_leaves=8,
)
documents = st.lists(st.dictionaries(printable, values, min_size=1), max_size=2)


@pytest.mark.slow
@given(documents)
@example([{"a": "\n", "b": "  x\n y", "c": "x\n\n", "d": "\tx\n", "e": "x\n \n"}])
@example([{"a": "---\n...\n", "b": "# x\n", "c": "\ufeff\n", "d": "a\u2028b\n", "e": "\x85\n"}])
def test_reads_back_as_it_was(written: list[dict[str, object]]) -> None:
    text = dump(written)

    assert list(yaml.safe_load_all(text)) == written
    assert list(yaml.load_all(text, yaml.CSafeLoader)) == written


@pytest.mark.parametrize(
    "text", ["yes", "No", "null", "~", "1", "0x1f", "1e3", "1:30", "2024-01-01", ".5", "y", "=", ""]
)
def test_a_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    assert dump([{"a": text}]) == f'---\na: "{text}"\n'


def test_an_embedded_file_is_a_block_with_its_own_lines() -> None:
    written = dump([{"data": {"a.py": 'x = "y"\n\nif x:\n    pass\n'}}])

    assert written == '---\ndata:\n  a.py: |\n    x = "y"\n\n    if x:\n        pass\n'


def test_keys_keep_their_order_and_lists_stand_below_their_key() -> None:
    written = dump([{"b": [{"d": 1, "c": []}, [1, 2]], "a": {}}])

    assert written == "---\nb:\n- d: 1\n  c: []\n- - 1\n  - 2\na: {}\n"


def test_what_occurs_twice_is_written_twice() -> None:
    shared = {"x": 1}

    assert dump([{"a": shared, "b": shared}]) == "---\na:\n  x: 1\nb:\n  x: 1\n"


def test_each_document_begins_with_a_line_of_its_own() -> None:
    assert dump([{"a": 1}, {"b": 2}]) == "---\na: 1\n---\nb: 2\n"


def test_what_has_no_place_in_a_manifest_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        dump([{"a": {1}}])
