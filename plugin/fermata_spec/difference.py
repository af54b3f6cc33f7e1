"""What a change will do, as ``fermata diff`` tells it: one JSON object, ``DIFFERENCE_SCHEMA``.

Nothing here was asked of an Airflow: it is what two checkouts say, and what follows from that.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fermata_spec.report import closed_object

DagChange = Literal["changed", "added", "removed", "renamed"]
ObjectChange = Literal["changed", "added", "removed"]
Held = Literal["yes", "no", "unknown"]
CauseKind = Literal[
    "configuration", "file", "file-defaults", "defaults", "imported", "named", "read", "unknown"
]
RiskKind = Literal[
    "renamed", "removed", "moved", "start-date", "catchup", "tasks", "retries", "owner", "untold"
]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison: what it was called, the commit it is (empty: a folder), its DAGs.

    ``empty``: no ``fermata.yaml``, or not this environment, so that all of the other side is new.
    """

    name: str
    revision: str = ""
    dags: int = 0
    empty: bool = False


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a DAG is affected; ``path`` is the file that says so, ``keys`` what changed in it."""

    kind: CauseKind
    path: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AffectedDag:
    """A DAG that a sync of this change touches; ``file`` is its file in git.

    ``old_dag_id``: of a renamed DAG, what it was called. ``held``: whether the hold pauses it, by
    the selectors of the new side; ``why_not`` if it does not.
    """

    dag_id: str
    change: DagChange
    file: str
    old_dag_id: str = ""
    causes: tuple[Cause, ...] = ()
    held: Held = "yes"
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class ScheduleChange:
    """A schedule that is another, as people write it."""

    dag_id: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Start:
    """The runs that a DAG's schedule starts once it is on again.

    ``runs`` is None where that cannot be told offline. ``at_least``: there are more, which were not
    counted. ``first``: it is new to Airflow, which pauses new DAGs unless told otherwise.
    """

    dag_id: str
    runs: int | None
    at_least: bool = False
    first: bool = False
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What a person should look at before merging."""

    dag_id: str
    kind: RiskKind
    message: str


@dataclass(frozen=True, kw_only=True)
class ChangedObject:
    """An object that Argo CD will create, change or prune; sizes in bytes of content.

    ``files``: the names of the files in it that are new, gone or different.
    """

    kind: str
    name: str
    change: ObjectChange
    old_bytes: int = 0
    new_bytes: int = 0
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HookChange:
    """A hook that is another, or a policy that all hooks follow; ``what`` changed in it."""

    name: str
    change: ObjectChange
    what: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What the change from ``old`` to ``new`` will do; ``now`` and ``since`` are RFC 3339.

    ``airflow``: the generation (2 or 3) by whose rules starts were counted.
    """

    application: str
    old: Side
    new: Side
    now: str
    since: str
    airflow: int
    affected: tuple[AffectedDag, ...] = ()
    schedules: tuple[ScheduleChange, ...] = ()
    starts: tuple[Start, ...] = ()
    risks: tuple[Risk, ...] = ()
    objects: tuple[ChangedObject, ...] = ()
    hooks: tuple[HookChange, ...] = ()
    manifests: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether a sync would change nothing."""
        told = (self.affected, self.risks, self.objects, self.hooks, self.manifests)
        return not any(told)

    def to_json(self) -> str:
        """Return the difference as one JSON document."""
        return json.dumps(asdict(self), indent=1) + "\n"


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}


def _words(literal: Any) -> dict[str, Any]:  # noqa: ANN401 - a Literal has no type of its own
    return {"enum": list(literal.__args__)}


def _list(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": closed_object(properties)}


_SIDE = closed_object({"name": _TEXT, "revision": _TEXT, "dags": _COUNT, "empty": _FLAG})
_CAUSES = _list({"kind": _words(CauseKind), "path": _TEXT, "keys": _TEXTS})

DIFFERENCE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Output of fermata diff",
    **closed_object(
        {
            "application": _TEXT,
            "old": _SIDE,
            "new": _SIDE,
            "now": _TEXT,
            "since": _TEXT,
            "airflow": {"enum": [2, 3]},
            "affected": _list(
                {
                    "dag_id": _TEXT,
                    "change": _words(DagChange),
                    "file": _TEXT,
                    "old_dag_id": _TEXT,
                    "causes": _CAUSES,
                    "held": _words(Held),
                    "why_not": _TEXT,
                }
            ),
            "schedules": _list({"dag_id": _TEXT, "old": _TEXT, "new": _TEXT}),
            "starts": _list(
                {
                    "dag_id": _TEXT,
                    "runs": {"type": ["integer", "null"], "minimum": 0},
                    "at_least": _FLAG,
                    "first": _FLAG,
                    "why": _TEXT,
                }
            ),
            "risks": _list({"dag_id": _TEXT, "kind": _words(RiskKind), "message": _TEXT}),
            "objects": _list(
                {
                    "kind": _TEXT,
                    "name": _TEXT,
                    "change": _words(ObjectChange),
                    "old_bytes": _COUNT,
                    "new_bytes": _COUNT,
                    "files": _TEXTS,
                }
            ),
            "hooks": _list({"name": _TEXT, "change": _words(ObjectChange), "what": _TEXTS}),
            "manifests": _TEXTS,
        }
    ),
}
