"""The ledger: one record per Airflow of which DAGs are held, by whom, and what we owe them.

``Record`` and its parts are immutable values; the rules by which it may change are pure
functions; ``Ledger`` keeps it in a ``Documents`` store by compare-and-swap only. Nothing here
talks to Airflow.
"""

from fermata_hooks.ledger._records import BATCH, CLOCKS_DIFFER, WINDOW, Hold, Line, Mark, Record
from fermata_hooks.ledger._rows import PauseRow
from fermata_hooks.ledger._store import Ledger

__all__ = [
    "BATCH",
    "CLOCKS_DIFFER",
    "WINDOW",
    "Hold",
    "Ledger",
    "Line",
    "Mark",
    "PauseRow",
    "Record",
]
