"""Watch: what happens when nobody does it, and what is true between syncs.

``Watch`` ends holds whose lease or sync is over, settles what is owed, keeps ``DagSet.status``
true, wakes Argo CD up, and starts the one sync that a denied revision is owed. It remembers
nothing that matters: all is in the ledger and in the agenda, so that it may be killed, restarted,
and run twice.
"""

from fermata_hooks.watching._answers import Address, Questions, answering, parse_address
from fermata_hooks.watching._buttons import Buttons, in_a_thread
from fermata_hooks.watching._deeds import Deeds
from fermata_hooks.watching._holds import HoldsPass
from fermata_hooks.watching._hook_jobs import HookJobs
from fermata_hooks.watching._loop import PERIOD, Neighbours, Pass, Watch
from fermata_hooks.watching._outages import Outages
from fermata_hooks.watching.standing import stand
from fermata_hooks.watching.unverified import Unverified, unverified

__all__ = [
    "PERIOD",
    "Address",
    "Buttons",
    "Deeds",
    "HoldsPass",
    "HookJobs",
    "Neighbours",
    "Outages",
    "Pass",
    "Questions",
    "Unverified",
    "Watch",
    "answering",
    "in_a_thread",
    "parse_address",
    "stand",
    "unverified",
]
