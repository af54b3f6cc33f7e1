"""The report that each hook writes: what it saw, what it did, and what it makes of it.

One JSON object (``FERMATA_REPORT``), the same content as one line (termination message, Event,
log). Its schema is ``REPORT_SCHEMA``. Unknown is never pass: a verdict of several checks is
``fail`` if one fails, else ``inconclusive`` if one is, else ``pass`` (invariant 7).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fermata_spec.errors import FermataError, InconclusiveError, RefusedError

Verdict = Literal["pass", "fail", "inconclusive"]
ONE_LINE_BYTES = 4096  # Kubernetes cuts a termination message there


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question, its verdict, a message for people, and the numbers behind it.

    ``lines`` are what a person reads below the message: the end of a traceback or of a log.
    """

    name: str
    verdict: Verdict
    message: str
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    lines: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DagOutcome:
    """What was done with one DAG (``held``, ``resumed``, ``left paused`` …) and why."""

    dag_id: str
    done: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """A task instance that keeps a drain waiting; ``since`` is RFC 3339 or empty.

    ``usual``: how many seconds the task takes by its history, ``expected``: when a running one
    should end by that (RFC 3339); None and empty where nothing tells.
    """

    dag_id: str
    run_id: str
    task_id: str
    state: str
    map_index: int = -1
    since: str = ""
    owner: str = ""
    usual: float | None = None
    expected: str = ""


@dataclass(kw_only=True)
class Report:
    """What a hook writes, built up while it runs; ``started`` and ``finished`` are RFC 3339."""

    hook: str
    application: str
    revision: str
    started: str
    verdict: Verdict = "inconclusive"
    finished: str = ""
    message: str = ""
    dags: list[DagOutcome] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    blockers: list[Blocker] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Whose report it is: hook, application, and the revision where there is one."""
        at = f"@{self.revision[:12]}" if self.revision else ""
        return f"{self.hook} {self.application}{at}"

    def to_json(self) -> str:
        """Return the report as one JSON document."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def one_line(self) -> str:
        """Return what a person at 2 a.m. reads first: at most 4,096 bytes of UTF-8, one line."""
        head = f"{self.subject}: {self.verdict}"
        line = " ".join(f"{head}: {self.message}".split()) if self.message else head
        return line.encode()[:ONE_LINE_BYTES].decode(errors="ignore")


def overall(checks: Iterable[Check]) -> Verdict:
    """Return the verdict of all ``checks`` together; no check at all is inconclusive."""
    verdicts = {check.verdict for check in checks}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} else "inconclusive"


def error_for(verdict: Verdict, message: str) -> FermataError | None:
    """Return the error whose exit code says ``verdict`` (3, 5); none for a pass."""
    match verdict:
        case "pass":
            return None
        case "fail":
            return RefusedError(message)
        case "inconclusive":
            return InconclusiveError(message)


def closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object that has all of ``properties`` and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_VERDICT = {"enum": ["pass", "fail", "inconclusive"]}

REPORT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Report of a Fermata hook",
    **closed_object(
        {
            "hook": _TEXT,
            "application": _TEXT,
            "revision": _TEXT,
            "verdict": _VERDICT,
            "started": _TEXT,
            "finished": _TEXT,
            "message": _TEXT,
            "dags": {
                "type": "array",
                "items": closed_object({"dag_id": _TEXT, "done": _TEXT, "why": _TEXT}),
            },
            "checks": {
                "type": "array",
                "items": closed_object(
                    {
                        "name": _TEXT,
                        "verdict": _VERDICT,
                        "message": _TEXT,
                        "numbers": {
                            "type": "object",
                            "additionalProperties": {"type": ["number", "string"]},
                        },
                        "lines": {"type": "array", "items": _TEXT},
                    }
                ),
            },
            "blockers": {
                "type": "array",
                "items": closed_object(
                    {
                        "dag_id": _TEXT,
                        "run_id": _TEXT,
                        "task_id": _TEXT,
                        "map_index": {"type": "integer"},
                        "state": _TEXT,
                        "since": _TEXT,
                        "owner": _TEXT,
                        "usual": {"type": ["number", "null"], "minimum": 0},
                        "expected": _TEXT,
                    }
                ),
            },
            "calls": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        }
    ),
}
