"""Guards: named rules that may deny a deploy, asked before anything is paused.

What cannot be told denies. A guard in dry run only says what it would deny.
"""

from fermata_hooks.guards._break_glass import BrokenGlass, broken_glass
from fermata_hooks.guards._findings import Finding
from fermata_hooks.guards._judge import ASKED_AT_HOLD, Asked, Unknown, judge, judge_locks

__all__ = [
    "ASKED_AT_HOLD",
    "Asked",
    "BrokenGlass",
    "Finding",
    "Unknown",
    "broken_glass",
    "judge",
    "judge_locks",
]
