"""What Airflow itself is made of: written down by a pass, named by the next hold."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.documents import FileDocuments
from fermata_hooks.runtime import (
    AIRFLOW,
    changes,
    document_name,
    read_runtime,
    write_runtime,
)

BEFORE = {AIRFLOW: "3.3.1", "git": "1.0.0", "http": "5.0"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)

    write_runtime(documents, "shop", BEFORE)

    assert read_runtime(documents, "shop") == BEFORE
    assert read_runtime(documents, "other") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b" " * 300_000])
def test_a_damaged_document_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    documents = FileDocuments(tmp_path)
    documents.put(document_name("shop"), content)

    assert read_runtime(documents, "shop") is None


def test_changes_are_told_in_words() -> None:
    now = {AIRFLOW: "3.3.2", "git": "1.0.0", "new": "1.0"}

    assert list(changes(BEFORE, now)) == [
        "Airflow 3.3.1 is 3.3.2 now",
        "http 5.0 is gone",
        "new 1.0 is new",
    ]


def test_without_the_permission_to_see_providers_none_is_called_gone() -> None:
    assert list(changes(BEFORE, {AIRFLOW: "3.3.1"})) == []
    assert list(changes({AIRFLOW: "3.3.1"}, BEFORE)) == []


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_the_same_is_no_change(runtime: Mapping[str, str]) -> None:
    assert list(changes(runtime, runtime)) == []
