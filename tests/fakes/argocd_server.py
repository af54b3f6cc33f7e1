"""The whole of Argo CD's API that Airflow's half uses: operations that live, streams, tokens.

    with ArgoCdServer() as argocd:
        argocd.add("shop")
        argocd.runs("shop", seconds=0.5)                    # how each of its syncs will go
        argocd.runs("shop", outcome="Failed", message="…")

Built on ``FakeArgoCd``. Time goes by itself here (``now``): what happens later is due at a time,
and done by whoever asks next. Every request and answer is held against Argo CD's own description;
what is wrong is in ``violations``, and the server answers 599.
"""

import copy
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from fakes.argocd_contract import ContractError, check_answer, check_request
from fakes.fake_argocd import PROJECT, FakeArgoCd, Json, Refusal

DEX = "/api/dex/token"
STREAM = "/api/v1/stream/applications"
EXCHANGED = "exchanged-token-"
BEAT = 0.02  # seconds between a stream's looks
KEEP_ALIVE = 0.2  # seconds; Argo CD takes 15. By this the server notices that a client has gone

Query = dict[str, list[str]]


class ArgoCdServer(FakeArgoCd):
    """See the module."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(now=now)
        self.rights = {"get", "sync", "update", "logs", "action"}
        self.forms = {DEX}
        self.violations: list[str] = []
        self.subjects: list[str] = []
        self.streams = 0
        self.most_streams = 0
        self.streams_work = True
        self.heads: dict[str, str] = {}
        self.logs: dict[str, list[str]] = {}
        self.actions: list[Json] = []
        self.refuses_revisions: set[str] = set()
        self.closes_streams = threading.Event()
        self.loses_next: set[str] = set()
        self.cuts_answers = False
        self._plans: dict[str, Json] = {}
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._exchanges = 0

    def __exit__(self, *about: object) -> None:
        self.closes_streams.set()
        super().__exit__(*about)

    def with_certificate(self, certificate: Path, key: Path) -> Self:
        """Speak TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        http: Any = self._http
        http.socket = context.wrap_socket(http.socket, server_side=True)
        return self

    @property
    def port(self) -> int:
        """The port."""
        return int(self.url.rpartition(":")[2])

    # What happens

    def add(self, name: str, *, revision: str = "a" * 40, automated: bool = False) -> None:
        """Add an Application that is Synced and Healthy, with one deployment."""
        super().add(name, revision=revision, automated=automated)
        app = self.applications[name]
        app["metadata"]["labels"] = {"team": "data"}
        app["status"] |= {
            "health": {"status": "Healthy"},
            "reconciledAt": self._time(),
            "history": [],
        }
        self._deployed(name, revision, self._time())
        self.heads[name] = revision

    def runs(  # noqa: PLR0913 - all by keyword but the name
        self,
        name: str,
        *,
        seconds: float = 0.3,
        outcome: str = "Succeeded",
        message: str = "",
        healthy_after: float = 0.1,
        health: str = "Healthy",
        begins_after: float = 0.05,
    ) -> None:
        """Say how each sync of ``name`` will go from now on."""
        self._plans[name] = {
            "seconds": seconds,
            "outcome": outcome,
            "message": message,
            "healthy_after": healthy_after,
            "health": health,
            "begins_after": begins_after,
        }

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen in so many seconds."""
        with self.lock:
            self._due.append((self._now() + seconds, event))

    def has_health(self, name: str, health: str, message: str = "") -> None:
        """Let Argo CD have seen a health, now."""
        status = self.applications[name]["status"]
        status["health"] = {"status": health} | ({"message": message} if message else {})
        status["reconciledAt"] = self._time(ahead=1)

    def has_drifted(self, name: str) -> None:
        """Let an application differ from git."""
        self.applications[name]["status"]["sync"]["status"] = "OutOfSync"

    def begin(self, name: str, *, revision: str = "", info: Json | None = None) -> str:
        """Let an operation begin now: the one that was asked for, or one of somebody's."""
        asked = self.applications[name].get("operation", {}).get("sync", {}).get("revision")
        revision = revision or asked or self.heads.get(name) or "b" * 40
        return super().begin(name, revision=revision, info=info)

    def end(self, name: str, phase: str, message: str = "") -> None:
        """Let the operation end; a success is a deployment."""
        super().end(name, phase, message)
        state = self._state(name)
        asked = state["operation"]["sync"]
        if phase == "Succeeded" and not asked.get("dryRun"):
            self._deployed(name, state["syncResult"]["revision"], state["startedAt"])

    def tick(self) -> None:
        """Let happen what is due."""
        with self.lock:
            now = self._now()
            due = [each for each in self._due if each[0] <= now]
            self._due = [each for each in self._due if each[0] > now]
            for _, event in sorted(due, key=lambda each: each[0]):
                event()

    def _deployed(self, name: str, revision: str, started: str) -> None:
        history = self.applications[name]["status"]["history"]
        number = history[-1]["id"] + 1 if history else 0
        history.append(
            {
                "id": number,
                "revision": revision,
                "deployStartedAt": started,
                "deployedAt": self._time(),
            }
        )

    def _go(self, name: str) -> None:
        """Plan how the operation that was just asked for goes."""
        plan = self._plans.get(name)
        if plan is None:
            return
        ends = plan["begins_after"] + plan["seconds"]
        self.later(plan["begins_after"], lambda: self._begins(name, plan))
        self.later(ends, lambda: self._ends(name, plan))
        if plan["outcome"] == "Succeeded":
            self.later(ends + plan["healthy_after"], lambda: self.has_health(name, plan["health"]))

    def _begins(self, name: str, plan: Json) -> None:
        if "operation" in self.applications.get(name, {}):
            self.begin(name)
            self.applications[name]["status"]["health"] = {"status": "Progressing"}
            self._state(name)["syncResult"]["resources"] = [
                {
                    "group": "",
                    "version": "v1",
                    "kind": "ConfigMap",
                    "namespace": "airflow",
                    "name": "dags",
                    "status": "Synced",
                    "message": "configmap/dags configured",
                    "syncPhase": "Sync",
                }
            ]
        del plan

    def _ends(self, name: str, plan: Json) -> None:
        if name in self.applications and self._state(name)["phase"] == "Running":
            if plan["outcome"] != "Succeeded":
                self.hook(name, "fermata-hold", "PreSync")
                self._state(name)["syncResult"]["resources"][-1] |= {
                    "hookPhase": "Failed",
                    "message": "Job has reached the specified backoff limit",
                }
            self.end(name, plan["outcome"], plan["message"] or "successfully synced")

    def _time(self, *, ahead: int = 0) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now() + ahead))

    # What is asked

    def answer(self, method: str, path: str, query: Query, body: Json) -> Json:
        """Answer, and hold request and answer against Argo CD's description."""
        self.tick()
        if path == DEX:
            return self._exchange(body)
        try:
            described = check_request(method, path, query, body)
            answer = copy.deepcopy(self._answer(method, path, query, body))
            check_answer(described, answer, f"{method} {path}")
        except ContractError as exc:
            self.violations.append(str(exc))
            raise Refusal(599, 13, str(exc)) from exc
        return answer

    def _answer(self, method: str, path: str, query: Query, body: Json) -> Json:
        match method, path.split("/")[3:]:
            case "GET", ["session", "userinfo"]:
                found: Json = {"loggedIn": True, "username": "proj:dags:airflow", "iss": "argocd"}
            case "GET", ["applications"]:
                found = self._list(query)
            case "DELETE", ["applications", name, "operation"]:
                found = self._terminate(name, query)
            case "POST", ["applications", name, "rollback"]:
                found = self._rollback(name, body)
            case "PATCH", ["applications", name]:
                found = self._patch(name, body)
            case "POST", ["applications", name, "resource", "actions", "v2"]:
                self._known(name, _of_body(body), "action")
                self.actions.append(body)
                found = {}
            case "GET", ["applications", name, part] if part != "resource":
                found = self._part(name, part, query)
            case _:
                found = super().answer(method, path, query, body)
        return found

    def _part(self, name: str, part: str, query: Query) -> Json:
        app = self._known(name, query, "logs" if part == "logs" else "get")
        manifest = json.dumps({"kind": "ConfigMap", "metadata": {"name": "dags"}})
        match part:
            case "manifests":
                revision = query.get("revision", [app["status"]["sync"]["revision"]])[0]
                if revision in self.refuses_revisions:
                    raise Refusal(500, 2, f"unable to resolve '{revision}' to a commit SHA")
                return {"manifests": [manifest], "revision": revision}
            case "managed-resources":
                drifted = app["status"]["sync"]["status"] != "Synced"
                live = manifest.replace("dags", "old") if drifted else manifest
                state = {"normalizedLiveState": live, "predictedLiveState": manifest}
                return {"items": [{"kind": "ConfigMap", "name": "dags", **state}]}
            case "resource-tree":
                return {"nodes": [{"kind": "ConfigMap", "name": "dags", "version": "v1"}]}
            case "logs":
                lines = self.logs.get(query["resourceName"][0], [])
                return {"result": {"content": "\n".join(lines), "podName": "p", "last": True}}
            case _:
                pass
        raise Refusal(404, 5, "Not Found")

    def _list(self, query: Query) -> Json:
        if "get" not in self.rights:
            return {"metadata": {}, "items": []}
        wanted = [pair.split("=") for pair in query.get("selector", [""])[0].split(",") if pair]
        return {
            "metadata": {"resourceVersion": "1"},
            "items": [
                app
                for app in self.applications.values()
                if app["spec"]["project"] in query.get("projects", [PROJECT])
                and all(app["metadata"]["labels"].get(key) == value for key, value in wanted)
            ],
        }

    def _sync(self, name: str, query: Query, body: Json) -> Json:
        revision = body.get("revision", "")
        if revision in self.refuses_revisions:
            told = f"error resolving repo revision: unable to resolve '{revision}' to a commit SHA"
            raise Refusal(500, 2, told)
        app = super()._sync(name, query, body)
        sync = {"prune": body["prune"], "revision": revision or self.heads[name]}
        if body["dryRun"]:
            sync["dryRun"] = True
        app["operation"] = {
            "sync": sync | {"syncStrategy": body["strategy"]},
            "info": body["infos"],
            "initiatedBy": {"username": "proj:dags:airflow"},
        }
        self._go(name)
        return self._without_state(app)

    @staticmethod
    def _without_state(app: Json) -> Json:
        """Return what Argo CD answers to a sync: the operation's state is not in it."""
        status = {key: value for key, value in app["status"].items() if key != "operationState"}
        return {**app, "status": status}

    def _terminate(self, name: str, query: Query) -> Json:
        app = self._known(name, query, "sync")
        state = app["status"].get("operationState") or {}
        if state.get("phase") != "Running":
            raise Refusal(400, 3, "Unable to terminate operation. No operation is in progress")
        self.end(name, "Failed", "Operation terminated")
        return {}

    def _rollback(self, name: str, body: Json) -> Json:
        app = self._known(name, _of_body(body), "sync")
        if app["spec"]["syncPolicy"].get("automated"):
            raise Refusal(400, 9, "rollback cannot be initiated when auto-sync is enabled")
        entry = next((row for row in app["status"]["history"] if row["id"] == body["id"]), None)
        if entry is None:
            raise Refusal(400, 3, f"application {name} does not have deployment with id")
        app["operation"] = {"sync": {"revision": entry["revision"], "syncStrategy": {"apply": {}}}}
        self._go(name)
        return self._without_state(app)

    def _patch(self, name: str, body: Json) -> Json:
        app = self._known(name, _of_body(body), "update")
        policy = json.loads(body["patch"])["spec"]["syncPolicy"]
        for key, value in policy.items():
            if value is None:
                app["spec"]["syncPolicy"].pop(key, None)
            else:
                app["spec"]["syncPolicy"][key] = value
        return app

    def _exchange(self, form: Json) -> Json:
        self.subjects.append(form.get("subject_token", ""))
        self._exchanges += 1
        token = f"{EXCHANGED}{self._exchanges}"
        self.tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "expires_in": 3600}

    # Streams

    def stream(self, path: str, query: Query) -> Iterator[Json | None] | None:
        """Return the events of one application, from how it is now."""
        if path != STREAM:
            return None
        check_request("GET", path, query, {})
        if not self.streams_work:
            raise Refusal(404, 5, "Not Found")
        name = query["name"][0]
        self._known(name, {"project": query.get("projects", [])})
        return self._events(name)

    def _events(self, name: str) -> Iterator[Json | None]:
        with self.lock:
            self.streams += 1
            self.most_streams = max(self.most_streams, self.streams)
        try:
            yield from self._changes(name)
        finally:
            with self.lock:
                self.streams -= 1

    def _changes(self, name: str) -> Iterator[Json | None]:
        sent, quiet_since = "", time.monotonic()
        while not self.closes_streams.wait(BEAT):
            self.tick()
            with self.lock:
                now = json.dumps(self.applications.get(name))
            if now == sent:
                if time.monotonic() - quiet_since >= KEEP_ALIVE:
                    quiet_since = time.monotonic()
                    yield None
                continue
            quiet_since = time.monotonic()
            if now == "null":
                yield {"result": {"type": "DELETED", "application": json.loads(sent)}}
                return
            kind = "MODIFIED" if sent else "ADDED"
            sent = now
            yield {"result": {"type": kind, "application": json.loads(now)}}


def _of_body(body: Json) -> Query:
    return {"project": [str(body.get("project", ""))]}
