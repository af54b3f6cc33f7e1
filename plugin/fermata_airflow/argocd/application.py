"""An Application as Argo CD tells of it: only what the provider uses, in plain values.

Times are seconds since the epoch by Argo CD's clock; None is "not yet". What is missing or of an
unexpected type is read as absent: a newer Argo CD must not break a wait.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fermata_airflow.argocd.calls import Target
from fermata_airflow.exceptions import one_line

FINAL_PHASES = frozenset({"Succeeded", "Failed", "Error"})
Raw = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ResourceResult:
    """What an operation did to one resource, or how a hook ended."""

    kind: str
    namespace: str
    name: str
    status: str
    message: str
    hook: str = ""
    hook_phase: str = ""

    @property
    def failed(self) -> bool:
        """Whether it was not applied, or a hook that failed."""
        return self.status == "SyncFailed" or self.hook_phase in ("Failed", "Error")

    @property
    def changed(self) -> bool:
        """Whether the cluster is another one after it (kubectl's last word says so)."""
        if self.hook:
            return False
        return self.status == "Pruned" or (
            self.status == "Synced" and self.message.split(" ")[-1:] != ["unchanged"]
        )

    def __str__(self) -> str:
        return f"{self.hook or self.kind}/{self.name}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The operation that runs, or the last one.

    ``started`` is Argo CD's own text, by which it is told from others. In a back-off between its
    attempts an operation is ``Running`` and has ``finished``: only the phase says that it ended.
    """

    phase: str
    message: str
    started: str
    finished: float | None
    infos: Mapping[str, str]
    revisions: tuple[str, ...]
    initiated_by: str
    automated: bool
    dry_run: bool
    retries: int
    resources: tuple[ResourceResult, ...]

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.phase in FINAL_PHASES

    @property
    def seconds(self) -> float:
        """How long it took."""
        started = time_of(self.started)
        return 0.0 if started is None or self.finished is None else self.finished - started


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """An entry of the history: a sync that succeeded, oldest first; the id only grows."""

    id: int
    revisions: tuple[str, ...]
    started: str
    deployed: float | None
    initiated_by: str


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application, at one look.

    ``revisions`` are those that were compared last, one a source; what is live is the newest
    entry of ``history``. ``requested``: the infos of an operation that was asked for and has not
    begun; None where there is none.
    """

    target: Target
    sync_status: str
    revisions: tuple[str, ...]
    health: str
    health_message: str
    reconciled: float | None
    automated: bool
    deleting: bool
    conditions: tuple[str, ...]
    history: tuple[Deployment, ...]
    requested: Mapping[str, str] | None
    operation: Operation | None
    raw: Raw = field(repr=False, compare=False)

    @property
    def busy(self) -> bool:
        """Whether an operation runs, or is about to."""
        return self.requested is not None or (
            self.operation is not None and not self.operation.ended
        )

    def __str__(self) -> str:
        told = f"{self.sync_status or 'Unknown'}, {self.health or 'Unknown'}"
        return told + (f" ({self.health_message})" if self.health_message else "")


def read_application(raw: object, *, known: Target | None = None) -> Application:
    """Return the application in ``raw``; ``known`` fills in what a trimmed answer leaves out."""
    whole: Raw = raw if isinstance(raw, Mapping) else {}
    metadata, spec = _dict(whole, "metadata"), _dict(whole, "spec")
    status = _dict(whole, "status")
    sync, health = _dict(status, "sync"), _dict(status, "health")
    automated = _dict(spec, "syncPolicy").get("automated")
    known = known or Target("")
    return Application(
        target=Target(
            _text(metadata, "name") or known.name,
            _text(spec, "project") or known.project,
            known.namespace,
        ),
        sync_status=_text(sync, "status"),
        revisions=_revisions(sync),
        health=_text(health, "status"),
        health_message=one_line(_text(health, "message")),
        reconciled=time_of(_text(status, "reconciledAt")),
        automated=isinstance(automated, Mapping) and automated.get("enabled") is not False,
        deleting=bool(_text(metadata, "deletionTimestamp")),
        conditions=tuple(
            f"{_text(row, 'type')}: {one_line(_text(row, 'message'))}"
            for row in _rows(status, "conditions")
        ),
        history=tuple(_deployment(row) for row in _rows(status, "history")),
        requested=_infos(_dict(whole, "operation")) if whole.get("operation") else None,
        operation=_operation(_dict(status, "operationState")),
        raw=whole,
    )


def _operation(state: Raw) -> Operation | None:
    if not state:
        return None
    result, asked = _dict(state, "syncResult"), _dict(state, "operation")
    by, sync = _dict(asked, "initiatedBy"), _dict(asked, "sync")
    retries = state.get("retryCount")
    return Operation(
        phase=_text(state, "phase"),
        message=one_line(_text(state, "message")),
        started=_text(state, "startedAt"),
        finished=time_of(_text(state, "finishedAt")),
        infos=_infos(asked),
        revisions=_revisions(result) or _revisions(sync),
        initiated_by=_text(by, "username"),
        automated=by.get("automated") is True,
        dry_run=sync.get("dryRun") is True,
        retries=retries if isinstance(retries, int) else 0,
        resources=tuple(_resource(row) for row in _rows(result, "resources")),
    )


def _resource(row: Raw) -> ResourceResult:
    return ResourceResult(
        kind=_text(row, "kind"),
        namespace=_text(row, "namespace"),
        name=_text(row, "name"),
        status=_text(row, "status"),
        message=one_line(_text(row, "message")),
        hook=_text(row, "hookType"),
        hook_phase=_text(row, "hookPhase"),
    )


def _deployment(row: Raw) -> Deployment:
    number = row.get("id")
    return Deployment(
        id=number if isinstance(number, int) else 0,
        revisions=_revisions(row),
        started=_text(row, "deployStartedAt"),
        deployed=time_of(_text(row, "deployedAt")),
        initiated_by=_text(_dict(row, "initiatedBy"), "username"),
    )


def _revisions(raw: Raw) -> tuple[str, ...]:
    several = raw.get("revisions")
    if isinstance(several, list) and several:
        return tuple(str(each) for each in several)
    one = _text(raw, "revision")
    return (one,) if one else ()


def _infos(operation: Raw) -> dict[str, str]:
    return {_text(row, "name"): _text(row, "value") for row in _rows(operation, "info")}


def _rows(raw: Raw, key: str) -> Iterator[Raw]:
    rows = raw.get(key)
    yield from (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, Mapping))


def _dict(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(raw: Raw, key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def time_of(text: str) -> float | None:
    """Return the seconds of an RFC 3339 text; None if it is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
