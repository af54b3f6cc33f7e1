"""What can be asked of Argo CD's API, as values: a client sends them, and the tests read them.

Every request names the project where it is known: without one Argo CD answers 403 to a question
after an application that is not there. Every request that is not a GET has a body and exactly
``Content-Type: application/json`` (else 415).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Json = dict[str, Any]

STATUS_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.deletionTimestamp",
    "spec.project",
    "spec.syncPolicy",
    "operation",
    "status.sync",
    "status.health",
    "status.operationState",
    "status.reconciledAt",
    "status.history",
    "status.conditions",
)
"""What judging an application takes; a list of all fields of many is megabytes."""


class Target(NamedTuple):
    """An application: its name, its project and its namespace; empty is not known, or default."""

    name: str
    project: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. ``timeout``: seconds, where the endpoint's own is not right."""

    method: Method
    path: str
    about: str
    query: tuple[tuple[str, str], ...] = ()
    body: Json | None = None
    timeout: float | None = None


@dataclass(frozen=True, kw_only=True)
class SyncOrder:
    """What to sync, and how; what is not said is as the application says.

    ``revisions`` is for an application with several sources: by source, the first is 1.
    ``hooks``: with the hooks; ``resources`` leave them out, whatever is said here.
    ``options`` replace the application's own sync options. ``retries``: Argo CD's own; None: the
    application's.
    """

    revision: str = ""
    revisions: tuple[str, ...] = ()
    dry_run: bool = False
    prune: bool = False
    hooks: bool = True
    force: bool = False
    resources: tuple[Mapping[str, str], ...] = ()
    options: tuple[str, ...] | None = None
    retries: int | None = 0
    infos: Mapping[str, str] = field(default_factory=dict)


def _application(target: Target, rest: str = "") -> str:
    return f"/api/v1/applications/{quote(target.name, safe='')}{rest}"


def _of(target: Target, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = (("project", target.project), ("appNamespace", target.namespace), *more)
    return tuple((name, value) for name, value in pairs if value)


def _named(target: Target) -> Json:
    pairs = {"name": target.name, "project": target.project, "appNamespace": target.namespace}
    return {name: value for name, value in pairs.items() if value}


def get(target: Target) -> Call:
    """Read an application."""
    return Call(
        method="GET", path=_application(target), query=_of(target), about=f"application {target}"
    )


def refresh(target: Target, *, hard: bool, timeout: float) -> Call:
    """Let Argo CD look at an application now; it answers when that is done."""
    return Call(
        method="GET",
        path=_application(target),
        query=_of(target, ("refresh", "hard" if hard else "normal")),
        about=f"application {target}: refresh",
        timeout=timeout,
    )


def applications(*, projects: Sequence[str], selector: str, namespace: str) -> Call:
    """Read the applications of projects that a label selector matches."""
    query = [("projects", project) for project in projects]
    query += [(name, value) for name, value in _filters(selector, namespace) if value]
    fields = ",".join(f"items.{name}" for name in STATUS_FIELDS)
    return Call(
        method="GET",
        path="/api/v1/applications",
        query=(*query, ("fields", fields)),
        about=f"applications {selector or 'of ' + ', '.join(projects)}",
    )


def _filters(selector: str, namespace: str) -> tuple[tuple[str, str], ...]:
    return ("selector", selector), ("appNamespace", namespace)


def stream(target: Target) -> Call:
    """Follow an application; the first event says how it is now."""
    fields = ["result.type", *(f"result.application.{name}" for name in STATUS_FIELDS)]
    query = [("name", target.name), ("appNamespace", target.namespace)]
    query += [("projects", target.project), ("fields", ",".join(fields))]
    return Call(
        method="GET",
        path="/api/v1/stream/applications",
        query=tuple((name, value) for name, value in query if value),
        about=f"application {target}: stream",
    )


def sync(target: Target, order: SyncOrder) -> Call:
    """Ask for a sync. Never to be sent twice: see ``infos``, by which it is found again."""
    strategy: Json = {"force": order.force}
    body = _named(target) | {
        "dryRun": order.dry_run,
        "prune": order.prune,
        "strategy": {"hook": strategy} if order.hooks else {"apply": strategy},
        "infos": [{"name": name, "value": value} for name, value in order.infos.items()],
    }
    if order.revision:
        body["revision"] = order.revision
    if order.revisions:
        body["revisions"] = list(order.revisions)
        body["sourcePositions"] = list(range(1, len(order.revisions) + 1))
    if order.resources:
        body["resources"] = [dict(resource) for resource in order.resources]
    if order.options is not None:
        body["syncOptions"] = {"items": list(order.options)}
    if order.retries is not None:
        body["retryStrategy"] = {"limit": order.retries}
    about = f"application {target}: sync"
    return Call(method="POST", path=_application(target, "/sync"), body=body, about=about)


def terminate(target: Target) -> Call:
    """End the operation in progress."""
    return Call(
        method="DELETE",
        path=_application(target, "/operation"),
        query=_of(target),
        body={},
        about=f"application {target}: terminate",
    )


def rollback(target: Target, *, history_id: int, prune: bool, dry_run: bool) -> Call:
    """Go back to a history entry; runs no hooks, and is refused under auto-sync."""
    body = _named(target) | {"id": history_id, "prune": prune, "dryRun": dry_run}
    about = f"application {target}: rollback to {history_id}"
    return Call(method="POST", path=_application(target, "/rollback"), body=body, about=about)


def patch(target: Target, patch: str) -> Call:
    """Change an application by a JSON merge patch (needs ``update``)."""
    body = _named(target) | {"patch": patch, "patchType": "merge"}
    about = f"application {target}: patch"
    return Call(method="PATCH", path=_application(target), body=body, about=about)


def part(target: Target, name: str, *query: tuple[str, str]) -> Call:
    """Read a part: ``manifests``, ``managed-resources``, ``resource-tree``, ``logs``, …."""
    return Call(
        method="GET",
        path=_application(target, f"/{name}"),
        query=_of(target, *query),
        about=f"application {target}: {name}",
    )


def action(target: Target, resource: Mapping[str, str], name: str) -> Call:
    """Run an action of a resource (``resource``: group, version, kind, namespace, resourceName)."""
    body = _named(target) | dict(resource) | {"action": name}
    about = f"application {target}: action {name}"
    path = _application(target, "/resource/actions/v2")
    return Call(method="POST", path=path, body=body, about=about)


def user() -> Call:
    """Read who we are."""
    return Call(method="GET", path="/api/v1/session/userinfo", about="user info")


def may(action: str, target: str) -> Call:
    """Ask whether we may do ``action`` to applications like ``PROJECT/NAME``."""
    path = f"/api/v1/account/can-i/applications/{quote(action)}/{quote(target, safe='/*')}"
    return Call(method="GET", path=path, about=f"can-i applications {action} {target}")
