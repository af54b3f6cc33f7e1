"""Break-glass is for one revision, says why, and is what the policy allows."""

import pytest

from fermata_hooks.guards import BrokenGlass, broken_glass

REVISION = "3f2a9c1d" + "0" * 32


@pytest.mark.parametrize(
    ("annotation", "allowed", "found"),
    [
        ("", True, BrokenGlass()),
        ("3f2a9c1 INC-4711: payments", True, BrokenGlass(reason="INC-4711: payments")),
        (f"{REVISION}: INC-1", True, BrokenGlass(reason="INC-1")),
        ("3F2A9C1D INC-1", True, BrokenGlass(reason="INC-1")),
        ("4f2a9c1 INC-1", True, BrokenGlass(ignored="fermata.dev/break-glass is for 4f2a9c1")),
        (
            "3f2a9c1",
            True,
            BrokenGlass(ignored="fermata.dev/break-glass is not REVISION REASON"),
        ),
        (
            "please",
            True,
            BrokenGlass(ignored="fermata.dev/break-glass is not REVISION REASON"),
        ),
        (
            "3f2 short",
            True,
            BrokenGlass(ignored="fermata.dev/break-glass is not REVISION REASON"),
        ),
        (
            "3f2a9c1 INC-1",
            False,
            BrokenGlass(ignored="fermata.dev/break-glass is refused by the policy"),
        ),
        ("3f2a9c1 a\x1b[2Jb\nc", True, BrokenGlass(reason="a\\x1b[2Jb\\nc")),
    ],
    ids=[
        "none", "in force", "whole revision", "upper case", "another revision", "no reason",
        "no revision", "too short", "refused", "hostile",
    ],
)  # fmt: skip
def test_what_an_annotation_says(annotation: str, *, allowed: bool, found: BrokenGlass) -> None:
    assert broken_glass(annotation, REVISION, allowed=allowed) == found
