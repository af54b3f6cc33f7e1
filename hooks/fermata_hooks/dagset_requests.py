"""What people ask for by the buttons of Argo CD's UI: annotations of a DagSet.

Argo CD's action writes ``fermata.dev/request-<action>: <id>``, and leaves it there. Whoever may
edit the object, or add to git what Argo CD applies to it, may write anything: only our three
actions count, and only an id of the shape that ours have. Which ids were taken up is kept in
``status.handled``, which nobody but Fermata writes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fermata_hooks.dagset_objects import application_named_by
from fermata_hooks.kube import DAGSETS, Kube, Objects
from fermata_spec.errors import RejectedError

ACTIONS = ("verify", "smoke", "release")
PREFIX = "fermata.dev/request-"
HANDLED = "handled"

_ID = re.compile(r"[0-9]{1,12}-[0-9A-Za-z]{1,64}")  # seconds, and the object's version
_CONFLICT = 409


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One press of a button; ``name`` is the DagSet's."""

    name: str
    action: str
    id: str


class DagSetRequests:
    """The requests at the DagSets of one namespace: ``list``, ``get``, ``patch`` of the status."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._objects = Objects(kube, DAGSETS, namespace)

    def asked(self) -> Iterator[Asked]:
        """Yield what is asked for, also what was taken up before; what is malformed is left out."""
        for each in self._objects.list(metadata_only=True, page=500):
            metadata = each.get("metadata") or {}
            yield from _requests_in(str(metadata.get("name")), metadata.get("annotations"))

    def take_up(self, asked: Asked) -> str | None:
        """Note that ``asked`` is being carried out, before it is; return the application.

        None: it was taken up before, by us or by another, or the DagSet is gone.
        """
        raw = self._objects.get(asked.name)
        application = application_named_by(raw or {})
        if raw is None or not application:
            return None
        status = raw.get("status") or {}
        handled = status.get(HANDLED)
        handled = dict(handled) if isinstance(handled, Mapping) else {}
        if handled.get(asked.action) == asked.id:
            return None
        whole = {**status, HANDLED: {**handled, asked.action: asked.id}}
        version = raw["metadata"]["resourceVersion"]
        steps = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/status", "value": whole},
        ]
        try:
            self._objects.edit(asked.name, steps, subresource="status")
        except RejectedError as exc:
            if exc.status == _CONFLICT:
                return None  # somebody wrote meanwhile: the next look sees what is left to do
            raise
        return application


def _requests_in(name: str, annotations: Any) -> Iterator[Asked]:  # noqa: ANN401 - JSON
    values = annotations if isinstance(annotations, Mapping) else {}
    for action in ACTIONS:
        value = values.get(PREFIX + action)
        if isinstance(value, str) and _ID.fullmatch(value):
            yield Asked(name=name, action=action, id=value)
