"""The trail that a process writes: who acts for what, then one line for each thing that is done."""

import logging
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from fermata_hooks.audit._anchors import Anchors
from fermata_hooks.audit._chain import Link, Record
from fermata_hooks.audit._http import HttpSink
from fermata_hooks.audit._sinks import Sink, StreamSink
from fermata_hooks.clock import Clock
from fermata_hooks.deeds import Deed
from fermata_hooks.redaction import redact
from fermata_hooks.termination import Termination
from fermata_spec.errors import FermataError, SettingsError, UnavailableError

log = logging.getLogger("fermata.audit")

Details = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every line says: which hook, of which application and revision."""

    hook: str = ""
    application: str = ""
    revision: str = ""


class Trail:
    """The audit trail of one process; safe for several threads.

    A line that cannot be written to its file goes to stderr instead, and that is told: what a hook
    owes Airflow is not left undone for want of a disk. Only ``begin`` may refuse: before anything
    is done.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        clock: Clock,
        termination: Termination,
        anchors: Anchors | None = None,
        http: HttpSink | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._termination = termination
        self._anchors = anchors
        self._http = http
        self._lock = threading.Lock()
        self._context = Context()
        self._links = dict[str, Link]()
        self._deeds = 0
        self._process = secrets.token_hex(8)

    def begin(self, context: Context, details: Details, *, strict: bool = False) -> None:
        """Say who begins what; ``strict``: raise if that cannot be written.

        Raises:
            SettingsError, UnavailableError: the trail cannot be written.

        """
        self._context = context
        self._write("begin", details, strict=strict)

    def note(self, event: str, details: Details, *, context: Context | None = None) -> None:
        """Write down that something is so."""
        self._write(event, details, context=context)

    @contextmanager
    def watched(self, deed: Deed) -> Iterator[None]:
        """Write down what is about to be done, then how it went."""
        with self._lock:
            self._deeds += 1
            number = self._deeds
        said: dict[str, Any] = {"deed": number, "service": deed.service, "call": deed.call}
        if deed.dag_id:
            said["dag"] = deed.dag_id
        self._write("intent", {**said, "values": dict(deed.values)})
        result = "unknown"
        try:
            yield
            result = "done"
        except FermataError as exc:
            result = redact(f"{type(exc).__name__}: {exc}")
            raise
        finally:
            self._write("outcome", {**said, "result": result})

    def anchor(self) -> None:
        """Write down beside the ledger how far the chains go; that it cannot be is told."""
        with self._lock:
            links, self._links = list(self._links.values()), {}
        if self._anchors is None:
            return
        for link in links:
            try:
                self._anchors.put(link)
            except FermataError as exc:
                log.warning("audit: no anchor of chain %s: %s", link.chain, exc)

    def close(self) -> None:
        """Anchor what was written, and let the HTTP sink finish for a moment."""
        self.anchor()
        if self._http is not None:
            self._http.close()

    def _write(
        self,
        event: str,
        details: Details,
        *,
        context: Context | None = None,
        strict: bool = False,
    ) -> None:
        about = context or self._context
        with self._undisturbed(), self._lock:
            record: Record = {
                "at": _time(self._clock.now()),
                "event": event,
                "process": self._process,
                "hook": about.hook,
                "application": about.application,
                "revision": about.revision,
                **details,
            }
            try:
                line, link = self._sink.append(record)
            except (SettingsError, UnavailableError) as exc:
                if strict:
                    raise
                log.error("%s; its lines go to stderr", exc)  # noqa: TRY400 - expected
                self._sink = StreamSink(sys.stderr)
                line, link = self._sink.append(record)
            self._links[link.chain] = link
            if self._http is not None:
                self._http.put(line)

    def _undisturbed(self) -> Any:  # noqa: ANN401 - a context manager of either kind
        """Let no SIGTERM end a line in the middle; it comes to the main thread only."""
        if threading.current_thread() is threading.main_thread():
            return self._termination.shield()
        return nullcontext()


def _time(seconds: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - with milliseconds, unlike rfc3339

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
