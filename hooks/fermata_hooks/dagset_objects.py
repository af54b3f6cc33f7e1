"""``DagSet.status`` in a cluster: the status subresource of the custom resource.

A status is replaced whole, by one JSON patch that names the version it was made from; what newer
releases or others have put beside our own keys is kept. Long lists of DAGs are packed (gzip,
base64): spec and status share the 1.5 MiB that etcd takes, and 10,000 digests are 0.6 MB as they
are, 0.2 MB packed. An application's first sync has no
``DagSet`` yet: there is nothing to write to, and that is fine. A missing kind is not: Argo CD
would fail every sync, and no hook could tell why.
"""

import base64
import binascii
import gzip
import io
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from fermata_hooks.kube import DAGSETS, Kube, ObjectDict, Objects
from fermata_spec.dagset import DagSetStatus, parse_status
from fermata_spec.errors import RejectedError
from fermata_spec.names import dagset_name

_CONFLICT = 409
_ATTEMPTS = 5
_PACKED = "packed"
_PACKED_FROM = 64 * 1024  # bytes of JSON above which lists of DAGs are packed
_UNPACKED_MOST = 16 * 1024 * 1024  # bytes; 10,000 DAGs are 1 MB
_OURS = {each.name for each in fields(DagSetStatus)} | {"observedGeneration", _PACKED}

Change = Callable[[DagSetStatus], DagSetStatus | None]


class KubernetesDagSets:
    """The DagSets of one namespace: ``get``, ``list``, and ``patch`` of ``dagsets/status``."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._objects = Objects(kube, DAGSETS, namespace)
        self._last: dict[str, ObjectDict | None] = {}

    def read(self, application: str) -> DagSetStatus:
        """Return the status; an empty one where there is no DagSet yet.

        Raises:
            KindMissingError: the CustomResourceDefinition is not installed.

        """
        name = dagset_name(application)
        self._last[name] = self._objects.get(name)
        return status_of(self._last[name] or {})

    def write(self, application: str, status: DagSetStatus) -> None:
        """Replace the status; one request if it was read before and nobody changed it since."""
        self._replace(dagset_name(application), lambda _: status, use_last=True)

    def amend(self, application: str, change: Change) -> DagSetStatus | None:
        """Let ``change`` say what to write of the status as it is; return what was written.

        It is asked again if somebody else writes meanwhile; None writes nothing.
        """
        return self._replace(dagset_name(application), change, use_last=False)

    def versions(self) -> dict[str, str]:
        """Return the version of each DagSet by its object's name, without reading what is in it."""
        found = self._objects.list(metadata_only=True, page=500)
        return {
            str(each["metadata"]["name"]): str(each["metadata"]["resourceVersion"])
            for each in found
        }

    def whole(self, name: str) -> ObjectDict | None:
        """Return a DagSet by its object's name; None if it is gone by now."""
        return self._objects.get(name)

    def _replace(self, name: str, change: Change, *, use_last: bool) -> DagSetStatus | None:
        conflicts = 0
        while True:
            known = use_last and not conflicts and name in self._last
            raw = self._last[name] if known else self._objects.get(name)
            status = None if raw is None else change(status_of(raw))
            if raw is None or status is None:
                return None
            try:
                edited = self._objects.edit(name, _steps(raw, status), subresource="status")
            except RejectedError as exc:
                conflicts += 1
                if exc.status != _CONFLICT or conflicts == _ATTEMPTS:
                    raise
            else:
                self._last[name] = edited
                return status


def wanted_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest that a DagSet's spec wants of each DAG."""
    spec = raw.get("spec")
    dags = spec.get("dags") if isinstance(spec, Mapping) else None
    return {
        str(dag["dagId"]): str(dag.get("digest", ""))
        for dag in (dags if isinstance(dags, list) else [])
        if isinstance(dag, Mapping) and dag.get("dagId")
    }


def application_named_by(raw: Mapping[str, Any]) -> str:
    """Return the application whose DagSet this says to be; empty: of none."""
    spec = raw.get("spec")
    application = spec.get("application") if isinstance(spec, Mapping) else None
    return application if isinstance(application, str) else ""


def status_of(raw: Mapping[str, Any]) -> DagSetStatus:
    """Return the status of a DagSet."""
    status = raw.get("status")
    return parse_status(unpacked(status)) if isinstance(status, Mapping) else DagSetStatus()


def packed(status: dict[str, Any]) -> dict[str, Any]:
    """Return a status whose lists of DAGs are packed if they are long."""
    verified = dict(status.get("verified") or {})
    lists = {"digests": verified.get("digests") or {}, "unproven": status.get("unproven") or []}
    text = json.dumps(lists, sort_keys=True, separators=(",", ":")).encode()
    if len(text) < _PACKED_FROM:
        return status
    whole = {**status, _PACKED: base64.b64encode(gzip.compress(text, mtime=0)).decode()}
    whole.pop("unproven", None)
    if verified:
        whole["verified"] = {**verified, "digests": {}}
    return whole


def unpacked(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return a status with its lists of DAGs; packed ones that are damaged count as absent.

    Then nothing is verified, and everything is affected: the safe side.
    """
    text = status.get(_PACKED)
    if not isinstance(text, str):
        return dict(status)
    rest = {key: value for key, value in status.items() if key != _PACKED}
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode(text, validate=True))) as file:
            lists = json.loads(file.read(_UNPACKED_MOST))
        whole = {**rest, "unproven": lists["unproven"]}
        if "verified" in rest:
            whole["verified"] = {**rest["verified"], "digests": lists["digests"]}
    except (OSError, EOFError, ValueError, TypeError, KeyError, zlib.error, binascii.Error):
        return {**rest, "verified": None}
    return whole


def _steps(raw: ObjectDict, status: DagSetStatus) -> list[dict[str, Any]]:
    """Return the JSON patch: only on that version, and the status whole."""
    metadata = raw["metadata"]
    others = {k: v for k, v in (raw.get("status") or {}).items() if k not in _OURS}
    whole = {**others, **packed(status.to_dict()), "observedGeneration": metadata["generation"]}
    version = metadata["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/status", "value": whole},
    ]
