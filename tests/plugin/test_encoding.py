"""Keys of a ConfigMap: valid, readable back, and harmless to Airflow's walk."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_plugin.configmaps import IGNORE_TEXT
from fermata_plugin.encoding import decode, encode

VALID_KEY = re.compile(r"[-._a-zA-Z0-9]+")
components = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/")),
    st.text(alphabet="-_.x2dfa5"),
).filter(lambda name: name not in {"", ".", ".."})
paths = st.lists(components, min_size=1, max_size=4).map("/".join)


@given(paths)
def test_a_key_reads_back_as_its_path(path: str) -> None:
    assert decode(encode(path)) == path


@given(paths)
def test_a_key_is_one_that_kubernetes_takes(path: str) -> None:
    key = encode(path)

    assert VALID_KEY.fullmatch(key)
    assert not key.startswith("..")


@given(paths, paths)
def test_two_paths_never_have_the_same_key(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(paths)
def test_airflow_2_takes_no_key_for_a_folder_of_the_kubelet(path: str) -> None:
    # Airflow 2 searches the line of .airflowignore anywhere in a name.
    assert re.search(IGNORE_TEXT.strip(), encode(path)) is None


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("etl.py", "etl.py"),
        ("team/etl.py", "team--etl.py"),
        ("load-daily_1.yaml", "load-daily_1.yaml"),
        ("a--b.py", "a_x2d__x2d_b.py"),
        ("a-/b.py", "a_x2d_--b.py"),
        ("a b.py", "a_x20_b.py"),
        ("a..b.py", "a._x2e_b.py"),
        ("_x2d_.py", "_x5f_x2d_.py"),
    ],
)
def test_usual_paths_stay_readable(path: str, key: str) -> None:
    assert encode(path) == key
