"""How Airflow was when a revision last passed: what to judge by where no hold took a baseline.

A document like the handoff, one per application, written by each pass of verify. What has gone
wrong since then without this application is taken for this revision's: still better than nothing.
"""

import logging

from fermata_hooks.documents import Documents
from fermata_hooks.handoff._model import Handoff, pack, unpack
from fermata_spec.errors import SettingsError
from fermata_spec.names import object_name

log = logging.getLogger("fermata.handoff")


def last_pass_name(application: str) -> str:
    """Return the name of the document."""
    return object_name("passed", application)


def read_last_pass(documents: Documents, application: str) -> Handoff | None:
    """Return how Airflow was at the last pass; none if there was none, or it is damaged."""
    name = last_pass_name(application)
    content = documents.read(name).content
    if content is None:
        return None
    try:
        return unpack(content)
    except SettingsError as exc:
        log.warning("%s: %s", name, exc)
        return None


def write_last_pass(documents: Documents, seen: Handoff) -> None:
    """Write it down, whatever was there."""
    documents.put(last_pass_name(seen.application), pack(seen))
