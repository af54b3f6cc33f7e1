"""The ConfigMaps that hold the files, by layout.

Each also holds ``.airflowignore``, or Airflow's walk of a folder that a kubelet laid out ends in
``RuntimeError: Detected recursive loop``. Its one line is right in both of Airflow's syntaxes
(``glob``, ``regexp``), which the usual spellings are not: ``..*`` means everything to Airflow 2.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from fermata_plugin.artifacts import IGNORE_FILE, Artifact
from fermata_spec import limits
from fermata_spec.config import FILE_NAME, Config, Files
from fermata_spec.names import object_name
from fermata_spec.problems import Problem

IGNORE_TEXT = "[.][.][0-9d]*\n"
CONTENT_LABEL = "fermata.dev/content"
SERVER_SIDE = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}

_JSON_GROWTH = 6  # bytes of JSON for a byte of text, at most: "\\u0001"

Manifest = dict[str, Any]


def make_configmaps(
    artifacts: Sequence[Artifact], application: str, config: Config, problems: list[Problem]
) -> list[Manifest]:
    """Return the ConfigMaps of ``artifacts``; reports those that would be too large.

    None, where the files reach Airflow in another way.
    """
    if config.delivery != "configmap":
        return []
    files = config.files
    made = []
    for name, held in _laid_out(artifacts, application, files):
        size = sum(len(each.key) + each.size for each in held)
        size += len(IGNORE_FILE) + len(IGNORE_TEXT)
        if size > limits.CONFIGMAP_BYTES.value:
            problems.append(_too_large(name, size, held, files))
        else:
            made.append(_configmap(name, held))
    return made


def _laid_out(
    artifacts: Sequence[Artifact], application: str, files: Files
) -> Iterator[tuple[str, Sequence[Artifact]]]:
    if files.layout == "per-file":
        for artifact in artifacts:
            yield object_name("fermata-dags", f"{application}/{artifact.key}"), [artifact]
    elif files.layout == "sharded":
        shards: list[list[Artifact]] = [[] for _ in range(files.shards)]
        for artifact in artifacts:
            shards[_shard(artifact.key, files.shards)].append(artifact)
        for number, held in enumerate(shards):
            yield object_name(f"fermata-shard-{number:02}", application), held
    else:
        yield object_name("fermata-dags", application), artifacts


def _shard(key: str, shards: int) -> int:
    """Return the shard of a file: by its name alone, so that no file moves another."""
    return int.from_bytes(sha256(key.encode()).digest()[:8]) % shards


def _configmap(name: str, held: Sequence[Artifact]) -> Manifest:
    data = {IGNORE_FILE: IGNORE_TEXT}
    binary = {}
    for each in held:
        if isinstance(each.content, str):
            data[each.key] = each.content
        else:
            binary[each.key] = b64encode(each.content).decode()
    metadata: Manifest = {"name": name, "labels": {CONTENT_LABEL: "dags"}}
    manifest: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    manifest |= {"data": data} | ({"binaryData": binary} if binary else {})
    size = sum(len(each.key) + each.size for each in held)
    if _JSON_GROWTH * size + limits.KIB < limits.CONFIGMAP_CLIENT_SIDE.value:
        return manifest  # small, whatever is in it
    return with_server_side_apply(manifest)


def with_server_side_apply(manifest: Manifest) -> Manifest:
    """Return ``manifest``, with server-side apply asked for if it is too large for the other.

    A client-side apply keeps a copy of the object in an annotation, which may hold 262,144 bytes.
    """
    if len(json.dumps(manifest)) > limits.CONFIGMAP_CLIENT_SIDE.value:
        annotations = manifest["metadata"].setdefault("annotations", {})
        key, value = next(iter(SERVER_SIDE.items()))
        annotations[key] = f"{annotations[key]},{value}" if key in annotations else value
    return manifest


def check_size(manifest: Manifest, what: str, problems: list[Problem]) -> None:
    """Report an object that the API server would refuse as too large."""
    size = len(json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode())
    most = limits.HOOK_OBJECT_BYTES.value
    if size > most:
        told = f"{what} would have {size} bytes, {most} fit: render fewer DAGs per application"
        problems.append(Problem(FILE_NAME, 1, 1, "too-large", told))


def _too_large(name: str, size: int, held: Sequence[Artifact], files: Files) -> Problem:
    largest = sorted(held, key=lambda each: each.size, reverse=True)
    named = ", ".join(f"{each.source} {each.size}" for each in largest[:3])
    advice = {"single": "; files.layout: sharded has room", "sharded": "; more files.shards help"}
    told = (
        f"{name} would hold {size} bytes, {limits.CONFIGMAP_BYTES.value} fit; largest: {named}"
        f"{advice.get(files.layout, '')}"
    )
    return Problem(largest[0].source, 1, 1, "too-large", told)
