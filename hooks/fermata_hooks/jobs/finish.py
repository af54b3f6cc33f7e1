"""PostSync: verify, smoke and release, in one process and one report.

It changes what these change: it starts the smoke DAGs' runs, gives held DAGs back, ends the hold,
and writes the verdict into ``DagSet.status``. Running it twice is harmless: what was proven in
this sync is not proven again, runs are joined, and what is settled stays settled. Whatever comes
of verify and smoke, also SIGTERM, it releases; it never calls a revision verified that has not
passed both.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from fermata_hooks.dagset_status import conclude, verified_now
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.options import dry_run_option, format_option, plan_option
from fermata_hooks.jobs.proving import (
    figures,
    handoff_of,
    hold_guard,
    is_touched,
    prove,
    run_smoke_dags,
)
from fermata_hooks.jobs.release import keep_after_failure, run_release
from fermata_hooks.jobs.release import preview as preview_release
from fermata_hooks.jobs.smoke import preview_smoke
from fermata_hooks.jobs.workplace import Workplace, run_hook
from fermata_hooks.reporting import Format
from fermata_hooks.runtime import AIRFLOW, providers_digest
from fermata_spec.dagset import Phase, Verified, change
from fermata_spec.errors import (
    FermataError,
    InconclusiveError,
    RefusedError,
    RejectedError,
    SettingsError,
    TerminatedError,
    UnavailableError,
)
from fermata_spec.plan import Plan
from fermata_spec.report import Check, DagOutcome, Report, Verdict, error_for
from fermata_spec.units import format_duration

MESSAGE = 4096  # characters of the verdict's message in ``DagSet.status``
WORST_FIRST: tuple[type[FermataError], ...] = (
    TerminatedError,
    RefusedError,
    RejectedError,
    SettingsError,
    InconclusiveError,
    UnavailableError,
)


@click.command()
@plan_option
@dry_run_option
@format_option
def finish(plan_path: Path, *, dry_run: bool, form: Format) -> None:
    """Verify, smoke and release (PostSync)."""
    run_hook("finish", plan_path, form, preview_finish if dry_run else run_finish, dry_run=dry_run)


def run_finish(plan: Plan, place: Workplace, report: Report) -> None:
    """Prove ``plan``'s revision, then release whatever came of it; fill ``report``.

    Raises:
        FermataError: the worst of what went wrong, by ``WORST_FIRST``.

    """
    finishing = _Finishing(plan, place, report)
    finishing.run([finishing.prove, finishing.release, finishing.conclude])
    if finishing.failures:
        failure = worst(finishing.failures)
        raise type(failure)(report.message) from failure


def preview_finish(plan: Plan, place: Workplace, report: Report) -> None:
    """Say what ``run_finish`` would do; change nothing."""
    handoff = handoff_of(plan, place)
    touched = is_touched(plan, place, handoff)
    if touched:
        status = place.dagsets.read(plan.application)
        affected = handoff.affected if handoff else sorted(change(plan, status).affected)
        report.dags += [DagOutcome(dag_id=dag_id, done="would be verified") for dag_id in affected]
        preview_smoke(plan, place, report)
    preview_release(plan, place, report)
    would = "verify, run the smoke DAGs and release" if touched else "verify nothing, and release"
    report.verdict, report.message = "pass", f"dry run: would {would}"


def worst(failures: Sequence[FermataError]) -> FermataError:
    """Return the failure whose exit code the process ends with; the first of equals."""
    return min(failures, key=_rank)


def _rank(failure: FermataError) -> int:
    ranks = (rank for rank, kind in enumerate(WORST_FIRST) if isinstance(failure, kind))
    return next(ranks, len(WORST_FIRST))


def _times(began: float, proven: float, ended: float) -> Check:
    """Return how long the verdict took from the end of the apply, when the hook began."""
    verify, smoke, both = proven - began, ended - proven, ended - began
    return Check(
        name="time",
        verdict="pass",
        message=f"verify {format_duration(verify)}, smoke {format_duration(smoke)}",
        numbers={"verify": round(verify, 1), "smoke": round(smoke, 1), "seconds": round(both, 1)},
    )


class _Finishing:
    """The steps of one finish: what was said, what failed, and whether the revision passed."""

    def __init__(self, plan: Plan, place: Workplace, report: Report) -> None:
        self._plan = plan
        self._place = place
        self._report = report
        self._said: list[str] = []
        self._passed = False
        self._failed: tuple[str, ...] = ()
        self._verified: Verified | None = None
        self.failures: list[FermataError] = []

    def run(self, steps: Sequence[Callable[[], None]]) -> None:
        """Do every step whatever becomes of those before it, also when one of them has a bug."""
        if not steps:
            return
        try:
            steps[0]()
        except FermataError as exc:
            self.failures.append(exc)
        finally:
            self.run(steps[1:])

    def prove(self) -> None:
        """Verify and, if that passes, smoke; a pass is written down before anything else."""
        plan, place, report = self._plan, self._place, self._report
        try:
            handoff = handoff_of(plan, place)
            guard = hold_guard(plan, place, handoff, report, must_hold=True)
            began = place.clock.monotonic()
            verified = prove(plan, place, report, handoff, guard)
            proven = place.clock.monotonic()
            # A smoke DAG that fails does not tell which of the touched DAGs is to blame.
            self._failed = verified.failed or (handoff.affected if handoff else ())
            self._say(verified.verdict, verified.message)
            if verified.touched:
                ran = run_smoke_dags(plan, place, report, handoff, guard)
                report.checks.append(_times(began, proven, place.clock.monotonic()))
                self._say(ran.verdict, ran.message)
                self._verified = verified_now(
                    plan,
                    place.clock,
                    airflow=verified.runtime.get(AIRFLOW, ""),
                    providers=providers_digest(verified.runtime),
                )
                self._write("pass", phase="Syncing")
            self._passed = True
        except FermataError as exc:
            if str(exc) not in self._said:
                self._said.append(str(exc))
            raise

    def release(self) -> None:
        """End the hold and settle; a SIGTERM that came before has been heard by now."""
        self._place.termination.acknowledge()
        part = Report(hook="release", application=self._plan.application, revision="", started="")
        try:
            if self._is_owed() and self._refused():
                keep_after_failure(self._plan, self._place, part, self._failed)
            elif self._is_owed():
                run_release(self._plan, self._place, part)
            else:
                part.message = "nothing was held"
        except FermataError as exc:
            part.message = part.message or str(exc)
            if all(check.name != "release" for check in part.checks):
                check = Check(name="release", verdict="inconclusive", message=str(exc))
                part.checks.append(check)
            raise
        finally:
            self._report.dags += part.dags
            self._report.checks += part.checks
            self._said.append(f"release: {part.message}" if part.message else "release: a bug")

    def conclude(self) -> None:
        """Write the verdict, last of all."""
        verdict: Verdict = "pass" if self._passed and not self.failures else "inconclusive"
        if self._refused():
            verdict = "fail"
        self._report.verdict = verdict
        self._report.message = "; ".join(self._said)
        try:
            self._write(verdict, phase="Idle")
        except FermataError as exc:
            self._report.message += f"; status not written: {exc}"
            raise

    def _say(self, verdict: Verdict, message: str) -> None:
        """Keep what a step said; raise if it did not pass."""
        self._said.append(message)
        if error := error_for(verdict, message):
            raise error

    def _refused(self) -> bool:
        """Return whether a proof has said no (not: could not tell)."""
        return any(isinstance(failure, RefusedError) for failure in self.failures)

    def _is_owed(self) -> bool:
        """Return whether the ledger has a hold of ours, or lines that wait to be settled."""
        holds, lines = read_status(self._place.ledger)
        return bool(lines) or any(one.application == self._plan.application for one in holds)

    def _write(self, verdict: Verdict, *, phase: Phase) -> None:
        conclude(
            self._place.dagsets,
            self._plan,
            verdict=verdict,
            message="; ".join(self._said)[:MESSAGE],
            verified=self._verified,
            phase=phase,
            figures=figures(self._report),
            held=self._held() if phase == "Idle" else 0,
            offenders=self._failed if verdict == "fail" else (),
            applied=True,
        )

    def _held(self) -> int:
        """Return how many DAGs our hold still lists; after a pass there is none to ask about."""
        if not self.failures:
            return 0
        try:
            holds, _ = read_status(self._place.ledger)
        except (UnavailableError, RejectedError, SettingsError):
            return 0  # what failed has been said; the verdict is still to be written
        ours = (one for one in holds if one.application == self._plan.application)
        return sum(len(one.held) + len(one.todo) for one in ours)
