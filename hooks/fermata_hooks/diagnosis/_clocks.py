"""Clocks that differ: leases, event logs and tokens are judged by more than one of them."""

from fermata_hooks.clock import Clock
from fermata_hooks.diagnosis._examination import Examination

MOST = 30.0
"""Seconds between two clocks that are still told as equal; a busy Airflow 3 renews its Date 4 s
late (measured), and an answer takes its time."""


def compare(found: Examination, name: str, theirs: float, *, asked_at: float, clock: Clock) -> None:
    """Note by how much the clock of an answer, ``theirs``, differs from ours around it."""
    if not theirs:
        found.unknown(name, "its answers carry no date")
        return
    differs = theirs - min(max(theirs, asked_at), clock.now())
    told = f"{abs(differs):.0f} s {'ahead of' if differs > 0 else 'behind'} ours"
    if abs(differs) > MOST:
        found.bad(name, told, "# let both machines keep time by NTP: timedatectl status")
    else:
        found.good(name, told if abs(differs) >= 1 else "as ours")
