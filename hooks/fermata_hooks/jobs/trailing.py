"""The audit trail of a process: where it goes, and what is known of who acts."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from fermata_hooks.audit import Anchors, Context, FileSink, HttpSink, Sink, StreamSink, Trail
from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_hooks.settings import FolderLedger, Settings
from fermata_hooks.termination import Termination
from fermata_spec import __version__
from fermata_spec.report import Report

FILE = "audit.jsonl"
MOST_DAGS = 2000  # that the last line of a hook names
SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""The pod's own token, of which only the subject is read."""


def open_trail(
    settings: Settings, documents: Documents, *, clock: Clock, termination: Termination
) -> Trail:
    """Return the trail that the settings ask for; nothing is written yet."""
    http = None
    if settings.audit_url:
        http = HttpSink(settings.audit_url, settings.audit_token_file)
    anchors = Anchors(documents, clock=clock)
    sink = _sink(settings, anchors)
    return Trail(sink, clock=clock, termination=termination, anchors=anchors, http=http)


def _sink(settings: Settings, anchors: Anchors) -> Sink:
    """Return where the lines go: what is said; else beside a ledger in a folder, else stderr."""
    if settings.audit == "-":
        return StreamSink(sys.stdout)
    if settings.audit:
        return FileSink(Path(settings.audit), anchors.of)
    if isinstance(settings.ledger, FolderLedger):
        return FileSink(settings.ledger.folder / FILE, anchors.of)
    return StreamSink(sys.stderr)


def who_acts() -> dict[str, Any]:
    """Return what this process knows of itself: service account, pod or user, release."""
    subject = subject_of(SERVICE_ACCOUNT_TOKEN)
    known = {"version": __version__, "host": os.environ.get("HOSTNAME", "")}
    if subject:
        return {**known, "service_account": subject}
    return {**known, "user": _user()}


def subject_of(token_file: Path) -> str:
    """Return the subject that a token names, unverified; empty for what is no JWT."""
    try:
        payload = token_file.read_text(encoding="ascii").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (OSError, ValueError, IndexError):
        return ""
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def ended(report: Report) -> dict[str, Any]:
    """Return what the last line of a hook says."""
    dags = [dag.dag_id for dag in report.dags]
    return {
        "verdict": report.verdict,
        "message": report.message,
        "dags": dags[:MOST_DAGS],
        "dags_in_all": len(dags),
        "checks": {check.name: check.verdict for check in report.checks},
    }


def context_of(report: Report) -> Context:
    """Return what every line of a hook says."""
    return Context(hook=report.hook, application=report.application, revision=report.revision)


def _user() -> str:
    import getpass  # noqa: PLC0415 - for people only

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
