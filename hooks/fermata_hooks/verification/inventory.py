"""Every DAG that git wants is there, and what was there before is not lost.

DAGs made from configuration vanish without an error (a loader that swallows one, a file that is
not found any more), so the ids that git wants are held against Airflow's list. A missing DAG is
waited for: Airflow looks for new files every five minutes unless it is asked to.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fermata_hooks.airflow_api import Dag
from fermata_hooks.verification._finding import Finding, Light, count, names
from fermata_spec.report import Check, Verdict

CHECK = "inventory"
LOST_CHECK = "loss"
REMOVED_CHECK = "removed"


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What to compare with.

    ``planned``: the DAG ids that git wants, each with its file there. ``removed``: what the change
    takes away. ``touched``: the DAGs that the change affects. ``before``: what was there before
    (None: unknown, then nothing can be called lost or unexpected).
    """

    planned: Mapping[str, str]
    removed: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    before: frozenset[str] | None = None
    max_lost: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What Airflow holds at one look, against the expectation; all sorted.

    ``missing``: planned and not there (or stale without an error). ``broken``: planned, and its
    file cannot be imported. ``lost``: there at hold, not removed by git, not there any more and
    not broken. ``lingering``: removed by git and still there. ``unexpected``: neither planned
    nor there before. ``renamed``: old and new id of what looks like the same DAG.
    """

    planned: int
    present: int
    missing: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    lingering: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    lost_share: float = 0.0


def take(dags: Collection[Dag], expected: Expectation) -> Inventory:
    """Compare Airflow's list of DAGs (stale ones too) with what is expected."""
    live = {dag.dag_id for dag in dags if not dag.is_stale and not dag.has_import_errors}
    broken = {dag.dag_id for dag in dags if dag.has_import_errors}
    planned = expected.planned.keys()
    base = expected.before or frozenset()
    lost = base - live - broken - expected.removed
    known = base | planned | expected.removed
    return Inventory(
        planned=len(planned),
        present=len(planned & live),
        missing=tuple(sorted(planned - live - broken)),
        broken=tuple(sorted(planned & broken)),
        lost=tuple(sorted(lost)),
        lingering=tuple(sorted(expected.removed & live)),
        unexpected=tuple(sorted(live - known)) if expected.before is not None else (),
        renamed=tuple(_renamed(dags, live, expected)),
        lost_share=len(lost) / len(base) if base else 0.0,
    )


def _renamed(
    dags: Collection[Dag], live: Collection[str], expected: Expectation
) -> Iterator[tuple[str, str]]:
    """Yield a removed DAG and the new one of its file, where there is one of each in it."""
    if not expected.removed or expected.before is None:
        return
    files: dict[tuple[str | None, str], tuple[list[str], list[str]]] = {}
    for dag in dags:
        old, new = files.setdefault((dag.bundle_name, dag.file), ([], []))
        if dag.dag_id in expected.removed:
            old.append(dag.dag_id)
        elif dag.dag_id in expected.planned and dag.dag_id in live:
            new += [dag.dag_id] if dag.dag_id not in expected.before else []
    for (_, file), (old, new) in sorted(files.items(), key=lambda each: each[1]):
        if file and len(old) == len(new) == 1:
            yield old[0], new[0]


def judge(
    found: Inventory, expected: Expectation, *, lost_lasts: bool, sees_all: bool = True
) -> list[Finding]:
    """Return the findings of one look, the worst question first.

    ``lost_lasts``: the loss has been seen for as long as the settle window. ``sees_all``: whether
    this account may read every DAG; else one that is missing may be hidden from it.
    """
    findings = [_presence(found, expected, sees_all=sees_all)]
    if expected.before is not None:
        findings.insert(0, _loss(found, expected, lost_lasts=lost_lasts))
    if expected.removed:
        findings.append(_removal(found, expected))
    return findings


def too_many_lost(found: Inventory, expected: Expectation) -> bool:
    """Return whether the loss is above the set share; one that was planned for is none."""
    return bool(found.lost) and found.lost_share > expected.max_lost


def _loss(found: Inventory, expected: Expectation, *, lost_lasts: bool) -> Finding:
    numbers: dict[str, float | int | str] = {
        "lost": len(found.lost),
        "share": round(found.lost_share, 4),
        "max_lost": expected.max_lost,
    }
    if too_many_lost(found, expected):
        message = (
            f"{count(len(found.lost), 'DAG')} lost ({found.lost_share:.1%}, more than "
            f"{expected.max_lost:.1%}): {names(found.lost)}"
        )
        light = Light.RED if lost_lasts else Light.WAITING
        return Finding(
            Check(name=LOST_CHECK, verdict="fail", message=message, numbers=numbers), light
        )
    message = f"{count(len(found.lost), 'DAG')} lost"
    if found.lost:
        message += f" ({found.lost_share:.1%}): {names(found.lost)}"
    return Finding(
        Check(name=LOST_CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN
    )


def _presence(found: Inventory, expected: Expectation, *, sees_all: bool) -> Finding:
    numbers: dict[str, float | int | str] = {
        "planned": found.planned,
        "present": found.present,
        "missing": len(found.missing),
        "broken": len(found.broken),
        "unexpected": len(found.unexpected),
    }
    problems = []
    if found.missing:
        word = "missing" if sees_all else "missing or hidden from this account"
        problems.append(f"{len(found.missing)} {word}: {_with_files(found.missing, expected)}")
    if found.broken:
        problems.append(
            f"{len(found.broken)} cannot be imported: {_with_files(found.broken, expected)}"
        )
    if problems:
        message = f"of {count(found.planned, 'DAG')} that git wants {', '.join(problems)}"
        waiting = found.missing or not expected.touched.isdisjoint(found.broken)
        verdict: Verdict = "fail" if found.broken or sees_all else "inconclusive"
        return Finding(
            Check(name=CHECK, verdict=verdict, message=message, numbers=numbers),
            # A DAG that was broken before and is not touched will not be mended by waiting.
            Light.WAITING if waiting else Light.GREEN,
        )
    message = f"all {count(found.planned, 'DAG')} that git wants are there"
    if found.planned == 1:
        message = "the DAG that git wants is there"
    if found.unexpected:
        message += f"; not from this plan: {names(found.unexpected)}"
    return Finding(Check(name=CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN)


def _removal(found: Inventory, expected: Expectation) -> Finding:
    numbers: dict[str, float | int | str] = {
        "removed": len(expected.removed),
        "lingering": len(found.lingering),
    }
    if found.lingering:
        message = (
            f"{count(len(found.lingering), 'DAG')} that git has removed still there: "
            f"{names(found.lingering)} (Airflow drops a DAG up to 2 minutes, a file up to "
            "5 minutes after it is gone; is the file pruned?)"
        )
        return Finding(
            Check(name=REMOVED_CHECK, verdict="inconclusive", message=message, numbers=numbers),
            Light.WAITING,
        )
    message = f"{count(len(expected.removed), 'DAG')} removed: {names(sorted(expected.removed))}"
    if found.renamed:
        said = names([f"{old} is {new} now" for old, new in found.renamed])
        message += f"; renamed, without its history and paused unless it says otherwise: {said}"
    return Finding(
        Check(name=REMOVED_CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN
    )


def _with_files(dag_ids: Collection[str], expected: Expectation) -> str:
    return names([f"{dag_id} ({expected.planned[dag_id]})" for dag_id in dag_ids])
