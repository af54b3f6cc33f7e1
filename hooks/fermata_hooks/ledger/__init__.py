"""The ledger: one record per Airflow of which DAGs are held, by whom, and what we owe them.

``Record`` and its parts are immutable values; the rules by which it may change are pure
functions in ``hold_rules``, ``settle_rules`` and ``end_rules``; ``Ledger`` keeps it in a
``Documents`` store by compare-and-swap only. Nothing here talks to Airflow.
"""

from fermata_hooks.ledger._format import MAX_OPEN_BYTES, decode, encode
from fermata_hooks.ledger._records import BATCH, CLOCKS_DIFFER, WINDOW, Hold, Line, Mark, Record
from fermata_hooks.ledger._rows import BEFORE_THE_LOOK, RUNNING, LogMode, PauseRow, Wish, wish_of
from fermata_hooks.ledger._store import Ledger, Snapshot

__all__ = [
    "BATCH",
    "BEFORE_THE_LOOK",
    "CLOCKS_DIFFER",
    "MAX_OPEN_BYTES",
    "RUNNING",
    "WINDOW",
    "Hold",
    "Ledger",
    "Line",
    "LogMode",
    "Mark",
    "PauseRow",
    "Record",
    "Snapshot",
    "Wish",
    "decode",
    "encode",
    "wish_of",
]
