"""Every rule, asked of one deploy."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import cast

from fermata_hooks.argocd import Application
from fermata_hooks.clock import rfc3339
from fermata_hooks.guards._findings import Finding
from fermata_hooks.locks import Lock
from fermata_spec.dagset import Change, DagSetStatus, Verified
from fermata_spec.guards import Guard, PromotedRule, Rule, branch_denial
from fermata_spec.plan import Plan
from fermata_spec.problems import one_line
from fermata_spec.selectors import Selector

LOCK = "lock"
ASKED_AT_HOLD = "not known here: asked at hold"
MOST_NAMED = 5  # DAGs in a message


class Unknown(Exception):  # noqa: N818 - no failure of ours: an answer that nobody can give
    """What a guard has to know cannot be told here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The deploy, and what may be asked about it; each question may raise ``Unknown``.

    ``status`` is what stood before this sync; None: it cannot be seen from here. ``running``
    returns which of the selected DAGs run. ``verified`` returns what another environment holds.
    """

    plan: Plan
    now: float
    status: DagSetStatus | None
    change: Change | None
    application: Callable[[], Application]
    running: Callable[[Selector], tuple[str, ...]]
    verified: Callable[[PromotedRule], Verified | None]


def judge(guards: Iterable[tuple[str, Guard]], asked: Asked) -> tuple[Finding, ...]:
    """Ask each guard; each comes with where it is from.

    Raises:
        UnavailableError: a neighbour that has to be asked does not answer: try again.

    """
    return tuple(_find(origin, guard, asked) for origin, guard in guards)


def judge_locks(locks: Iterable[Lock]) -> tuple[Finding, ...]:
    """Return a denial for each lock in force."""
    return tuple(
        Finding(
            guard=LOCK,
            rule=LOCK,
            origin="locks",
            outcome="denies",
            message=lock.told(),
            ends="unlock",
        )
        for lock in locks
    )


def _find(origin: str, guard: Guard, asked: Asked) -> Finding:
    found = Finding(
        guard=guard.called,
        rule=guard.rule,
        origin=origin,
        outcome="allows",
        message="",
        dry_run=guard.dry_run,
    )
    try:
        found = _RULES[guard.rule](guard, asked, found)
    except Unknown as exc:
        found = replace(found, outcome="unknown", message=str(exc))
    if found.outcome != "allows" and guard.message:
        found = replace(found, message=f"{one_line(guard.message)}: {found.message}")
    return found


def _branch(guard: Guard, asked: Asked, found: Finding) -> Finding:
    rule, target = guard.branch, asked.plan.target
    told = branch_denial(rule, target) if rule else ""
    if told and not target:
        raise Unknown(told)
    if told:
        return replace(found, outcome="denies", message=told)
    return replace(found, message=f"the application follows {one_line(target, limit=100)}")


def _freeze(guard: Guard, asked: Asked, found: Finding) -> Finding:
    from fermata_hooks.guards._freeze import frozen_until  # noqa: PLC0415 - 30 ms, for a freeze

    ends = frozen_until(guard.freeze, asked.now) if guard.freeze else None
    if ends is None:
        return replace(found, message="no freeze now")
    told = f"frozen, next opening {rfc3339(ends)}"
    return replace(found, outcome="denies", message=told, ends="time", opens=ends)


def _protected(guard: Guard, asked: Asked, found: Finding) -> Finding:
    running = asked.running(guard.protected_dags.dags) if guard.protected_dags else ()
    if not running:
        return replace(found, message="no protected DAG runs")
    told = f"{len(running)} protected DAG(s) run: {_some(running)}"
    return replace(found, outcome="denies", message=told, ends="runs", running=running)


def _initiator(guard: Guard, asked: Asked, found: Finding) -> Finding:
    allowed = guard.initiator.allow if guard.initiator else ()
    who = asked.application().initiated_by
    if not who:
        raise Unknown("who started this sync is not said in its Application")
    shown = one_line(who, limit=100)
    if any(fnmatchcase(who, pattern) for pattern in allowed):
        return replace(found, message=f"started by {shown}")
    told = f"started by {shown}, not by {', '.join(allowed)}"
    return replace(found, outcome="denies", message=told)


def _change_size(guard: Guard, asked: Asked, found: Finding) -> Finding:
    change, status, rule = asked.change, asked.status, guard.change_size
    if change is None or status is None or rule is None:
        raise Unknown(f"what was verified last is {ASKED_AT_HOLD}")
    if status.verified is None:
        return replace(found, message="nothing was verified before: a first deployment")
    before, size, removed = len(status.verified.digests), len(change.affected), len(change.removed)
    shown = f"{size} DAG(s) touched, {removed} of them removed, of {before} verified"
    over = [
        f"{limit} may be"
        for limit, is_over in (
            (f"{rule.dags} touched", rule.dags is not None and size > rule.dags),
            (
                f"{(rule.share or 0) * 100:g}% of them",
                rule.share is not None and size > rule.share * before,
            ),
            (f"{rule.removed} removed", rule.removed is not None and removed > rule.removed),
        )
        if is_over
    ]
    if over:
        return replace(found, outcome="denies", message=f"{shown}; {', '.join(over)}")
    return replace(found, message=shown)


def _promoted(guard: Guard, asked: Asked, found: Finding) -> Finding:
    rule = cast("PromotedRule", guard.promoted)
    if asked.change is None:
        raise Unknown(f"what was verified last is {ASKED_AT_HOLD}")
    there = asked.verified(rule)
    if there is None:
        return replace(found, outcome="denies", message=f"{rule.application} verified nothing yet")
    wanted = asked.plan.digests()
    other = [
        *(d for d in asked.change.changed if there.digests.get(d) != wanted.get(d)),
        *(d for d in asked.change.removed if d in there.digests),
    ]
    shown = f"{rule.application}@{there.revision[:12]}, verified at {there.at}"
    if not other:
        return replace(found, message=f"the same as {shown}")
    told = f"{len(other)} DAG(s) are not as in {shown}: {_some(sorted(other))}"
    return replace(found, outcome="denies", message=told)


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return ", ".join(known[:MOST_NAMED]) + more


_RULES: Mapping[Rule, Callable[[Guard, Asked, Finding], Finding]] = {
    "branch": _branch,
    "freeze": _freeze,
    "protected-dags": _protected,
    "initiator": _initiator,
    "change-size": _change_size,
    "promoted": _promoted,
}
