"""What ``fermata status`` says: who holds which DAG, until when, why, and what will happen next.

One JSON object; its schema is ``STANDING_SCHEMA``. Times are RFC 3339, or empty where there is
none. Keys are added, never renamed or removed, within ``apiVersion``.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fermata_spec.plan import API_VERSION

KIND = "Standing"

DagState = Literal["to be held", "held", "left paused", "to be given back", "waits", "gone"]


@dataclass(frozen=True, kw_only=True)
class StandingHold:
    """A hold in force. ``kept``: why it outlives its sync; empty while the sync runs."""

    application: str
    revision: str
    operation: str
    opened: str
    expires: str
    kept: str
    dags: int
    next: str


@dataclass(frozen=True, kw_only=True)
class StandingDag:
    """A DAG that is on a hold's list, or that is owed its way back.

    ``since`` is when it was first held, ``until`` when the last of its leases ends or the last
    request for it can have no effect any more.
    """

    dag_id: str
    state: DagState
    applications: tuple[str, ...]
    since: str
    until: str
    why: str
    next: str


@dataclass(frozen=True, kw_only=True)
class StandingDenial:
    """A revision that was denied, which Argo CD will not try again by itself."""

    application: str
    revision: str
    rule: str
    blocking: tuple[str, ...]
    at: str
    state: str
    next: str


@dataclass(frozen=True, kw_only=True)
class StandingLock:
    """A deploy lock in force; ``application`` ``*``: of all; ``until`` empty: it never ends."""

    application: str
    owner: str
    reason: str
    since: str
    until: str


@dataclass(frozen=True, kw_only=True)
class StandingUnverified:
    """An application of which something differs from what passed last, at ``verified``."""

    application: str
    verified: str
    dag_ids: tuple[str, ...]
    next: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """All of it, as of ``at``. ``unknown`` says what could not be looked at, and why."""

    at: str
    ledger: str
    holds: tuple[StandingHold, ...] = ()
    dags: tuple[StandingDag, ...] = ()
    denied: tuple[StandingDenial, ...] = ()
    unverified: tuple[StandingUnverified, ...] = ()
    locks: tuple[StandingLock, ...] = ()
    unknown: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as one JSON document."""
        return (
            json.dumps({"apiVersion": API_VERSION, "kind": KIND, **asdict(self)}, indent=1) + "\n"
        )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_TEXTS = _list(_TEXT)


def _texts(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, _TEXT)


STANDING_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What Fermata holds",
    **_object(
        {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            **_texts("at", "ledger"),
            "holds": _list(
                _object(
                    _texts(
                        "application", "revision", "operation", "opened", "expires", "kept", "next"
                    )
                    | {"dags": {"type": "integer", "minimum": 0}}
                )
            ),
            "dags": _list(
                _object(
                    _texts("dag_id", "since", "until", "why", "next")
                    | {
                        "state": {
                            "enum": [
                                "to be held",
                                "held",
                                "left paused",
                                "to be given back",
                                "waits",
                                "gone",
                            ]
                        },
                        "applications": _TEXTS,
                    }
                )
            ),
            "denied": _list(
                _object(
                    _texts("application", "revision", "rule", "at", "state", "next")
                    | {"blocking": _TEXTS}
                )
            ),
            "unverified": _list(
                _object(_texts("application", "verified", "next") | {"dag_ids": _TEXTS})
            ),
            "locks": _list(_object(_texts("application", "owner", "reason", "since", "until"))),
            "unknown": _TEXTS,
        }
    ),
}
