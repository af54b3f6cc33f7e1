"""The releases of Kubernetes that manifests are written for, and their schemas, offline."""

from collections.abc import Mapping
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]

RELEASES = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")


class NotValidError(AssertionError):
    """An object that a release would refuse, or of which it would drop a key."""


def validate(manifest: Mapping[str, Any], release: str) -> None:
    """Hold an object against the strict schema of ``release``; a key that it lacks is an error."""
    try:
        kubernetes_validate.validate(manifest, release, strict=True)
    except kubernetes_validate.ValidationError as exc:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        raise NotValidError(f"{name} on Kubernetes {release}: {exc.message}") from exc
