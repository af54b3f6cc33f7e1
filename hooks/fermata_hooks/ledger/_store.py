"""The ledger in its store: read, and changed by compare-and-swap only."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fermata_hooks.clock import Clock
from fermata_hooks.documents import ConflictError, Document, Documents
from fermata_hooks.ledger._format import MAX_BYTES, decode, encode
from fermata_hooks.ledger._records import Record
from fermata_spec.errors import SettingsError, UnavailableError

NAME = "ledger"
UNAVAILABLE_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # an API server restarts in half a minute
MAX_CONFLICTS = 200  # each one means that somebody else came through


@dataclass(frozen=True)
class Snapshot:
    """The ledger as read, and the version that a replacement must name."""

    record: Record
    version: str


class Changed(Protocol):
    """What a decision is about: at least the ledger to write."""

    @property
    def record(self) -> Record:
        """The ledger to write."""


C = TypeVar("C", bound=Changed)


class Ledger:
    """The one ledger of an Airflow, the document ``name`` of ``documents``.

    An answer of the store that is lost is never taken for a failure, nor for a success: the
    ledger is read again, and tells.
    """

    def __init__(self, documents: Documents, *, clock: Clock, name: str = NAME) -> None:
        self._documents = documents
        self._clock = clock
        self._name = name
        self._last: Snapshot | None = None  # as written by this very object, or read

    def read(self) -> Record:
        """Return the ledger as it is; an empty one if there is none yet.

        Raises:
            SettingsError: it is damaged, or of a format that this release does not know.
            UnavailableError: the store does not answer.

        """
        return self.snapshot().record

    def snapshot(self) -> Snapshot:
        """Return the ledger and its version; raises as ``read`` does."""
        document = self._patiently(lambda: self._documents.read(self._name))
        if document.content is None:
            return Snapshot(Record(id=secrets.token_hex(4)), document.version)
        return Snapshot(decode(document.content, origin=self._name), document.version)

    def change(self, decide: Callable[[Record], C]) -> C:
        """Let ``decide`` say what to write, write it, and return the decision that was written.

        ``decide`` is asked first about the ledger as it was last seen here (the write fails if
        that is old), and again, about the ledger as it is then, after each conflict and each lost
        answer, and before anything is left as it is. It must come to the same decision on a
        ledger that already holds its own.
        """
        snapshot, self._last = self._last, None
        is_fresh = False
        for attempt in range(MAX_CONFLICTS):
            if snapshot is None:
                snapshot, is_fresh = self.snapshot(), True
            decision = decide(snapshot.record)
            if decision.record == snapshot.record:
                if is_fresh:
                    return decision
            elif (version := self._try(decision.record, snapshot.version, attempt)) is not None:
                self._last = Snapshot(decision.record, version)
                return decision
            snapshot = None
        raise ConflictError(f"{self._name}: changed by others {MAX_CONFLICTS} times in a row")

    def _try(self, record: Record, expected: str, attempt: int) -> str | None:
        """Write; return the new version, or None, somewhat later, if that must be found out."""
        try:
            return self._write(record, expected)
        except ConflictError:
            if attempt > 1:  # the first conflict says little; several say that many are at work
                self._clock.sleep(min(0.02 * attempt, 0.5))
        except UnavailableError:
            self._clock.sleep(UNAVAILABLE_WAITS[0])
        return None

    def replace(
        self, record: Record, *, expected: str, landed: Callable[[Record], bool]
    ) -> Snapshot:
        """Write ``record`` if the ledger's version is still ``expected``; return what is there now.

        After a lost answer ``landed`` says whether a ledger, as read then, holds what was to be
        written; others may have changed it further since.

        Raises:
            ConflictError: somebody else changed the ledger; nothing was written.

        """
        self._last = None
        try:
            self._last = Snapshot(record, self._write(record, expected))
        except ConflictError:
            raise
        except UnavailableError:
            now = self.snapshot()
            if now.record == record or landed(now.record):
                return now
            raise ConflictError(f"{self._name}: no answer, and not written") from None
        return self._last

    def _write(self, record: Record, expected: str) -> str:
        content = encode(record)
        if len(content) > MAX_BYTES:
            raise SettingsError(
                f"{self._name}: {len(content)} bytes for {len(record.lines)} DAGs, "
                f"of {MAX_BYTES}: nothing was changed"
            )
        return self._documents.replace(self._name, content, expected=expected)

    def _patiently(self, read: Callable[[], Document]) -> Document:
        for wait in UNAVAILABLE_WAITS:
            try:
                return read()
            except UnavailableError:
                self._clock.sleep(wait)
        return read()
