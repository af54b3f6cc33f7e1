"""Versions by their numbers: what fits a range, and what is no range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_spec.versions import check_wanted, fits


@pytest.mark.parametrize(
    ("version", "wanted", "fit"),
    [
        ("3.3.2", ">=2.11", True),
        ("2.10.5", ">=2.11", False),
        ("2.11.0", ">=2.11, <4", True),
        ("4.0.0", ">=2.11, <4", False),
        ("3.3", "==3.3.0", True),
        ("3.3.1", "==3.3", False),
        ("3.3.1", "!=3.3.1", False),
        ("3.10.0", ">3.9", True),
        ("2.11.2+composer", "<=2.11.2", True),
        ("3.4.0rc1", ">=3.4", True),
        ("unknown", ">=3", None),
    ],
)
def test_a_version_fits_by_its_numbers(version: str, wanted: str, fit: bool | None) -> None:  # noqa: FBT001
    check_wanted(wanted)

    assert fits(version, wanted) is fit


@pytest.mark.parametrize("wanted", ["", "3.3", "~=3.3", ">=", ">=3,", ">=3.x", ">=" + "1" * 300])
def test_what_is_no_range_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match="not a range of versions"):
        check_wanted(wanted)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=6), st.text(max_size=5))
def test_every_version_is_at_least_itself(numbers: list[int], suffix: str) -> None:
    version = ".".join(map(str, numbers))

    if not suffix[:1].isdigit() and not suffix.startswith("."):
        assert fits(version + suffix, f">={version}")
    assert fits(version, f">{version}") is False


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        check_wanted(text)
    except ValueError:
        return
    assert fits("3.3.2", text) in (True, False)
