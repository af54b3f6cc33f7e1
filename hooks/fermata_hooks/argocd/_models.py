"""An Application and its operation, as far as Fermata looks at them.

An Application may be written by many; what is not of the expected shape counts as absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

AUTOMATED = "automated"
"""Who started a sync that Argo CD started by itself; no user is called so without an account."""
IN_PROGRESS = frozenset({"Running", "Terminating"})


@dataclass(frozen=True, kw_only=True)
class HookJob:
    """A hook's Job that Argo CD has not yet seen the end of."""

    namespace: str
    name: str
    phase: str  # PreSync, PostSync, SyncFail


@dataclass(frozen=True, kw_only=True)
class SyncChoices:
    """What somebody chose for a sync: whether it prunes, and its options."""

    prune: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The operation that runs, or the last one.

    ``started`` is kept as Argo CD writes it: it names the operation. It stays through the
    operation's retries; between them the phase is Running, although ``finished`` is set.
    ``initiated_by``: the user who started it, ``automated`` if Argo CD did.
    ``infos`` are what whoever started it said. ``waiting_for`` are the Jobs of its hooks that
    are not known to have ended.
    """

    started: str
    phase: str
    finished: float | None = None
    message: str = ""
    revision: str = ""
    infos: Mapping[str, str] = field(default_factory=dict)
    waiting_for: tuple[HookJob, ...] = ()
    choices: SyncChoices = SyncChoices()
    initiated_by: str = ""

    @property
    def in_progress(self) -> bool:
        """Whether it may still do something."""
        return self.phase in IN_PROGRESS

    @property
    def started_at(self) -> float | None:
        """When it began, in seconds since the epoch."""
        return _time(self.started)


@dataclass(frozen=True, kw_only=True)
class Application:
    """One Application. ``revision`` is the newest that Argo CD has compared with the cluster.

    ``requested``: an operation was asked for and has not begun yet; ``requested_infos`` are its
    infos, ``requested_by`` who asked. ``automated``: Argo CD starts syncs by itself.
    """

    name: str
    project: str = ""
    revision: str = ""
    sync_status: str = ""
    automated: bool = False
    requested: bool = False
    requested_infos: Mapping[str, str] = field(default_factory=dict)
    requested_by: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    operation: Operation | None = None

    @property
    def in_progress(self) -> bool:
        """Whether an operation runs, or is about to."""
        return self.requested or (self.operation is not None and self.operation.in_progress)

    @property
    def initiated_by(self) -> str:
        """Who started the operation that is asked for, or that runs; empty: nobody says, or none.

        Argo CD's words: the user's name, or ``automated``.
        """
        if self.requested:
            return self.requested_by
        running = self.operation is not None and self.operation.in_progress
        return self.operation.initiated_by if self.operation is not None and running else ""

    @property
    def last_sync(self) -> "SyncChoices":
        """How the last sync was asked for."""
        return self.operation.choices if self.operation else SyncChoices()

    @property
    def infos(self) -> list[Mapping[str, str]]:
        """What was said of the operation that is asked for, and of the one that runs or ran."""
        return [self.requested_infos, *([self.operation.infos] if self.operation else [])]


def read_application(raw: Mapping[str, Any], *, name: str) -> Application:
    """Return the Application in ``raw``, an object of Kubernetes or of Argo CD's API."""
    status, spec = _dict(raw, "status"), _dict(raw, "spec")
    asked = _dict(raw, "operation")
    sync = _dict(status, "sync")
    automated = _dict(spec, "syncPolicy").get("automated")
    return Application(
        name=name,
        project=_text(spec, "project"),
        revision=_text(sync, "revision"),
        sync_status=_text(sync, "status"),
        automated=isinstance(automated, Mapping) and automated.get("enabled") is not False,
        requested=bool(asked),
        requested_infos=_infos(asked),
        requested_by=_initiator(asked),
        annotations=_annotations(raw),
        operation=_operation(_dict(status, "operationState")),
    )


def _operation(state: Mapping[str, Any]) -> Operation | None:
    if not state:
        return None
    result, asked = _dict(state, "syncResult"), _dict(state, "operation")
    sync = _dict(asked, "sync")
    return Operation(
        started=_text(state, "startedAt"),
        phase=_text(state, "phase"),
        finished=_time(_text(state, "finishedAt")),
        message=_text(state, "message"),
        revision=_text(result, "revision") or _text(sync, "revision"),
        infos=_infos(asked),
        initiated_by=_initiator(asked),
        waiting_for=tuple(_waiting_for(result.get("resources"))),
        choices=SyncChoices(prune=sync.get("prune") is True, options=_texts(sync, "syncOptions")),
    )


def _waiting_for(resources: object) -> list[HookJob]:
    rows = resources if isinstance(resources, list) else []
    return [
        HookJob(
            namespace=_text(row, "namespace"),
            name=_text(row, "name"),
            phase=_text(row, "hookType"),
        )
        for row in rows
        if isinstance(row, Mapping)
        and row.get("kind") == "Job"
        and row.get("hookPhase") == "Running"
        and _text(row, "name")
    ]


def _infos(operation: Mapping[str, Any]) -> dict[str, str]:
    rows = operation.get("info")
    return {
        _text(row, "name"): _text(row, "value")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping)
    }


def _initiator(operation: Mapping[str, Any]) -> str:
    by = _dict(operation, "initiatedBy")
    return AUTOMATED if by.get("automated") is True else _text(by, "username")


def _annotations(raw: Mapping[str, Any]) -> dict[str, str]:
    annotations = _dict(_dict(raw, "metadata"), "annotations")
    return {str(key): value for key, value in annotations.items() if isinstance(value, str)}


def _dict(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = raw.get(key)
    return tuple(str(each) for each in values) if isinstance(values, list) else ()


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
