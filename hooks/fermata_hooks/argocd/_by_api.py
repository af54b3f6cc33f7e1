"""Applications through Argo CD's own API, with a token read from a file."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from fermata_hooks.argocd._by_kubernetes import has_ended
from fermata_hooks.argocd._models import Application, HookJob, read_application
from fermata_hooks.argocd._names import address_of
from fermata_hooks.argocd._port import MARKER
from fermata_hooks.clock import Clock
from fermata_hooks.deeds import NoWitness, Witness, deed_of
from fermata_hooks.exchange import (
    Answer,
    Method,
    NotSentError,
    Query,
    Request,
    Transport,
    UnreadableAnswerError,
    bearer,
    segment,
)
from fermata_hooks.identity import DexToken, FileToken, TokenSource
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError, UnavailableError

TIMEOUT = 10.0  # seconds for one request

_NOT_FOUND = 404
_DEX_REFUSED = 400  # neither gone nor forbidden, and already said who we are
_UNAUTHENTICATED = 401
_FORBIDDEN = 403


class Dex(NamedTuple):
    """A file with a service account's token, and the connector of Dex that takes it."""

    token_file: Path
    connector: str


class ByApi:
    """Reads and refreshes (``applications, get``), and starts a sync (``applications, sync``)."""

    def __init__(  # noqa: PLR0913 - two, and four by keyword
        self,
        url: str,
        token: Path | Dex,
        *,
        clock: Clock,
        ca_file: Path | None = None,
        timeout: float = TIMEOUT,
        witness: Witness | None = None,
    ) -> None:
        """Make a client; ``token``: a file with one, or what Dex gives one for.

        ``witness`` is told of each request that changes something.
        """
        self._witness = witness or NoWitness()
        self._transport = Transport(
            url, service="Argo CD", clock=clock, timeout=timeout, ca_file=ca_file
        )
        self._token = self._source(token, clock)
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

    def _watched(self, request: Request) -> Answer:
        if not request.changes:
            return self._as_ourselves(request)
        with self._witness.watched(deed_of("argocd", request.method, request.path, request.body)):
            return self._as_ourselves(request)

    def _ask(
        self, method: Method, path: str, *, query: Query = (), body: object = None
    ) -> Mapping[str, Any]:
        request = Request(method=method, path=path, query=query, body=body)
        try:
            answer = self._watched(request).json()
        except RejectedError as exc:
            if exc.status not in (_UNAUTHENTICATED, _FORBIDDEN):
                raise
            told = f"{exc} ({self._token.described})"
            raise RejectedError(told, status=exc.status) from exc
        if not isinstance(answer, Mapping):
            raise UnreadableAnswerError(f"{method} {path}: a {type(answer).__name__}, no object")
        return answer

    def _as_ourselves(self, request: Request) -> Answer:
        """Send a request with our token; with another one where that is refused and renewed."""
        token = self._read()
        try:
            return self._transport.send(replace(request, headers=bearer(token)))
        except RejectedError as exc:
            if exc.status != _UNAUTHENTICATED or not self._token.renew(token):
                raise
        return self._transport.send(replace(request, headers=bearer(self._read())))

    def _read(self) -> Secret:
        """Return our token; nothing is sent without one, and a refusal of Dex is no answer's 404.

        An UnavailableError of Dex says that the request itself was never sent.
        """
        try:
            return self._token.read()
        except UnavailableError as exc:
            raise NotSentError(str(exc), retry_after=exc.retry_after) from exc
        except RejectedError as exc:
            raise RejectedError(str(exc), status=_DEX_REFUSED) from exc

    def _source(self, token: Path | Dex, clock: Clock) -> TokenSource:
        if isinstance(token, Path):
            return FileToken(token, name="Argo CD token file")
        return DexToken(self._transport, token.token_file, connector=token.connector, clock=clock)


def _manifest(answer: Mapping[str, Any]) -> dict[str, Any]:
    manifest: object = None
    with suppress(ValueError, RecursionError, TypeError):
        manifest = json.loads(answer.get("manifest") or "null")
    return manifest if isinstance(manifest, dict) else {}
