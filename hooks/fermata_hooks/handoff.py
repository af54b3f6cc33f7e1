"""What ``hold`` knows and ``finish`` needs: how Airflow was before anything was applied.

One gzipped JSON document per application, written before the first pause. It holds for one
revision; what is absent, damaged, or of another revision makes inconclusive whatever needed it.

A retry of the same revision within the hold's lease keeps the first attempt's baseline: by then
the change is applied already, and an import error that it brought would else pass for an old one.
"""

import gzip
import hashlib
import io
import json
import logging
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from fermata_hooks.airflow_api import Dag, ImportErrorRow
from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_spec.errors import SettingsError
from fermata_spec.names import object_name
from fermata_spec.plan import Plan, PlannedDag

FORMAT = 1
MAX_BYTES = 32 * 1024 * 1024  # unpacked; 10,000 DAGs are about 1 MB
MAX_SOURCES = 200  # how many DAG files hold reads before the change; what was not read is unknown
REDACTED_FINGERPRINT = "redacted"

log = logging.getLogger("fermata.handoff")


class Baselines(Protocol):
    """What taking a baseline asks of Airflow."""

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs."""

    def import_errors(self) -> list[ImportErrorRow]:
        """Return all import errors."""

    def dag_source(self, dag: Dag) -> str | None:
        """Return the text of the DAG's file."""

    def server_time(self) -> float:
        """Return Airflow's own time."""


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """The state before a revision was applied.

    ``started``: when the baseline was taken, by Airflow's clock. ``affected``: the DAGs that the
    change touches, removed ones too; empty means that nothing is touched. ``import_errors``: of
    each failing file (``error_key``) the fingerprint of its error. ``last_parsed``: of each
    affected DAG. ``inventory``: the DAGs that were there and not stale. ``shown``: affected DAGs
    whose file had the wanted text already, so that seeing it again proves nothing new. ``held``:
    what the hold was asked to hold; empty means that there need be no hold.
    """

    application: str
    revision: str
    started: float
    affected: tuple[str, ...] = ()
    import_errors: Mapping[str, str] = field(default_factory=dict)
    last_parsed: Mapping[str, float] = field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def take_baseline(  # noqa: PLR0913 - what hold knows at this point
    airflow: Baselines,
    plan: Plan,
    affected: Collection[str],
    clock: Clock,
    *,
    held: Collection[str] = (),
    dags: Sequence[Dag] | None = None,
    previous: Handoff | None = None,
) -> Handoff:
    """Look at Airflow before the change; asks it nothing when nothing is affected.

    ``held`` is what the hold will be asked to hold, ``dags`` all of Airflow's DAGs, stale ones
    too, where they were listed just now.

    ``previous`` is what ``read_handoff`` returned for this very revision, if anything: its import
    errors, inventory and ``shown`` are kept, because its change may be applied already. Each
    attempt has its own ``started``.
    """
    touched = tuple(sorted(affected))
    if not touched:
        return Handoff(
            application=plan.application,
            revision=plan.revision,
            started=clock.now(),
            held=tuple(sorted(held)),
        )
    dags = airflow.dags(include_stale=True) if dags is None else dags
    rows = {dag.dag_id: dag for dag in dags}
    base = previous if _still_holds(previous, plan, airflow.server_time()) else None
    return Handoff(
        application=plan.application,
        revision=plan.revision,
        started=airflow.server_time(),
        affected=touched,
        import_errors=base.import_errors if base else fingerprints(airflow.import_errors()),
        last_parsed={
            dag_id: when
            for dag_id in touched
            if (row := rows.get(dag_id)) and (when := row.last_parsed_time) is not None
        },
        inventory=base.inventory if base else tuple(d.dag_id for d in dags if not d.is_stale),
        shown=base.shown if base else _shown(airflow, plan, touched, rows),
        held=tuple(sorted(held)),
    )


def error_key(row: ImportErrorRow) -> str:
    """Return what names a failing file: its bundle (empty on 2.x) and its path."""
    return f"{row.bundle_name or ''}:{row.filename}"


def fingerprint(row: ImportErrorRow) -> str:
    """Return 16 hex digits for the error's text; a text that may not be read has none."""
    if row.redacted:
        return REDACTED_FINGERPRINT
    return hashlib.sha256(row.stack_trace.encode()).hexdigest()[:16]


def fingerprints(rows: Sequence[ImportErrorRow]) -> dict[str, str]:
    """Return the fingerprint of each failing file."""
    return {error_key(row): fingerprint(row) for row in rows}


def source_digest(text: str) -> str:
    """Return the digest by which a plan names the text of a DAG file: SHA-256, 16 hex.

    Of lines that end with LF, as Airflow reads the file before it stores it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def document_name(application: str) -> str:
    """Return the name of the handoff's document."""
    return object_name("handoff", application)


def read_handoff(documents: Documents, application: str, revision: str) -> Handoff | None:
    """Return the handoff of this revision; none if it is absent, damaged or another revision's."""
    content = documents.read(document_name(application)).content
    if content is None:
        return None
    try:
        handoff = unpack(content)
    except SettingsError as exc:
        log.warning("%s: %s", document_name(application), exc)
        return None
    return handoff if handoff.revision == revision else None


def write_handoff(documents: Documents, handoff: Handoff) -> None:
    """Write the handoff, whatever was there; the last writer wins."""
    documents.put(document_name(handoff.application), pack(handoff))


def pack(handoff: Handoff) -> bytes:
    """Return the document: gzipped JSON, the same bytes for the same handoff."""
    text = json.dumps({"format": FORMAT, **asdict(handoff)}, sort_keys=True)
    return gzip.compress(text.encode(), mtime=0)


def unpack(content: bytes) -> Handoff:
    """Return the handoff in ``content``; raise ``SettingsError`` if it is none of ours."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise SettingsError(f"handoff unpacks to more than {MAX_BYTES} bytes")
        raw = json.loads(text)
    except (OSError, EOFError, zlib.error, ValueError) as exc:
        raise SettingsError(f"handoff is damaged: {exc}") from exc
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise SettingsError(f"handoff is not of format {FORMAT}")
    try:
        return _parse(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise SettingsError(f"handoff is damaged: {exc!r}") from exc


def _still_holds(previous: Handoff | None, plan: Plan, now: float) -> bool:
    """Return whether an earlier attempt's baseline is the one to judge this attempt by."""
    if previous is None or not previous.affected:
        return False
    return previous.revision == plan.revision and now - previous.started <= plan.hold.lease


def _parse(raw: Mapping[str, Any]) -> Handoff:
    return Handoff(
        application=str(raw["application"]),
        revision=str(raw["revision"]),
        started=float(raw["started"]),
        affected=tuple(str(dag_id) for dag_id in raw["affected"]),
        import_errors={str(k): str(v) for k, v in raw["import_errors"].items()},
        last_parsed={str(k): float(v) for k, v in raw["last_parsed"].items()},
        inventory=tuple(str(dag_id) for dag_id in raw["inventory"]),
        shown=tuple(str(dag_id) for dag_id in raw["shown"]),
        held=tuple(str(dag_id) for dag_id in raw["held"]),
    )


def _shown(
    airflow: Baselines, plan: Plan, touched: Collection[str], rows: Mapping[str, Dag]
) -> tuple[str, ...]:
    """Return the touched DAGs whose file has the wanted text already; one request per file."""
    wanted = [d for d in plan.dags if d.dag_id in touched and d.source_digest]
    digests: dict[tuple[str | None, str], str] = {}
    shown = []
    for planned in wanted:
        row = rows.get(planned.dag_id)
        if row is None or row.is_stale:
            continue
        file = (row.bundle_name, row.file)
        if file not in digests:
            if len(digests) >= MAX_SOURCES:
                shown.append(planned.dag_id)
                continue
            digests[file] = source_digest(airflow.dag_source(row) or "")
        if _is_wanted(planned, digests[file]):
            shown.append(planned.dag_id)
    return tuple(sorted(shown))


def _is_wanted(planned: PlannedDag, digest: str) -> bool:
    return bool(planned.source_digest) and planned.source_digest == digest
