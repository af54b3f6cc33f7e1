"""Digests: what they notice, and what they do not."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from fermata_plugin.digests import (
    digest_of_hashes,
    digest_of_source,
    digest_of_value,
    hash_of_files,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


def digest(value: object) -> str:
    return digest_of_value(value, plain_keys=False)


@given(values, values)
def test_two_values_have_the_same_digest_only_if_yaml_spells_them_the_same(
    one: object, other: object
) -> None:
    assert (digest(one) == digest(other)) == (yaml.dump(one) == yaml.dump(other))


def test_the_order_of_keys_does_not_count_and_that_of_a_list_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])


def test_a_number_is_no_text() -> None:
    assert digest({1: "a"}) != digest({"1": "a"})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest({"a": True}) != digest({"a": 1})


def test_line_ends_do_not_count_for_the_source_that_airflow_shows() -> None:
    assert digest_of_source("a\r\nb\rc\n") == digest_of_source("a\nb\nc\n")


def test_each_file_counts_by_path_and_content_and_their_order_does_not() -> None:
    whole = hash_of_files({"x.py": b"x", "y.py": b"y"})

    assert whole == hash_of_files({"y.py": b"y", "x.py": b"x"})
    assert whole != hash_of_files({"x.py": b"z", "y.py": b"y"})
    assert whole != hash_of_files({"x.py": b"y", "y.py": b"x"})
    assert whole != hash_of_files({"x.py": b"x"})


def test_the_order_of_hashes_counts() -> None:
    assert digest_of_hashes(b"a", b"b") != digest_of_hashes(b"b", b"a")
    assert len(digest_of_hashes(b"a")) == 16
