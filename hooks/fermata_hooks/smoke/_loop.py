"""Start all smoke DAGs, wait for each until its deadline, and leave none of our runs behind."""

import logging
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.clock import Clock
from fermata_hooks.smoke import _explain, _probe
from fermata_hooks.smoke._runs import Airflow, SmokeRun, cancel, start
from fermata_hooks.smoke._tidy import CHECK as TIDY_CHECK
from fermata_hooks.smoke._tidy import tidy
from fermata_spec.errors import UnavailableError
from fermata_spec.plan import Plan
from fermata_spec.report import Check, Verdict, overall
from fermata_spec.units import format_duration

FASTEST = 1.0  # seconds between looks, growing with the time that has passed
SLOWEST = 5.0
SAID_EVERY = 15.0

log = logging.getLogger("fermata.smoke")


class Termination(Protocol):
    """What smoke asks of SIGTERM: to wait until our runs are cancelled."""

    def shield(self) -> AbstractContextManager[None]:
        """Let the block finish."""


@dataclass(frozen=True, kw_only=True)
class SmokeResult:
    """How smoke ended; ``failed``: the smoke DAGs that did not succeed. ``ran``: how many ran."""

    verdict: Verdict
    message: str
    checks: tuple[Check, ...] = ()
    failed: tuple[str, ...] = ()
    ran: int = 0


def smoke(  # noqa: PLR0913 - collaborators and what is run, all by name
    airflow: Airflow,
    plan: Plan,
    *,
    sync: float | None,
    clock: Clock,
    termination: Termination,
    still_held: Callable[[], None],
    touched: Collection[str] = (),
) -> SmokeResult:
    """Run the plan's smoke DAGs and return how they went.

    ``sync`` is the time of the hold that this smoke belongs to, and part of the runs' names;
    without one nothing can be joined. ``still_held`` is asked at each look. ``touched`` are the
    DAGs whose files a probe proves; empty: all.

    Raises:
        InconclusiveError: from ``still_held``, when the hold was ended by somebody else.
        RejectedError, UnavailableError: a run could not be started.
        TerminatedError: SIGTERM; our runs are cancelled.

    """
    if not plan.smoke.dags:
        check = Check(name="smoke", verdict="pass", message="no smoke DAG in the plan")
        return SmokeResult(
            verdict="pass", message="no smoke DAG in the plan: nothing was run", checks=(check,)
        )
    still_held()
    runs, refused = _ready(airflow, plan, clock)
    if refused:
        return _result(refused, ran=0)
    number = int(sync if sync is not None else clock.now())
    under_way = _UnderWay(airflow, plan, runs, number=number, clock=clock, touched=touched)
    try:
        checks = under_way.wait(still_held)
    finally:
        if under_way.unfinished:
            with termination.shield():
                cancel(airflow, under_way.begun)
    skipped = [_explain.skipped(dag) for dag in plan.smoke.dags if dag.skip]
    return _result([*checks, *skipped, *tidy(airflow, plan)], ran=len(runs))


def _ready(airflow: Airflow, plan: Plan, clock: Clock) -> tuple[list[SmokeRun], list[Check]]:
    """Return the runs to start, and why some DAGs cannot be run; then none is started."""
    runs, refused = [], []
    for dag in plan.smoke.dags:
        if dag.skip:
            continue
        details = airflow.dag_details(dag.dag_id)
        problem = _explain.not_startable(dag.dag_id, details)
        if problem is not None:
            refused.append(problem)
        elif details is not None:
            version = details.latest_version_number
            runs.append(SmokeRun(smoke=dag, run_id="", began=clock.monotonic(), version=version))
    return runs, refused


class _UnderWay:
    """The runs of one smoke: so many at once, each with its deadline, all with one together."""

    def __init__(  # noqa: PLR0913 - those of smoke
        self,
        airflow: Airflow,
        plan: Plan,
        runs: list[SmokeRun],
        *,
        number: int,
        clock: Clock,
        touched: Collection[str],
    ) -> None:
        self._airflow, self._plan, self._runs, self._clock = airflow, plan, runs, clock
        self._number, self._touched = number, touched
        self._started = clock.monotonic()
        self._waiting = list(runs)
        self._checks: dict[str, Check] = {}
        self._said, self._said_at = "", self._started
        self.begun: list[SmokeRun] = []

    @property
    def unfinished(self) -> bool:
        """Whether a run of ours is not known to have ended."""
        return any(not run.finished for run in self.begun)

    def wait(self, still_held: Callable[[], None]) -> list[Check]:
        """Look at the runs until each has ended or is overdue; return a check for each."""
        while True:
            still_held()
            self._start()
            no_answer = _refresh(self._airflow, self._active)
            self._judge(no_answer)
            if len(self._checks) == len(self._runs):
                return [self._checks[run.dag_id] for run in self._runs]
            if not self._may_start:
                self._say()
                self._clock.sleep(min(max(FASTEST, self._elapsed / 10), SLOWEST))

    @property
    def _active(self) -> list[SmokeRun]:
        return [run for run in self.begun if run.dag_id not in self._checks]

    @property
    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._started

    @property
    def _may_start(self) -> bool:
        return bool(self._waiting) and len(self._active) < self._plan.smoke.at_once

    def _start(self) -> None:
        while self._may_start:
            run = self._waiting.pop(0)
            self.begun.append(run)
            run.began = self._clock.monotonic()
            more = _probe.conf_of(self._plan, run, self._touched) if run.smoke.probes else {}
            start(self._airflow, self._plan, run, number=self._number, more=more)

    def _judge(self, no_answer: str) -> None:
        is_over = self._elapsed >= self._plan.smoke.deadline
        for run in self._active:
            seconds = self._clock.monotonic() - run.began
            if run.finished:
                self._checks[run.dag_id] = _explain.ended(
                    self._airflow, self._plan, run, seconds=seconds, touched=self._touched
                )
            elif is_over or seconds >= run.smoke.deadline:
                self._checks[run.dag_id] = _explain.overdue(
                    self._airflow, run, seconds=seconds, no_answer=no_answer
                )
        if is_over:
            for run in self._waiting:
                self._checks[run.dag_id] = _explain.never_started(run, self._plan)
            self._waiting.clear()

    def _say(self) -> None:
        text = ", ".join(f"{run.dag_id} {run.state}" for run in self._active)
        if self._waiting:
            text += f", {len(self._waiting)} to come"
        now = self._clock.monotonic()
        if text != self._said or now - self._said_at >= SAID_EVERY:
            self._said, self._said_at = text, now
            limit = format_duration(self._plan.smoke.deadline)
            log.info("smoke: %s of %s: %s", format_duration(self._elapsed), limit, text)


def _refresh(airflow: Airflow, runs: list[SmokeRun]) -> str:
    """Ask for the runs' states; return why Airflow gave no answer, empty if it did."""
    try:
        for run in runs:
            if not run.finished:
                run.run = airflow.dag_run(run.dag_id, run.run_id) or run.run
    except UnavailableError as exc:
        log.info("smoke: no answer from Airflow: %s", exc)
        return str(exc)
    return ""


def _result(checks: list[Check], *, ran: int) -> SmokeResult:
    verdict = overall(checks)
    told = [check for check in checks if check.verdict == verdict and check.name != TIDY_CHECK]
    bad = [check for check in checks if check.verdict != "pass"]
    return SmokeResult(
        verdict=verdict,
        message="; ".join(check.message for check in told),
        checks=tuple(checks),
        failed=tuple(check.name.removeprefix(_explain.check_name("")) for check in bad),
        ran=ran,
    )
