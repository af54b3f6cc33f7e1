"""Break-glass: one annotation of the Application lets one revision through, loudly.

``fermata.dev/break-glass: "3f2a9c1 INC-4711: the payment job is broken"``: the first word is the
beginning of the revision that may pass, the rest is why. Bound to a revision, it ends by itself.
"""

import re
from typing import NamedTuple

from fermata_spec.guards import BREAK_GLASS
from fermata_spec.problems import one_line

_FORM = re.compile(r"\s*(?P<revision>[0-9a-fA-F]{7,64})[\s:]+(?P<reason>\S.*)", re.DOTALL)


class BrokenGlass(NamedTuple):
    """``reason``: why this revision may pass; empty, and ``ignored`` says why it may not."""

    reason: str = ""
    ignored: str = ""


def broken_glass(annotation: str, revision: str, *, allowed: bool) -> BrokenGlass:
    """Return what the annotation says of ``revision``; ``allowed``: by the policy."""
    if not annotation.strip():
        return BrokenGlass()
    match = _FORM.fullmatch(annotation)
    if match is None:
        return BrokenGlass(ignored=f"{BREAK_GLASS} is not REVISION REASON")
    if not revision.lower().startswith(match["revision"].lower()):
        return BrokenGlass(ignored=f"{BREAK_GLASS} is for {match['revision'][:12]}")
    if not allowed:
        return BrokenGlass(ignored=f"{BREAK_GLASS} is refused by the policy")
    return BrokenGlass(reason=one_line(match["reason"].strip()))
