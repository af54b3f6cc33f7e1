"""Applications through Argo CD's own API, with a token read from a file."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fermata_hooks.argocd._by_kubernetes import has_ended
from fermata_hooks.argocd._models import Application, HookJob, read_application
from fermata_hooks.argocd._names import address_of
from fermata_hooks.argocd._port import MARKER
from fermata_hooks.clock import Clock
from fermata_hooks.exchange import (
    Method,
    Query,
    Request,
    Transport,
    UnreadableAnswerError,
    bearer,
    read_secret,
    segment,
)
from fermata_spec.errors import RejectedError

TIMEOUT = 10.0  # seconds for one request

_NOT_FOUND = 404
_FORBIDDEN = 403


class ByApi:
    """Reads and refreshes (``applications, get``), and starts a sync (``applications, sync``)."""

    def __init__(
        self,
        url: str,
        token_file: Path,
        *,
        clock: Clock,
        ca_file: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._token_file = token_file
        self._transport = Transport(
            url, service="Argo CD", clock=clock, timeout=timeout, ca_file=ca_file
        )
        self._projects: dict[str, str] = {}

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far, by kind."""
        return self._transport.calls

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def application(self, name: str) -> Application | None:
        """Return an application; ``None`` if Argo CD says that there is none.

        It says so only to a request that names the project (else 403, whatever the reason), and
        that is known from an earlier answer only: what was never seen is never gone.
        """
        path, query = self._of(name)
        try:
            raw = self._ask("GET", path, query=query)
        except RejectedError as exc:
            if exc.status == _NOT_FOUND and name in self._projects:
                return None
            raise
        application = read_application(raw, name=name)
        if application.project:
            self._projects[name] = application.project
        return application

    def hook_has_ended(self, application: Application, job: HookJob) -> bool:
        """Return whether a hook's Job has ended; one that is gone has not."""
        path, query = self._of(application.name)
        which = [
            ("namespace", job.namespace),
            ("resourceName", job.name),
            ("group", "batch"),
            ("version", "v1"),
            ("kind", "Job"),
        ]
        try:
            raw = self._ask("GET", f"{path}/resource", query=[*query, *which])
        except RejectedError as exc:
            if exc.status == _NOT_FOUND:
                return False
            raise
        return has_ended(_manifest(raw))

    def refresh(self, name: str) -> None:
        """Ask for a refresh; the answer comes when it is done, so none may only mean busy."""
        path, query = self._of(name)
        self._ask("GET", path, query=[*query, ("refresh", "normal")])

    def may_sync(self, application: Application) -> bool:
        """Return whether the token may sync (it may always ask that)."""
        address = address_of(application.name)
        parts = [application.project, *([address.namespace] if address.namespace else [])]
        what = "/".join(segment(part) for part in [*parts, address.name])
        answer = self._ask("GET", f"/api/v1/account/can-i/applications/sync/{what}")
        return answer.get("value") == "yes"

    def start_sync(self, application: Application, *, marker: str) -> None:
        """Ask for one sync, with hooks.

        Under auto-sync Argo CD refuses every revision but the target's name, so none is named
        there: the target's commit is the revision, as the caller has just read.
        """
        path, query = self._of(application.name)
        body: dict[str, Any] = {
            "name": address_of(application.name).name,
            **dict(query),
            "prune": application.last_sync.prune,
            "strategy": {"hook": {}},
            "infos": [{"name": MARKER, "value": marker}],
        }
        if application.last_sync.options:
            body["syncOptions"] = {"items": list(application.last_sync.options)}
        if application.revision and not application.automated:
            body["revision"] = application.revision
        self._ask("POST", f"{path}/sync", body=body)

    def _of(self, name: str) -> tuple[str, Query]:
        address = address_of(name)
        query = [("appNamespace", address.namespace)] if address.namespace else []
        if project := self._projects.get(name):
            query.append(("project", project))
        return f"/api/v1/applications/{segment(address.name)}", query

    def _ask(
        self, method: Method, path: str, *, query: Query = (), body: object = None
    ) -> Mapping[str, Any]:
        headers = bearer(read_secret(self._token_file, "Argo CD token file"))
        request = Request(method=method, path=path, query=query, body=body, headers=headers)
        try:
            answer = self._transport.send(request).json()
        except RejectedError as exc:
            if exc.status not in (401, _FORBIDDEN):
                raise
            told = f"{exc} (Argo CD token file {self._token_file})"
            raise RejectedError(told, status=exc.status) from exc
        if not isinstance(answer, Mapping):
            raise UnreadableAnswerError(f"{method} {path}: a {type(answer).__name__}, no object")
        return answer


def _manifest(answer: Mapping[str, Any]) -> dict[str, Any]:
    manifest: object = None
    with suppress(ValueError, RecursionError, TypeError):
        manifest = json.loads(answer.get("manifest") or "null")
    return manifest if isinstance(manifest, dict) else {}
