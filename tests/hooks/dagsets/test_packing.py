from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.dagset_objects import packed, unpacked

MANY = {f"dag_{n}": "0" * 16 for n in range(10_000)}
STATUS = {
    "phase": "Idle",
    "verified": {"revision": "b", "at": "t", "evidence": "doc_md", "digests": MANY},
    "unproven": sorted(MANY),
}


def test_short_lists_stay_as_people_read_them() -> None:
    status = {"phase": "Idle", "verified": {"revision": "b", "digests": {"etl": "0"}}}

    assert packed(status) == status


def test_long_lists_are_packed_and_come_back() -> None:
    small = packed(STATUS)

    assert len(str(small)) < len(str(STATUS)) / 4
    assert unpacked(small) == STATUS


def test_a_long_list_of_unproven_dags_alone_comes_back() -> None:
    status = {"phase": "Syncing", "unproven": sorted(MANY)}

    assert packed(status) != status
    assert unpacked(packed(status)) == status


@pytest.mark.parametrize("text", ["", "!", "aGVsbG8=", "H4sIAAAAAAAC/wMAAAAAAAAAAAA="])
def test_what_cannot_be_unpacked_is_not_verified(text: str) -> None:
    assert unpacked(packed(STATUS) | {"packed": text})["verified"] is None


@given(st.text() | st.integers() | st.none())
def test_anything_may_stand_there(value: Any) -> None:  # noqa: ANN401 - what a cluster holds
    assert unpacked({"packed": value, "phase": "Idle"})["phase"] == "Idle"
