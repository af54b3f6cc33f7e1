"""An Argo CD on loopback, with state: applications, their operations, a few endpoints.

    with FakeArgoCd(now=clock.now) as argocd:
        argocd.add("demo", automated=True)
        argocd.begin("demo", revision="b" * 40)                  # a sync runs from now on
        argocd.hook("demo", "fermata-hold-demo", "PreSync")      # … and waits for this Job
        argocd.end_job("fermata-hold-demo")                      # the Job is complete
        argocd.end("demo", "Failed", "Operation terminated")     # … and it ends
        argocd.remove("demo")                                    # the Application is deleted

        api = ByApi(argocd.url, argocd.token_file(tmp_path), clock=clock)
        …
        assert argocd.refreshed == ["demo"]
        assert argocd.started == ["demo"]

``rights`` are what the token may: ``get`` and ``sync``. It answers as Argo CD 3.6 does: 403 for an
application that is not there unless the request names its project, 400 with code 9 for a second
operation and for a revision under auto-sync. ``argocd.answers = 503`` makes it unavailable.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fakes.loopback import OnLoopback

TOKEN = "argocd-token-of-the-tests"
PROJECT = "dags"

Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the fake
    """An answer that is not 200, as Argo CD words it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": message, "code": code, "message": message}


class FakeArgoCd(OnLoopback):
    """Applications by name; see the module."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__()
        self.applications: dict[str, Json] = {}
        self.jobs: dict[str, Json] = {}
        self.rights = {"get"}
        self.refreshed: list[str] = []
        self.started: list[str] = []
        self.bodies: list[Json] = []
        self.requests: list[str] = []
        self.tokens = {TOKEN}
        self.forms: set[str] = set()
        self.answers: int | None = None
        self.loses_answers = False
        self.refuses_syncs = ""
        self.on_refresh: Callable[[str], None] = lambda _name: None
        self.on_sync: Callable[[], object] = lambda: None
        self.lock = threading.RLock()
        self._now = now

    def _server(self) -> ThreadingHTTPServer:
        return _Http(self)

    @property
    def url(self) -> str:
        """The base address."""
        return self.address

    def token_file(self, folder: Path) -> Path:
        """Write the token to a file."""
        path = folder / "argocd-token"
        path.touch(mode=0o600)
        path.write_text(TOKEN + "\n")
        return path

    # What happens

    def add(self, name: str, *, revision: str = "a" * 40, automated: bool = False) -> None:
        """Add an Application that is Synced to ``revision`` and has no operation yet."""
        policy: Json = {"automated": {"prune": True}} if automated else {}
        self.applications[name] = {
            "metadata": {"name": name, "namespace": "argocd"},
            "spec": {
                "project": PROJECT,
                "syncPolicy": policy,
                "source": {"targetRevision": "main"},
            },
            "status": {"sync": {"status": "Synced", "revision": revision}},
        }

    def begin(self, name: str, *, revision: str = "b" * 40, info: Json | None = None) -> str:
        """Let an operation begin now; return its ``startedAt``."""
        app = self.applications[name]
        asked = app.pop("operation", None) or {
            "sync": {"revision": revision, "prune": True, "syncOptions": ["ServerSideApply=true"]},
            "info": [{"name": key, "value": value} for key, value in (info or {}).items()],
        }
        started = self._time()
        app["status"]["sync"] = {"status": "OutOfSync", "revision": revision}
        app["status"]["operationState"] = {
            "phase": "Running",
            "startedAt": started,
            "operation": asked,
            "syncResult": {"revision": revision, "resources": []},
        }
        return started

    def hook(self, name: str, job: str, phase: str) -> None:
        """Let the operation wait for a hook's Job, which runs."""
        self.jobs[job] = {"kind": "Job", "metadata": {"name": job}, "status": {"active": 1}}
        self._state(name)["syncResult"]["resources"].append(
            {
                "group": "batch",
                "version": "v1",
                "kind": "Job",
                "namespace": "airflow",
                "name": job,
                "hookType": phase,
                "hookPhase": "Running",
                "syncPhase": phase,
            }
        )

    def end_job(self, job: str, condition: str = "Complete") -> None:
        """Let a Job end; Argo CD has not seen it yet."""
        self.jobs[job]["status"] = {"conditions": [{"type": condition, "status": "True"}]}

    def saw_hooks_end(self, name: str, phase: str = "Succeeded") -> None:
        """Let Argo CD have seen the end of all hooks of the operation."""
        for row in self._state(name)["syncResult"]["resources"]:
            row["hookPhase"] = phase

    def back_off(self, name: str) -> None:
        """Let the operation wait for its next attempt."""
        self.saw_hooks_end(name, "Failed")
        self._state(name).update(
            finishedAt=self._time(),
            message="one or more tasks failed. Retrying attempt #1 at 1:43AM.",
        )

    def end(self, name: str, phase: str, message: str = "") -> None:
        """Let the operation end."""
        self._state(name).update(phase=phase, message=message, finishedAt=self._time())
        if phase == "Succeeded":
            self.applications[name]["status"]["sync"]["status"] = "Synced"

    def newest(self, name: str, revision: str) -> None:
        """Let Argo CD have compared a newer commit."""
        self.applications[name]["status"]["sync"]["revision"] = revision

    def remove(self, name: str) -> None:
        """Let the Application be gone."""
        del self.applications[name]

    def _state(self, name: str) -> Json:
        state: Json = self.applications[name]["status"]["operationState"]
        return state

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # What is asked

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> Json:
        """Answer a request of somebody with the token."""
        parts = [unquote(part) for part in path.split("/")[1:]]
        match method, parts:
            case "GET", ["api", "v1", "account", "can-i", "applications", action, *_]:
                return {"value": "yes" if action in self.rights else "no"}
            case "GET", ["api", "v1", "applications", name]:
                return self._get(name, query)
            case "GET", ["api", "v1", "applications", name, "resource"]:
                return self._resource(name, query)
            case "POST", ["api", "v1", "applications", name, "sync"]:
                return self._sync(name, query, body)
            case _:
                pass
        raise Refusal(404, 5, "Not Found")

    def stream(self, _path: str, _query: dict[str, list[str]]) -> Iterator[Json | None] | None:
        """Return the events of a stream; None where the path is none."""
        return None

    def _known(self, name: str, query: dict[str, list[str]], right: str = "get") -> Json:
        if right not in self.rights:
            raise Refusal(403, 7, "permission denied")
        if name not in self.applications:
            named = query.get("project") == [PROJECT]
            told = f'applications.argoproj.io "{name}" not found' if named else "permission denied"
            raise Refusal(404 if named else 403, 5 if named else 7, told)
        if query.get("project", [PROJECT]) not in ([PROJECT], [""]):
            raise Refusal(403, 7, "permission denied")
        return self.applications[name]

    def _get(self, name: str, query: dict[str, list[str]]) -> Json:
        known = self._known(name, query)
        if query.get("refresh"):
            self.refreshed.append(name)
            self.on_refresh(name)
        return known

    def _resource(self, name: str, query: dict[str, list[str]]) -> Json:
        self._known(name, query)
        job = self.jobs.get(query["resourceName"][0])
        if job is None:
            raise Refusal(404, 5, "Job batch not found as part of application")
        return {"manifest": json.dumps(job)}

    def _sync(self, name: str, query: dict[str, list[str]], body: Json) -> Json:
        app = self._known(name, query | {"project": [str(body.get("project", ""))]}, "sync")
        state = app["status"].get("operationState") or {}
        if "operation" in app or state.get("phase") in ("Running", "Terminating"):
            raise Refusal(400, 9, "another operation is already in progress")
        if app["spec"]["syncPolicy"].get("automated") and body.get("revision", "main") != "main":
            told = f"Cannot sync to {body['revision']}: auto-sync currently set to main"
            raise Refusal(400, 9, told)
        if self.refuses_syncs:
            raise Refusal(403, 7, self.refuses_syncs)
        self.on_sync()
        self.started.append(name)
        self.bodies.append(body)
        sync = {"revision": app["status"]["sync"]["revision"], "prune": body["prune"]}
        app["operation"] = {"sync": sync, "info": body["infos"]}
        return app


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, argocd: FakeArgoCd) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.argocd = argocd

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        """Say nothing of a client that has gone: those of streams always do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16
    server: _Http

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_GET  # noqa: N815 - http.server's name
    do_DELETE = do_GET  # noqa: N815 - the same
    do_PATCH = do_GET  # noqa: N815 - the same

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        with self.server.argocd.lock:
            self.server.argocd.requests.append(f"{self.command} {self.path}")
            try:
                self._refuse_what_argocd_refuses(parts.path)
                asked = self._json(parts.path, body)
                events = self.server.argocd.stream(parts.path, query)
                answer = (
                    {}
                    if events is not None
                    else self.server.argocd.answer(self.command, parts.path, query, asked)
                )
            except Refusal as refusal:
                self._write(refusal.status, refusal.body)
                return
        if events is not None:
            self._write_events(events)
            return
        if self.server.argocd.loses_answers:
            self.close_connection = True
            return
        self._write(200, answer)

    def _json(self, path: str, body: bytes) -> Json:
        if path in self.server.argocd.forms:
            return {name: values[0] for name, values in parse_qs(body.decode()).items()}
        asked: Json = json.loads(body or b"{}")
        return asked

    def _refuse_what_argocd_refuses(self, path: str) -> None:
        argocd = self.server.argocd
        if argocd.answers is not None:
            raise Refusal(argocd.answers, 14, "unavailable")
        if path in argocd.forms:
            return
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in argocd.tokens:
            raise Refusal(401, 16, "no session information")
        if self.command != "GET" and self.headers.get("Content-Type") != "application/json":
            raise Refusal(415, 3, "Invalid content type")

    def _write_events(self, events: Iterator[Json | None]) -> None:
        """Write server-sent events, a comment for each None, until the stream ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for event in events:
                text = ":" if event is None else f"data: {json.dumps(event)}"
                self.wfile.write(f"{text}\n\n".encode())
                self.wfile.flush()
        except OSError:
            return  # the client has gone

    def _write(self, status: int, body: Json) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
