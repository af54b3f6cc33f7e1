"""The audit trail: one JSON object a line, each with the hash of the one before.

What changes something in Airflow or in Argo CD is written down before it is asked for, and again
when it is answered; so are denials, what was overridden, locks, and how each hook ended. An anchor
beside the ledger says how far each chain goes, so that one that was cut off is found out.
"""

from fermata_hooks.audit._anchors import Anchor, Anchors
from fermata_hooks.audit._chain import GENESIS, Link, Record, link_of, sealed
from fermata_hooks.audit._http import HttpSink
from fermata_hooks.audit._listing import Deploy, deploys
from fermata_hooks.audit._sinks import FileSink, Sink, StreamSink
from fermata_hooks.audit._trail import Context, Trail
from fermata_hooks.audit._verifying import Verified, verify

__all__ = [
    "GENESIS",
    "Anchor",
    "Anchors",
    "Context",
    "Deploy",
    "FileSink",
    "HttpSink",
    "Link",
    "Record",
    "Sink",
    "StreamSink",
    "Trail",
    "Verified",
    "deploys",
    "link_of",
    "sealed",
    "verify",
]
