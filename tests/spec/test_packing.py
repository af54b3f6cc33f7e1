"""Plans in a ConfigMap: readable while small, packed when large, bounded when unpacked."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_spec.packing import is_packed, pack, unpack

MOST = 4_000_000
LARGE = "a plan of ten thousand DAGs\n" * 10_000


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_small_text_stays_as_it_is(text: str) -> None:
    assert pack(text) == text.encode()
    assert unpack(pack(text), most=MOST) == text.encode()


def test_a_large_text_is_packed_to_the_same_bytes_each_time() -> None:
    packed = pack(LARGE)

    assert is_packed(packed)
    assert pack(LARGE) == packed
    assert len(packed) < len(LARGE) / 100
    assert unpack(packed, most=MOST) == LARGE.encode()


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="larger than 4000000 bytes"):
        unpack(gzip.compress(b"\0" * 50_000_000), most=MOST)


@pytest.mark.parametrize("cut", [3, 20, -1])
def test_what_is_damaged_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack(LARGE)[:cut], most=MOST)
