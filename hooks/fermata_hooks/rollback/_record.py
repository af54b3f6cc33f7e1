"""What was rolled back, and who is at it: one small document per application.

A revision that stands here is never rolled back again, whatever became of it. The lease keeps two
from being at it at once; one that was left by a process that died ends by itself.
"""

import json
from dataclasses import asdict, dataclass, replace

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.documents import ConflictError, Documents
from fermata_spec.errors import RefusedError, SettingsError
from fermata_spec.names import object_name

LEASE = 600.0  # seconds; longer than a rollback may take
KEPT = 50  # revisions
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Record:
    """``done`` maps revisions to what became of them; ``by`` holds the lease until ``until``."""

    done: dict[str, str]
    by: str = ""
    until: float = 0.0


class Records:
    """The record of one application."""

    def __init__(self, documents: Documents, application: str, *, clock: Clock) -> None:
        self._documents = documents
        self._name = object_name("rollback", application)
        self._clock = clock

    def read(self) -> Record:
        """Return the record; an empty one where there is none yet."""
        return self._read()[0]

    def begin(self, revision: str, holder: str) -> None:
        """Take the lease for ``revision``.

        Raises:
            RefusedError: it stands in the record, or another one holds the lease.

        """
        record, version = self._read()
        if revision in record.done:
            raise RefusedError(f"{revision[:12]}: rolled back already: {record.done[revision]}")
        if record.until > self._clock.now() and record.by != holder:
            until = rfc3339(record.until)
            raise RefusedError(f"{revision[:12]}: another rollback is under way, until {until}")
        taken = replace(record, by=holder, until=self._clock.now() + LEASE)
        self._write(taken, version, revision)

    def end(self, revision: str, outcome: str | None) -> None:
        """Give the lease back; write down what became of ``revision``, None: nothing."""
        record, version = self._read()
        done = {each: told for each, told in record.done.items() if each != revision}
        if outcome is not None:
            done[revision] = outcome
        self._write(Record(done=dict(list(done.items())[-KEPT:])), version, revision)

    def note(self, revision: str, outcome: str, holder: str) -> None:
        """Write down what is about to happen to ``revision``, under the lease."""
        record, version = self._read()
        if record.by != holder:
            raise RefusedError(f"{revision[:12]}: the lease of this rollback has ended")
        self._write(replace(record, done={**record.done, revision: outcome}), version, revision)

    def _read(self) -> tuple[Record, str]:
        document = self._documents.read(self._name)
        if document.content is None:
            return Record(done={}), document.version
        try:
            raw = json.loads(document.content[:MAX_BYTES])
            done = {str(k): str(v) for k, v in raw["done"].items()}
            return Record(done=done, by=str(raw["by"]), until=float(raw["until"])), document.version
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SettingsError(f"{self._name}: damaged: delete it to start anew") from exc

    def _write(self, record: Record, version: str, revision: str) -> None:
        content = json.dumps(asdict(record)).encode()
        try:
            self._documents.replace(self._name, content, expected=version)
        except ConflictError as exc:
            raise RefusedError(f"{revision[:12]}: another rollback has begun") from exc
