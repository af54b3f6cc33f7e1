"""Wait until no task of the held DAGs runs, or say exactly which ones still do.

By task instances, never by runs: a paused DAG's run with tasks left stays ``running`` for as long
as the DAG is paused (measured on Airflow 2.11 and 3.3), so waiting for runs would never end.
Deferred and rescheduling tasks occupy no worker, and are blockers only if asked for.
"""

from fermata_hooks.drain._blockers import BLOCKING_STATES, WAITING_STATES, Tasks, describe, look
from fermata_hooks.drain._loop import SCHEDULER_LOOP, Drained, DrainOrder, drain

__all__ = [
    "BLOCKING_STATES",
    "SCHEDULER_LOOP",
    "WAITING_STATES",
    "DrainOrder",
    "Drained",
    "Tasks",
    "describe",
    "drain",
    "look",
]
