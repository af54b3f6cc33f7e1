"""What hold asks before it pauses anything: the locks and the guards, of git and of the policy."""

import logging
from collections.abc import Iterator, Sequence

from fermata_hooks.agenda import Denial
from fermata_hooks.argocd import Application
from fermata_hooks.guards import (
    ASKED_AT_HOLD,
    Asked,
    BrokenGlass,
    Finding,
    Unknown,
    broken_glass,
    judge,
    judge_locks,
)
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.dagset import Change, DagSetStatus, Verified
from fermata_spec.errors import RefusedError, RejectedError, UnavailableError
from fermata_spec.guards import BREAK_GLASS, Guard, PromotedRule, guards_of
from fermata_spec.plan import Plan
from fermata_spec.policy import Policy
from fermata_spec.report import Check, Report
from fermata_spec.selectors import Selector

GIT = "fermata.yaml"
ASKS_AIRFLOW = frozenset({"protected-dags"})
"""Rules that cost a call to Airflow: asked only when something is to be held."""

log = logging.getLogger("fermata.guards")


class Guards:
    """The guards of one deploy, asked in two steps.

    ``status`` is what stood before this sync, ``change`` what it touches; None: not known. Without
    a ``place`` (in CI) nobody is asked anything, and what a guard has to know is unknown. What is
    denied is in the audit trail if it is ``audited``.
    """

    def __init__(  # noqa: PLR0913 - what is asked, and of whom, by name
        self,
        plan: Plan,
        place: Workplace | None,
        policy: Policy,
        *,
        now: float,
        status: DagSetStatus | None = None,
        change: Change | None = None,
        audited: bool = False,
    ) -> None:
        self._plan = plan
        self._audited = audited
        self._place = place
        self._policy = policy
        self._seen: Application | None = None
        self._guards = (
            *policy.guards,
            *((GIT, guard) for guard in guards_of(plan.guards, origin=f"plan {plan.application}")),
        )
        self._asked = Asked(
            plan=plan,
            now=now,
            status=status,
            change=change,
            application=self._application,
            running=self._running,
            verified=self._verified,
        )

    def first(self) -> tuple[Finding, ...]:
        """Ask the locks and every guard that needs nothing of Airflow."""
        locks = self._place.locks.of(self._plan.application) if self._place else ()
        return (*judge_locks(locks), *judge(self._of(asks_airflow=False), self._asked))

    def then(self) -> tuple[Finding, ...]:
        """Ask those that do."""
        return judge(self._of(asks_airflow=True), self._asked)

    def glass(self) -> BrokenGlass:
        """Return whether somebody broke the glass for this revision."""
        try:
            annotation = self._application().annotations.get(BREAK_GLASS, "")
        except Unknown as exc:
            return BrokenGlass(ignored=f"no break-glass: {exc}")
        revision = self._plan.revision
        return broken_glass(annotation, revision, allowed=self._policy.break_glass)

    def write_down(self, event: str, finding: Finding, glass: BrokenGlass) -> None:
        """Put a denial, or what overrides it, into the audit trail."""
        if self._place is not None and self._audited:
            self._place.trail.note(
                event,
                {
                    "guard": finding.guard,
                    "rule": finding.rule,
                    "origin": finding.origin,
                    "message": finding.message,
                    "reason": glass.reason,
                },
            )

    def _of(self, *, asks_airflow: bool) -> Iterator[tuple[str, Guard]]:
        for origin, guard in self._guards:
            if (guard.rule in ASKS_AIRFLOW) == asks_airflow:
                yield origin, guard

    def _application(self) -> Application:
        """Return the Application; asked once.

        Raises:
            Unknown: it may not be read, or there is none.
            UnavailableError: no answer.

        """
        if self._seen is None:
            self._seen = read_application(self._there(), self._plan.application)
        return self._seen

    def _there(self) -> Workplace:
        if self._place is None:
            raise Unknown(ASKED_AT_HOLD)
        return self._place

    def _running(self, selector: Selector) -> tuple[str, ...]:
        airflow = self._there().airflow
        known = {dag.dag_id for dag in airflow.dags(include_stale=True) if selector.matches(dag)}
        runs = airflow.history.active_runs(sorted(known)) if known else []
        return tuple(sorted({run.dag_id for run in runs if run.state == "running"}))

    def _verified(self, rule: PromotedRule) -> Verified | None:
        return verified_elsewhere(self._there(), rule)


def read_application(place: Workplace, name: str) -> Application:
    """Return the Application of a guard's question; raise ``Unknown`` if it cannot be read."""
    if place.argocd is None:
        raise Unknown("its Application cannot be read (no access to Argo CD)")
    try:
        found = place.argocd.application(name)
    except RejectedError as exc:
        raise Unknown(f"its Application cannot be read: {exc}") from exc
    if found is None:
        raise Unknown("there is no Application of that name")
    return found


def verified_elsewhere(place: Workplace, rule: PromotedRule) -> Verified | None:
    """Return what another environment's DagSet says was verified last."""
    try:
        return place.dagsets_of(rule.namespace).read(rule.application).verified
    except RejectedError as exc:
        raise Unknown(f"the DagSet of {rule.application} cannot be read: {exc}") from exc


def require_allowed(guards: Guards, findings: Sequence[Finding], report: Report) -> None:
    """Put what was found into ``report``.

    Raises:
        DeniedError: a guard denies, and nobody broke the glass for this revision.

    """
    denials = [finding for finding in findings if finding.denies]
    glass = guards.glass() if denials else BrokenGlass()
    for finding in findings:
        report.checks.append(_check(finding, glass))
    for denial in denials:
        guards.write_down("overridden" if glass.reason else "denied", denial, glass)
        if glass.reason:
            log.warning("overridden by break-glass (%s): %s", glass.reason, denial.told())
    if denials and not glass.reason:
        hint = f"; {glass.ignored}" if glass.ignored else ""
        raise DeniedError(denials, hint)


class DeniedError(RefusedError):
    """Guards deny the deploy; nothing was paused."""

    def __init__(self, denials: Sequence[Finding], hint: str = "") -> None:
        self.denials = tuple(denials)
        self.rules = ", ".join(dict.fromkeys(finding.guard for finding in denials))
        told = "; ".join(finding.told() for finding in denials)
        super().__init__(f"guard {told}; nothing was paused{hint}")


def denial_of(plan: Plan, denied: DeniedError, now: float) -> Denial:
    """Return what the agenda is to know: whether, and when, the way may be free again."""
    return Denial(
        application=plan.application,
        revision=plan.revision,
        rule=denied.rules,
        blocking=(),
        at=now,
        opens=max((each.opens for each in denied.denials), default=0.0),
        running=tuple(sorted({dag for each in denied.denials for dag in each.running})),
        final=any(each.ends == "never" for each in denied.denials),
    )


def write_down(plan: Plan, place: Workplace, denied: DeniedError) -> str:
    """Put the denial on the agenda for ``watch``; return what will become of the revision."""
    try:
        agenda = place.agendas.deny(denial_of(plan, denied, place.clock.now()))
    except (UnavailableError, RejectedError) as exc:
        return f"nothing will happen by itself: not on the agenda: {exc}"
    return agenda.denials[plan.application].outlook


def _check(finding: Finding, glass: BrokenGlass) -> Check:
    told = finding.told()
    verdict = "fail" if finding.denies else "pass"
    if finding.denies and glass.reason:
        verdict, told = "pass", f"overridden by break-glass ({glass.reason}): {told}"
    return Check(
        name=f"guard {finding.guard}",
        verdict="fail" if verdict == "fail" else "pass",
        message=told,
        numbers={"opens": finding.opens} if finding.opens else {},
    )
