"""Look until everything has been good for the settle window, something is final, or time is up."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fermata_hooks.clock import Clock
from fermata_hooks.handoff import Handoff
from fermata_hooks.verification._finding import Finding, Light
from fermata_hooks.verification._inspection import Inspection, baseline
from fermata_hooks.verification._look import Airflow
from fermata_spec.dagset import DagSetStatus, change
from fermata_spec.errors import UnavailableError
from fermata_spec.plan import Plan, VerifyPolicy
from fermata_spec.report import Check, DagOutcome, Verdict, overall
from fermata_spec.units import format_duration

FASTEST = 1.0  # seconds between looks
SLOWEST = 10.0
SAID_EVERY = 15.0  # seconds between progress lines while nothing changes
LOOKS_WHILE_GREEN = 3  # in a settle window

log = logging.getLogger("fermata.verify")


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How verify ended. ``failed``: planned DAGs that are missing or cannot be imported.

    ``touched`` is False when there was nothing to prove; then nothing was asked. ``seen`` is how
    Airflow was at the last look, as far as it is known whole. ``runtime``: what Airflow itself was
    made of after a pass, where somebody has asked.
    """

    verdict: Verdict
    message: str
    checks: tuple[Check, ...] = ()
    dags: tuple[DagOutcome, ...] = ()
    failed: tuple[str, ...] = ()
    touched: bool = True
    seen: Handoff | None = None
    runtime: Mapping[str, str] = field(default_factory=dict)


def verify(  # noqa: PLR0913 - what it judges by, all by name
    airflow: Airflow,
    plan: Plan,
    *,
    handoff: Handoff | None,
    status: DagSetStatus,
    clock: Clock,
    still_held: Callable[[], None],
    last: Handoff | None = None,
) -> Verification:
    """Wait until Airflow has parsed this revision and is well, and say what was seen.

    ``handoff`` is this revision's, from hold; ``status`` says what was verified last, and ``last``
    how Airflow was then. Without a handoff ``last`` is the baseline, and without either only what
    needs none can pass. ``still_held`` is asked at each look.

    Raises:
        InconclusiveError: from ``still_held``, when the hold was ended by somebody else.
        RejectedError: Airflow refused what nothing can be judged without (401, 403 on DAGs).

    """
    touched = change(plan, status)
    base = baseline(plan, handoff, touched, last=last)
    if not base.touched.affected:
        return Verification(
            verdict="pass", message="no DAG is touched: nothing to prove", touched=False
        )
    watch = _Watch(plan.verify, clock)
    inspection: Inspection | None = None
    while True:
        still_held()
        watch.begin()
        try:
            inspection = inspection or Inspection(airflow, plan, base)
            findings = inspection.look()
        except UnavailableError as exc:
            findings = [_no_answer(exc)]
        if watch.ends(findings):
            return _result(plan, findings, watch, inspection)
        watch.say(findings)
        clock.sleep(watch.pause())


class _Watch:
    """When to look again and when to stop; all in seconds of the monotonic clock."""

    def __init__(self, policy: VerifyPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._started = clock.monotonic()
        self._began = self._started
        self._green_since: float | None = None
        self._said: tuple[str, float] = ("", 0.0)
        self._cost = 0.0
        self.looks = 0
        self.green_looks = 0

    @property
    def elapsed(self) -> float:
        """Seconds since verify began."""
        return self._clock.monotonic() - self._started

    @property
    def green_for(self) -> float:
        """Seconds for which every look was green."""
        if self._green_since is None:
            return 0.0
        return self._began - self._green_since

    @property
    def settled(self) -> bool:
        """Whether it has been green for the whole window, at two looks at least."""
        needed = 2 if self._policy.settle else 1
        return self.green_looks >= needed and self.green_for >= self._policy.settle

    def begin(self) -> None:
        """Note that a look begins; it is worth what was true when it began."""
        self._began = self._clock.monotonic()
        self.looks += 1

    def ends(self, findings: Sequence[Finding]) -> bool:
        """Return whether this look was the last; a green one may settle beyond the deadline."""
        self._cost = self._clock.monotonic() - self._began
        lights = {finding.light for finding in findings}
        if not lights <= {Light.GREEN}:
            self._green_since, self.green_looks = None, 0
            return Light.RED in lights or self.elapsed >= self._policy.deadline
        if self._green_since is None:
            self._green_since = self._began
        self.green_looks += 1
        return self.settled

    def pause(self) -> float:
        """Return how long to sleep: looking costs Airflow at most a third of its time."""
        pause = min(max(FASTEST, 2 * self._cost), SLOWEST)
        if self._green_since is not None:
            left = self._green_since + self._policy.settle - self._clock.monotonic()
            pause = min(max(pause, self._policy.settle / LOOKS_WHILE_GREEN), left)
        else:
            pause = min(pause, self._policy.deadline - self.elapsed)
        return max(pause, 0.05)

    def say(self, findings: Sequence[Finding]) -> None:
        """Say what is still missing: when that changes, and now and then."""
        open_ = [f.check.message for f in findings if f.light is not Light.GREEN]
        text = "; ".join(open_) or f"green, settling for {format_duration(self._policy.settle)}"
        said, at = self._said
        now = self._clock.monotonic()
        if text == said and now - at < SAID_EVERY:
            return
        self._said = (text, now)
        log.info(
            "verify: %s of %s: %s",
            format_duration(self.elapsed),
            format_duration(self._policy.deadline),
            text,
        )


def _no_answer(exc: UnavailableError) -> Finding:
    check = Check(name="airflow", verdict="inconclusive", message=f"no answer: {exc}")
    return Finding(check, Light.WAITING)


def _result(
    plan: Plan, findings: Sequence[Finding], watch: _Watch, inspection: Inspection | None
) -> Verification:
    compared = inspection.compare() if inspection else []
    checks = [finding.check for finding in (*findings, *compared)]
    checks.append(_settle_check(plan.verify, findings, watch, inspection))
    verdict = overall(checks)
    return Verification(
        verdict=verdict,
        message=_message(plan, verdict, checks, watch),
        checks=tuple(checks),
        dags=tuple(inspection.outcomes()) if inspection else (),
        failed=inspection.failed if inspection else (),
        seen=inspection.seen() if inspection else None,
    )


def _settle_check(
    policy: VerifyPolicy,
    findings: Sequence[Finding],
    watch: _Watch,
    inspection: Inspection | None,
) -> Check:
    """Return the check that says how long was looked, and what could not be hurried."""
    numbers: dict[str, float | int | str] = {
        "looks": watch.looks,
        "seconds": round(watch.elapsed, 1),
        "green_looks": watch.green_looks,
        "parse_requests": inspection.parse_requests.number if inspection else 0,
    }
    notes = []
    if inspection and inspection.parse_requests.refused:
        notes.append(f"Airflow was not asked to parse: {inspection.parse_requests.refused}")
    if inspection and inspection.scan_note:
        notes.append(inspection.scan_note)
    if inspection and inspection.baseline_note:
        notes.append(inspection.baseline_note)
    if inspection and inspection.text_note:
        notes.append(inspection.text_note)
    off = [name.replace("_", " ") for name, mode in policy.checks.items() if mode == "off"]
    if off:
        notes.append(f"switched off in fermata.yaml: {', '.join(off)}")
    if watch.settled:
        message = f"good for {format_duration(watch.green_for)} at {watch.green_looks} looks"
        return Check(
            name="settle",
            verdict="pass",
            message="; ".join([message, *notes]),
            numbers=numbers,
        )
    # A final answer needs no settling; what is still open at the deadline was not seen.
    final = any(finding.light is Light.RED for finding in findings)
    took = format_duration(watch.elapsed)
    message = f"ended after {took}: waiting would change nothing"
    if not final:
        message = f"not good within {took} (deadline {format_duration(policy.deadline)})"
    return Check(
        name="settle",
        verdict="inconclusive",
        message="; ".join([message, *notes]),
        numbers=numbers,
    )


def _message(plan: Plan, verdict: Verdict, checks: Sequence[Check], watch: _Watch) -> str:
    if verdict == "pass":
        told = [c.message for c in checks if c.name == "evidence"] or ["not held against git"]
        return (
            f"{len(plan.dags)} DAG(s) as git wants them, {told[0]}, "
            f"in {format_duration(watch.elapsed)}"
        )
    told = [c.message for c in checks if c.verdict == verdict and c.name != "settle"]
    if told:
        return "; ".join(told)
    return next(c.message for c in checks if c.verdict == verdict)
