"""What Airflow itself was made of when a revision was last proven: its version, its providers.

An image can change without a commit. So a pass writes down what was there, and the next hold names
what is not the same any more. One small JSON document per application; a lost one is no harm. The
watch, which may not read it, compares with the version and the digest in the ``DagSet``'s status.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Protocol

from fermata_hooks.documents import Documents
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.names import object_name

AIRFLOW = "Airflow"
MAX_BYTES = 256 * 1024  # a thousand providers are 60 kB

Runtime = Mapping[str, str]
"""The version of Airflow under its name, and of each provider package under its own."""

log = logging.getLogger("fermata.runtime")


class Providers(Protocol):
    """Where the providers are asked for."""

    def providers(self) -> Mapping[str, str]:
        """Return the version of each provider package."""


class Airflow(Protocol):
    """What finding this out asks of Airflow."""

    @property
    def offers(self) -> Providers:
        """What it offers."""

    def version_text(self) -> str:
        """Return the version of Airflow, asked anew."""


def take_runtime(airflow: Airflow) -> Runtime:
    """Return what Airflow is made of; without the permission to see providers, its version."""
    found = {AIRFLOW: airflow.version_text()}
    try:
        return {**airflow.offers.providers(), **found}
    except (RejectedError, UnavailableError) as exc:
        log.info("providers are not known: %s", exc)
        return found


def read_runtime(documents: Documents, application: str) -> Runtime | None:
    """Return what a pass of this application has written down; none if absent or damaged."""
    content = documents.read(document_name(application)).content
    if content is None or len(content) > MAX_BYTES:
        return None
    try:
        raw = json.loads(content)
    except ValueError:
        return None
    return {str(k): str(v) for k, v in raw.items()} if isinstance(raw, dict) else None


def write_runtime(documents: Documents, application: str, runtime: Runtime) -> None:
    """Write it down, whatever was there."""
    content = json.dumps(dict(runtime), sort_keys=True).encode()
    if len(content) <= MAX_BYTES:
        documents.put(document_name(application), content)


def changes(before: Runtime, now: Runtime) -> Iterator[str]:
    """Yield what has changed, in words.

    Where one of the two knows no provider, nothing is said of providers.
    """
    names = sorted(before.keys() | now.keys())
    if len(before) == 1 or len(now) == 1:
        names = [AIRFLOW]
    for name in names:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if old is None:
            yield f"{name} {new} is new"
        elif new is None:
            yield f"{name} {old} is gone"
        else:
            yield f"{name} {old} is {new} now"


def providers_digest(runtime: Runtime) -> str:
    """Return 16 hex digits for the versions of the providers; empty where none is known."""
    known = {name: version for name, version in runtime.items() if name != AIRFLOW}
    if not known:
        return ""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def document_name(application: str) -> str:
    """Return the name of the document."""
    return object_name("runtime", application)
