"""Remove handoffs that no sync will ask for any more."""

import logging
from collections.abc import Collection

from fermata_hooks.clock import Clock
from fermata_hooks.documents import ConflictError, Documents
from fermata_hooks.handoff import PREFIX, unpack
from fermata_spec.errors import SettingsError

GRACE = 600.0
"""Seconds by which our clock and Airflow's may differ, so that none is removed too soon."""
UNREADABLE = 86400.0
"""Seconds after which one that cannot be read, seen by this very watch, is removed."""

log = logging.getLogger("fermata.watch")


class Handoffs:
    """The handoffs beside the ledger: each is read once, and removed when its time is over."""

    def __init__(self, documents: Documents, *, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._known: dict[str, tuple[str, str, float]] = {}  # version, application, useful until

    def tidy(self, held: Collection[str]) -> None:
        """Remove what is older than its use; ``held``: applications with a hold, which keep theirs.

        One that a hold step writes meanwhile is another version, and stays.
        """
        found = self._documents.versions(PREFIX)
        known = self._known
        self._known = {
            name: known[name] if name in known and known[name][0] == version else self._read(name)
            for name, version in found.items()
        }
        for name, (version, application, until) in list(self._known.items()):
            if application not in held and self._clock.now() > until + GRACE:
                self._remove(name, version)

    def _read(self, name: str) -> tuple[str, str, float]:
        document = self._documents.read(name)
        try:
            handoff = unpack(document.content or b"")
        except SettingsError as exc:
            log.warning("%s: %s", name, exc)
            return document.version, "", self._clock.now() + UNREADABLE
        return document.version, handoff.application, handoff.useful_until

    def _remove(self, name: str, version: str) -> None:
        try:
            self._documents.delete(name, expected=version)
        except ConflictError as exc:
            log.info("%s: kept: %s", name, exc)
        else:
            log.info("%s: removed: no sync asks for it any more", name)
            del self._known[name]
