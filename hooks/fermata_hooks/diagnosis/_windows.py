"""Argo CD's sync windows that freeze a sync of ours.

A window that closes in the middle of an operation stops it between two waves, and holds even its
termination back until it opens again (measured on Argo CD 3.6), unless it has ``syncOverrun``.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


def freezing(windows: Sequence[Any], application: Mapping[str, Any]) -> list[int]:
    """Return the index of each window that matches ``application`` and may freeze its sync."""
    return [
        index
        for index, window in enumerate(windows)
        if isinstance(window, Mapping)
        and window.get("syncOverrun") is not True
        and _matches(window, application)
    ]


def _matches(window: Mapping[str, Any], application: Mapping[str, Any]) -> bool:
    """Return whether a window is for an application: any of its lists, or all with ``and``."""
    destination = (application.get("spec") or {}).get("destination") or {}
    metadata = application.get("metadata") or {}
    asked: list[tuple[object, Iterable[object]]] = [
        (window.get("applications"), [metadata.get("name")]),
        (window.get("namespaces"), [destination.get("namespace")]),
        (window.get("clusters"), [destination.get("server"), destination.get("name")]),
    ]
    answers = [_any(patterns, values) for patterns, values in asked if patterns]
    if window.get("andOperator") is True:
        return bool(answers) and all(answers)
    return any(answers)


def _any(patterns: object, values: Iterable[object]) -> bool:
    texts = patterns if isinstance(patterns, list) else []
    return any(fnmatchcase(str(v), str(p)) for v in values if v for p in texts)
