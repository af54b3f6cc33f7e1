"""The objects of one kind in one namespace."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fermata_hooks.exchange import Query, Request, UnreadableAnswerError, one_line, segment
from fermata_hooks.kube._kube import Kube
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

PAGE = 50  # objects in one answer
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

SILENCE = 15.0  # seconds for a server to end a watch after its time

_NOT_FOUND = 404
_NAMED = re.compile(r'"[^"]+" not found')  # an object is absent, not its kind

ObjectDict = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A kind of objects as its path has it: ``apps/v1`` and ``deployments``."""

    version: str
    plural: str

    @property
    def root(self) -> str:
        """The path of its API group."""
        return f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"


CONFIG_MAPS = Resource("v1", "configmaps")
EVENTS = Resource("v1", "events")
JOBS = Resource("batch/v1", "jobs")
DAGSETS = Resource("fermata.dev/v1alpha1", "dagsets")
APPLICATIONS = Resource("argoproj.io/v1alpha1", "applications")


class KindMissingError(SettingsError):
    """The API server does not know the kind: its CustomResourceDefinition is not installed."""


class Objects:
    """Objects of one kind in one namespace; each method names the verb that RBAC must allow."""

    def __init__(self, kube: Kube, resource: Resource, namespace: str) -> None:
        self._kube = kube
        self._resource = resource
        self._path = f"{resource.root}/namespaces/{segment(namespace)}/{resource.plural}"
        self.described = f"{namespace}/{resource.plural}"

    def get(self, name: str) -> ObjectDict | None:
        """Return an object; ``None`` if there is none of that name (``get``)."""
        try:
            return self._one(Request(method="GET", path=self._of(name)))
        except RejectedError as exc:
            if self._absent(exc, name):
                return None
            raise

    def list(
        self, *, labels: str = "", metadata_only: bool = False, page: int = PAGE
    ) -> Iterator[ObjectDict]:
        """Yield the objects that have ``labels``, page by page (``list``)."""
        query = [("limit", str(page))] + ([("labelSelector", labels)] if labels else [])
        accept = METADATA_ONLY if metadata_only else "application/json"
        token = ""
        while True:
            paged: Query = [*query, ("continue", token)] if token else query
            request = Request(method="GET", path=self._path, query=paged, accept=accept)
            answer = self._one(request)
            yield from (each for each in answer.get("items") or () if isinstance(each, dict))
            token = str((answer.get("metadata") or {}).get("continue") or "")
            if not token:
                return

    def changes(self, *, labels: str, seconds: int) -> Iterator[tuple[str, ObjectDict]]:
        """Yield what is there as ``ADDED``, and then each change as it happens (``watch``).

        One request, which the server ends after ``seconds``: the caller begins another.
        """
        query = [("watch", "1"), ("labelSelector", labels), ("timeoutSeconds", str(seconds))]
        request = Request(method="GET", path=self._path, query=query)
        for event in self._kube.stream(request, patience=seconds + SILENCE):
            kind, body = event.get("type"), event.get("object")
            if kind == "ERROR" or not isinstance(body, dict):
                told = one_line(str((body or {}).get("message", "no reason")))
                raise UnavailableError(f"GET {self._path}: the watch ended: {told}")
            yield str(kind), body

    def create(self, body: Mapping[str, Any]) -> ObjectDict:
        """Make an object (``create``); one that is there already is a conflict (409)."""
        return self._one(Request(method="POST", path=self._path, body=body))

    def replace(self, name: str, body: Mapping[str, Any]) -> ObjectDict:
        """Replace an object whole (``update``).

        With ``metadata.resourceVersion`` only if it is still that one: else a conflict (409).
        """
        return self._one(Request(method="PUT", path=self._of(name), body=body))

    def merge(self, name: str, patch: Mapping[str, Any]) -> ObjectDict:
        """Merge ``patch`` into an object (``patch``); ``None`` in it removes."""
        return self._patch(self._of(name), patch, MERGE_PATCH)

    def edit(
        self, name: str, steps: Sequence[Mapping[str, Any]], *, subresource: str = ""
    ) -> ObjectDict:
        """Apply the steps of a JSON patch, all or none (``patch``, on the subresource)."""
        path = self._of(name) + (f"/{subresource}" if subresource else "")
        return self._patch(path, steps, JSON_PATCH)

    def delete(self, name: str, *, version: str | None = None) -> None:
        """Remove an object; one that is not there is fine (``delete``).

        With ``version`` only if it is still that one: else a conflict (409).
        """
        options = {"preconditions": {"resourceVersion": version}} if version is not None else None
        try:
            self._one(Request(method="DELETE", path=self._of(name), body=options))
        except RejectedError as exc:
            if not self._absent(exc, name):
                raise

    def _of(self, name: str) -> str:
        return f"{self._path}/{segment(name)}"

    def _patch(self, path: str, body: object, content_type: str) -> ObjectDict:
        return self._one(Request(method="PATCH", path=path, body=body, content_type=content_type))

    def _one(self, request: Request) -> ObjectDict:
        try:
            answer = self._kube.ask(request)
        except RejectedError as exc:
            if exc.status == _NOT_FOUND and not _NAMED.search(str(exc)):
                kind = f"{self._resource.version} {self._resource.plural}"
                raise KindMissingError(f"Kubernetes: no {kind} here: {exc}") from exc
            raise
        if not isinstance(answer, dict):
            told = f"{request.method} {request.path}"
            raise UnreadableAnswerError(f"{told}: a {type(answer).__name__} and no object")
        return answer

    def _absent(self, exc: RejectedError, name: str) -> bool:
        """Return whether Kubernetes says that it has no such object (not: no such kind)."""
        return exc.status == _NOT_FOUND and f'"{name}" not found' in str(exc)
