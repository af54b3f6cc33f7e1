"""The probe's run: which files its tasks are asked about, and what their answers mean.

The file that runs is ``fermata_plugin.probe``'s; what passes between the two is in here.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fermata_hooks.redaction import redact
from fermata_hooks.smoke._runs import Airflow, SmokeRun
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.plan import Plan, PlannedDag
from fermata_spec.report import Verdict

MOST_FILES = 500  # that a run's conf names: 30 kB, and Airflow 2 on MySQL takes 64
_NAMED = 3
_FORBIDDEN = 403


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the probe's tasks have found: ``lines`` has one for each."""

    verdict: Verdict
    message: str
    lines: tuple[str, ...] = ()
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)


def conf_of(plan: Plan, run: SmokeRun, touched: Collection[str]) -> dict[str, object]:
    """Return what the probe is asked: files with what each must show, and how long to wait.

    Of the touched DAGs; of all, where nobody knows which these are.
    """
    own = next((dag.file for dag in plan.dags if dag.dag_id == run.dag_id), "")
    # A mount may lag; and what is late is to be told before the run is overdue.
    wait = min(plan.verify.mount_lag, run.smoke.deadline / 2)
    return {"files": files_of(plan, run.dag_id, touched), "own": own, "wait": wait}


def files_of(plan: Plan, probe: str, touched: Collection[str]) -> dict[str, list[str]]:
    """Return by file the digests that it must hash to or hold, of ``MOST_FILES`` at most.

    Of files that only a loader of the user's own can read, git's digest is none of the file's.
    """
    found: dict[str, set[str]] = {}
    for dag in plan.dags:
        is_asked = dag.dag_id != probe and (not touched or dag.dag_id in touched)
        if is_asked and (digest := _shown_by(dag)):
            found.setdefault(dag.file, set()).add(digest)
    return {name: sorted(found[name]) for name in sorted(found)[:MOST_FILES]}


def judge(airflow: Airflow, plan: Plan, run: SmokeRun, touched: Collection[str]) -> Probed:
    """Return what the tasks of a probe's run that has succeeded have found."""
    files = files_of(plan, run.dag_id, touched)
    answers = [
        _answer(airflow, run, task_id, label, files)
        for task_id, label in sorted(run.smoke.probes.items())
    ]
    lines = tuple(line for _, line in answers)
    bad = [line for verdict, line in answers if verdict == "fail"]
    unknown = [line for verdict, line in answers if verdict == "inconclusive"]
    numbers: dict[str, float | int | str] = {"files": len(files), "digest": digest_of(files)}
    if bad or unknown:
        verdict: Verdict = "fail" if bad else "inconclusive"
        told = "; ".join([*bad, *unknown][:_NAMED])
        return Probed(verdict=verdict, message=told, lines=lines, numbers=numbers)
    where = ", ".join(run.smoke.probes.values())
    told = f"{len(files)} file(s) as in git on a worker of {where}"
    if not files:
        told = f"a worker of {where} runs; git knows no file's digest"
    return Probed(verdict="pass", message=told, lines=lines, numbers=numbers)


def digest_of(files: Mapping[str, list[str]]) -> str:
    """Return the digest that a probe returns whose files show just this."""
    rows = "".join(f"{name}={'+'.join(files[name])}\n" for name in sorted(files))
    return sha256(rows.encode()).hexdigest()[:16]


def _shown_by(dag: PlannedDag) -> str:
    """Return the digest that the DAG's file hashes to, or that stands in it; empty: none does."""
    return dag.source_digest or (dag.digest if dag.evidence == "doc_md" else "")


def _answer(
    airflow: Airflow, run: SmokeRun, task_id: str, label: str, files: Mapping[str, list[str]]
) -> tuple[Verdict, str]:
    try:
        text = airflow.history.returned(run.dag_id, run.run_id, task_id)
    except (RejectedError, UnavailableError) as exc:
        forbidden = isinstance(exc, RejectedError) and exc.status == _FORBIDDEN
        needs = " (needs can_read on XComs)" if forbidden else ""
        return "inconclusive", f"{label}: what it found cannot be read{needs}: {exc}"
    found = _read(text)
    if found is None:
        return "inconclusive", f"{label}: it returned nothing that the probe returns"
    worker = redact(str(found.get("worker")))[:80]
    if found.get("digest") == digest_of(files):
        return "pass", f"{label}: {len(files)} file(s) as in git, on {worker}"
    return "fail", f"{label}: worker {worker} has other files than git: {_difference(found, files)}"


def _read(text: str | None) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("digest"), str) else None


def _difference(found: Mapping[str, Any], files: Mapping[str, list[str]]) -> str:
    differ = found.get("differ")
    names = sorted(files.keys() & differ.keys()) if isinstance(differ, dict) else []
    if not isinstance(differ, dict) or not names:
        return f"it looked at {found.get('files')} of {len(files)}"
    told = [f"{name} is {_shown(differ[name])}, not {'+'.join(files[name])}" for name in names]
    more = f", and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return f"{'; '.join(told[:_NAMED])}{more} ({len(names)} of {len(files)}, after {_wait(found)})"


def _shown(seen: object) -> str:
    return redact("+".join(map(str, seen)) if isinstance(seen, list) else str(seen))[:80]


def _wait(found: Mapping[str, Any]) -> str:
    waited = found.get("waited")
    return f"{waited:g}s" if isinstance(waited, int | float) else "no wait"
