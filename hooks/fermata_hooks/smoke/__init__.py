"""Run the smoke DAGs on the new revision, and say why one did not succeed.

A run is named after application, revision and sync, so that a repeat of the hook joins it and
another sync has its own. What is still running when the hook leaves, for whatever reason, is set
to failed: only runs of ours, by their names. A run that never began is inconclusive, not a failure.
"""

from fermata_hooks.smoke._loop import SmokeResult, Termination, smoke
from fermata_hooks.smoke._runs import Airflow, run_id

__all__ = ["Airflow", "SmokeResult", "Termination", "run_id", "smoke"]
