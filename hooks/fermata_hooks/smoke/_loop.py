"""Start all smoke DAGs, wait for each until its deadline, and leave none of our runs behind."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.clock import Clock
from fermata_hooks.smoke import _explain
from fermata_hooks.smoke._runs import Airflow, SmokeRun, cancel, start
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
) -> SmokeResult:
    """Run the plan's smoke DAGs and return how they went.

    ``sync`` is the time of the hold that this smoke belongs to, and part of the runs' names;
    without one nothing can be joined. ``still_held`` is asked at each look.

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
    begun: list[SmokeRun] = []
    try:
        for run in runs:
            begun.append(run)
            run.began = clock.monotonic()
            start(airflow, plan, run, number=number)
        checks = _wait(airflow, plan, runs, clock, still_held)
    finally:
        if any(not run.finished for run in begun):
            with termination.shield():
                cancel(airflow, begun)
    return _result(checks, ran=len(runs))


def _ready(airflow: Airflow, plan: Plan, clock: Clock) -> tuple[list[SmokeRun], list[Check]]:
    """Return the runs to start, and why some DAGs cannot be run; then none is started."""
    runs, refused = [], []
    for dag in plan.smoke.dags:
        details = airflow.dag_details(dag.dag_id)
        problem = _explain.not_startable(dag.dag_id, details)
        if problem is not None:
            refused.append(problem)
        elif details is not None:
            version = details.latest_version_number
            runs.append(SmokeRun(smoke=dag, run_id="", began=clock.monotonic(), version=version))
    return runs, refused


def _wait(
    airflow: Airflow,
    plan: Plan,
    runs: list[SmokeRun],
    clock: Clock,
    still_held: Callable[[], None],
) -> list[Check]:
    """Look at the runs until each has ended or is overdue; return a check for each."""
    started = clock.monotonic()
    checks: dict[str, Check] = {}
    said, said_at = "", started
    while True:
        still_held()
        no_answer = _refresh(airflow, [run for run in runs if run.dag_id not in checks])
        now = clock.monotonic()
        for run in runs:
            if run.dag_id not in checks:
                check = _judge(airflow, plan, run, now=now, started=started, no_answer=no_answer)
                if check is not None:
                    checks[run.dag_id] = check
        if len(checks) == len(runs):
            return [checks[run.dag_id] for run in runs]
        elapsed = now - started
        text = ", ".join(f"{r.dag_id} {r.state}" for r in runs if r.dag_id not in checks)
        if text != said or now - said_at >= SAID_EVERY:
            said, said_at = text, now
            limit = format_duration(plan.smoke.deadline)
            log.info("smoke: %s of %s: %s", format_duration(elapsed), limit, text)
        clock.sleep(min(max(FASTEST, elapsed / 10), SLOWEST))


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


def _judge(  # noqa: PLR0913 - one look's facts, all by name
    airflow: Airflow,
    plan: Plan,
    run: SmokeRun,
    *,
    now: float,
    started: float,
    no_answer: str,
) -> Check | None:
    seconds = now - run.began
    if run.finished:
        return _explain.ended(airflow, run, seconds=seconds)
    if seconds >= run.smoke.deadline or now - started >= plan.smoke.deadline:
        return _explain.overdue(airflow, run, seconds=seconds, no_answer=no_answer)
    return None


def _result(checks: list[Check], *, ran: int) -> SmokeResult:
    verdict = overall(checks)
    messages = [check.message for check in checks if check.verdict == verdict]
    bad = [check for check in checks if check.verdict != "pass"]
    return SmokeResult(
        verdict=verdict,
        message="; ".join(messages),
        checks=tuple(checks),
        failed=tuple(check.name.removeprefix(_explain.check_name("")) for check in bad),
        ran=ran,
    )
