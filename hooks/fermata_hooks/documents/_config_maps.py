"""Documents as ConfigMaps of one namespace, changed whole and by ``resourceVersion``."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from fermata_hooks.documents._port import ABSENT, ConflictError, Document
from fermata_hooks.kube import ObjectDict, Objects
from fermata_spec.errors import RejectedError, SettingsError

PREFIX = "fermata-"
OURS = {"app.kubernetes.io/managed-by": "fermata"}
KEPT = ("labels", "annotations", "ownerReferences", "finalizers")  # others may have added these

_CONFLICT = 409
_NOT_FOUND = 404


class ConfigMapDocuments:
    """Documents in a namespace: ``ledger`` is the ConfigMap ``fermata-ledger``.

    RBAC: ``get``, ``create``, ``update``, ``list`` and ``delete`` on ``configmaps``. A ConfigMap
    is replaced whole, with the ``resourceVersion`` that was read: never a patch, never server-side
    apply. What others wrote into its metadata stays. One that is there without our key is an empty
    document, so that it can be made beforehand where ``create`` is not to be granted.
    """

    def __init__(self, objects: Objects, *, names: Mapping[str, str] | None = None) -> None:
        """Keep documents as ``objects``, which are ConfigMaps; ``names`` calls some differently."""
        self._objects = objects
        self._names = dict(names or {})
        self._metadata: dict[str, Mapping[str, Any]] = {}  # as last seen

    def read(self, name: str) -> Document:
        """Return the document; raise ``SettingsError`` if the ConfigMap is none of ours."""
        found = self._objects.get(self._named(name))
        if found is None:
            return Document(content=None, version=ABSENT)
        version = self._saw(name, found)
        encoded = (found.get("binaryData") or {}).get(_key(name))
        if encoded is None:
            return Document(content=None, version=version)
        try:
            return Document(content=b64decode(encoded, validate=True), version=version)
        except (binascii.Error, TypeError, ValueError) as exc:
            raise SettingsError(f"{self._told(name)}: damaged binaryData: {exc}") from exc

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        """Replace (or make) the document if its version is ``expected``; return the new version."""
        try:
            if expected == ABSENT:
                written = self._objects.create(self._body(name, content, {}))
            else:
                metadata = {**self._metadata_of(name, expected), "resourceVersion": expected}
                body = self._body(name, content, metadata)
                written = self._objects.replace(self._named(name), body)
        except RejectedError as exc:
            if exc.status == _CONFLICT or (exc.status == _NOT_FOUND and expected != ABSENT):
                raise ConflictError(f"{self._told(name)}: {exc}") from exc
            raise
        return self._saw(name, written)

    def put(self, name: str, content: bytes) -> None:
        """Make or replace the document, whatever its version: one request if it is there."""
        metadata = {**self._metadata.get(name, {}), "resourceVersion": ""}
        body = self._body(name, content, metadata)
        try:
            self._saw(name, self._objects.replace(self._named(name), body))
        except RejectedError as exc:
            if exc.status != _NOT_FOUND:
                raise
            self._create_or_replace(name, body)

    def delete(self, name: str, *, expected: str | None = None) -> None:
        """Remove the document, of this version or whatever it is; one that is not there is fine."""
        try:
            self._objects.delete(self._named(name), version=expected)
        except RejectedError as exc:
            if exc.status == _CONFLICT:
                raise ConflictError(f"{self._told(name)}: {exc}") from exc
            raise
        self._metadata.pop(name, None)

    def versions(self, prefix: str) -> dict[str, str]:
        """Return the versions of such documents, of those that have our label (``list``)."""
        begin = f"{PREFIX}{prefix}-"
        label = "=".join(next(iter(OURS.items())))
        found = (each["metadata"] for each in self._objects.list(labels=label, metadata_only=True))
        return {
            str(metadata["name"]).removeprefix(PREFIX): str(metadata["resourceVersion"])
            for metadata in found
            if str(metadata["name"]).startswith(begin)
        }

    def _create_or_replace(self, name: str, body: ObjectDict) -> None:
        try:
            self._saw(name, self._objects.create(body))
        except RejectedError as exc:
            if exc.status != _CONFLICT:
                raise
            self._saw(name, self._objects.replace(self._named(name), body))

    def _metadata_of(self, name: str, version: str) -> Mapping[str, Any]:
        """Return what others wrote into the metadata of this version, read again if need be."""
        seen = self._metadata.get(name, {})
        if seen.get("resourceVersion") == version:
            return seen
        found = self._objects.get(self._named(name))
        now = self._saw(name, found) if found is not None else "none"
        if now != version:
            raise ConflictError(f"{self._told(name)}: version {now}, not {version}")
        return self._metadata[name]

    def _body(self, name: str, content: bytes, metadata: Mapping[str, Any]) -> ObjectDict:
        kept = {key: metadata[key] for key in (*KEPT, "resourceVersion") if metadata.get(key)}
        kept.setdefault("labels", OURS)
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**kept, "name": self._named(name)},
            "binaryData": {_key(name): b64encode(content).decode()},
        }

    def _saw(self, name: str, found: ObjectDict) -> str:
        self._metadata[name] = found["metadata"]
        return str(found["metadata"]["resourceVersion"])

    def _named(self, name: str) -> str:
        return self._names.get(name, PREFIX + name)

    def _told(self, name: str) -> str:
        return f"{self._objects.described}/{self._named(name)}"


def _key(name: str) -> str:
    """Return the key in ``binaryData``: what is in a document is compressed JSON."""
    return f"{name}.json.gz"
