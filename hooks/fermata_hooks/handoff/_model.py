"""The handoff itself, and its document: gzipped JSON that holds for one revision."""

import gzip
import hashlib
import io
import json
import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fermata_hooks.airflow_api import Dag, ImportErrorRow
from fermata_hooks.documents import Documents
from fermata_spec.errors import SettingsError
from fermata_spec.names import LABEL, object_name

FORMAT = 1
PREFIX = "sync"
MAX_BYTES = 32 * 1024 * 1024  # unpacked; 10,000 DAGs are about 1 MB
REDACTED_FINGERPRINT = "redacted"

log = logging.getLogger("fermata.handoff")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a DAG is made of: its schedule, and owner and retries of each task by id."""

    schedule: str
    tasks: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """The state before a revision was applied.

    ``started``: when the baseline was taken, by Airflow's clock. ``affected``: the DAGs that the
    change touches, removed ones too; empty means that nothing is touched. ``import_errors``: of
    each failing file (``error_key``) the fingerprint of its error. ``last_parsed``: of each
    affected DAG. ``inventory``: the DAGs that were there and not stale. ``shown``: affected DAGs
    whose file had the wanted text already, so that seeing it again proves nothing new. ``shapes``:
    what affected DAGs were made of, as far as it was asked. ``held``: what the hold was asked to
    hold; empty means that there need be no hold. ``useful_until``: when no attempt at this
    revision makes anything of it any more, by Airflow's clock. ``parse_seconds``: of each file
    (``file_key``) how long its last parse took, as far as Airflow tells.
    """

    application: str
    revision: str
    started: float
    affected: tuple[str, ...] = ()
    import_errors: Mapping[str, str] = field(default_factory=dict)
    last_parsed: Mapping[str, float] = field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    useful_until: float = 0.0
    parse_seconds: Mapping[str, float] = field(default_factory=dict)


def file_key(dag: Dag) -> str:
    """Return what names a DAG's file: its bundle (empty on 2.x) and its path."""
    return f"{dag.bundle_name or ''}:{dag.file}"


def parse_seconds(dags: Iterable[Dag]) -> dict[str, float]:
    """Return how long the last parse of each file took, as far as Airflow tells."""
    return {file_key(d): d.parse_seconds for d in dags if d.parse_seconds is not None}


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
    """Return the name of the handoff's document: the ConfigMap ``fermata-sync-<application>``."""
    return object_name(PREFIX, application, limit=LABEL - len("fermata-"))


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
        shapes={str(k): _shape(v) for k, v in raw.get("shapes", {}).items()},
        held=tuple(str(dag_id) for dag_id in raw["held"]),
        useful_until=float(raw["useful_until"]),
        parse_seconds={str(k): float(v) for k, v in raw.get("parse_seconds", {}).items()},
    )


def _shape(raw: Mapping[str, Any]) -> Shape:
    tasks = {str(k): (str(owner), int(retries)) for k, (owner, retries) in raw["tasks"].items()}
    return Shape(schedule=str(raw["schedule"]), tasks=tasks)
