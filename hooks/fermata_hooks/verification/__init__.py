"""Proof that Airflow has parsed this revision, and is well.

``verify`` asks four questions at each look: is every DAG there that git wants (``inventory``), is
there a new import error (``import_errors``), is Airflow alive (``health``), and does it show this
revision (``evidence``)? It passes when all have been answered well for the settle window. What was
not seen, not permitted or redacted is inconclusive: never zero, never pass.
"""

from fermata_hooks.verification._figures import figures_of
from fermata_hooks.verification._look import Airflow
from fermata_hooks.verification._loop import Verification, verify

__all__ = ["Airflow", "Verification", "figures_of", "verify"]
