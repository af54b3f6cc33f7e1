"""What ``hold`` knows and ``finish`` needs: how Airflow was before anything was applied.

One gzipped JSON document per application, written before the first pause, removed by ``watch``
when its use is over. It holds for one revision; what is absent, damaged, or of another revision
makes inconclusive whatever needed it.

A retry of the same revision within the hold's lease keeps the first attempt's baseline: by then
the change is applied already, and an import error that it brought would else pass for an old one.
"""

from fermata_hooks.handoff._baseline import Baselines, Tasks, shapes, take_baseline
from fermata_hooks.handoff._last_pass import last_pass_name, read_last_pass, write_last_pass
from fermata_hooks.handoff._model import (
    PREFIX,
    REDACTED_FINGERPRINT,
    Handoff,
    Shape,
    document_name,
    error_key,
    file_key,
    fingerprint,
    fingerprints,
    pack,
    parse_seconds,
    read_handoff,
    source_digest,
    unpack,
    write_handoff,
)

__all__ = [
    "PREFIX",
    "REDACTED_FINGERPRINT",
    "Baselines",
    "Handoff",
    "Shape",
    "Tasks",
    "document_name",
    "error_key",
    "file_key",
    "fingerprint",
    "fingerprints",
    "last_pass_name",
    "pack",
    "parse_seconds",
    "read_handoff",
    "read_last_pass",
    "shapes",
    "source_digest",
    "take_baseline",
    "unpack",
    "write_handoff",
    "write_last_pass",
]
