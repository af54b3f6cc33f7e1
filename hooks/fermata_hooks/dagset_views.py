"""All the DagSets that there are, as the watch and ``fermata status`` see them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fermata_hooks import dagset_status
from fermata_hooks.dagset_objects import KubernetesDagSets, application_named_by, wanted_of
from fermata_hooks.dagset_objects import status_of as status_in
from fermata_hooks.documents import ConflictError, FileDocuments
from fermata_spec.dagset import DagSetStatus

Change = Callable[[DagSetStatus], DagSetStatus | None]


@dataclass(frozen=True, kw_only=True)
class DagSetView:
    """One application's DagSet. ``wanted``: the digests of its spec; None: not known here."""

    application: str
    status: DagSetStatus
    wanted: Mapping[str, str] | None = None


class DagSetViews(Protocol):
    """Every DagSet that stands beside a ledger."""

    def views(self) -> list[DagSetView]:
        """Return them, by application."""

    def amend(self, application: str, change: Change) -> DagSetStatus | None:
        """Let ``change`` say what to write of a status as it is; return what was written.

        It is asked again if somebody else writes meanwhile; None writes nothing.
        """


class ClusterViews:
    """The DagSets of one namespace; only what has changed since the last time is read again."""

    def __init__(self, dagsets: KubernetesDagSets) -> None:
        self._dagsets = dagsets
        self._seen: dict[str, tuple[str, DagSetView | None]] = {}

    def views(self) -> list[DagSetView]:
        """Return them: one list of names and versions, and each that is new or changed."""
        seen = {}
        for name, version in self._dagsets.versions().items():
            known = self._seen.get(name)
            seen[name] = known if known and known[0] == version else (version, self._view(name))
        self._seen = seen
        views = [view for _, view in seen.values() if view is not None]
        return sorted(views, key=lambda view: view.application)

    def amend(self, application: str, change: Change) -> DagSetStatus | None:
        """Amend."""
        return self._dagsets.amend(application, change)

    def _view(self, name: str) -> DagSetView | None:
        raw = self._dagsets.whole(name)
        application = application_named_by(raw or {})
        if raw is None or not application:
            return None
        return DagSetView(application=application, status=status_in(raw), wanted=wanted_of(raw))


class FolderViews:
    """The statuses in a ledger's folder, whose specs nobody keeps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._documents = FileDocuments(folder)

    def views(self) -> list[DagSetView]:
        """Return them, one file each; raise ``SettingsError`` for a damaged one."""
        views = []
        for path in sorted(self._folder.glob("dagset-*")):
            content = self._documents.read(path.name).content
            status = dagset_status.decode(content, origin=path.name)
            if application := _application(content):
                views.append(DagSetView(application=application, status=status))
        return sorted(views, key=lambda view: view.application)

    def amend(self, application: str, change: Change) -> DagSetStatus | None:
        """Amend."""
        name = dagset_status.document_name(application)
        while True:
            document = self._documents.read(name)
            status = change(dagset_status.decode(document.content, origin=name))
            if status is None:
                return None
            content = dagset_status.encode(application, status)
            try:
                self._documents.replace(name, content, expected=document.version)
            except ConflictError:
                continue
            return status


def _application(content: bytes | None) -> str:
    """Return whose status a document says to be; one of an older release does not say it."""
    raw = json.loads(content or b"{}")
    application = raw.get("application")
    return application if isinstance(application, str) else ""
