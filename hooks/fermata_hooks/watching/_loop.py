"""The loop: a pass each period, a look around each minute, an inventory every ten."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fermata_hooks import runtime
from fermata_hooks.agenda import Agendas
from fermata_hooks.argocd import ArgoCd
from fermata_hooks.audit import Context, Trail
from fermata_hooks.dagset_views import DagSetViews
from fermata_hooks.documents import Documents
from fermata_hooks.holding import Environment, Patience
from fermata_hooks.locks import Locks
from fermata_hooks.watching import _airflow_look, _starts
from fermata_hooks.watching._airflow_look import AirflowLook
from fermata_hooks.watching._answers import Questions
from fermata_hooks.watching._applications import Applications
from fermata_hooks.watching._buttons import Buttons
from fermata_hooks.watching._handoffs import Handoffs
from fermata_hooks.watching._holds import LEDGER, Holds, HoldsPass
from fermata_hooks.watching._metrics import Metrics, Outcome
from fermata_hooks.watching._outages import Outages
from fermata_hooks.watching._runtime_look import RuntimeLook
from fermata_hooks.watching._starts import Starts
from fermata_hooks.watching._truth import Truth
from fermata_hooks.watching.unverified import Unverified
from fermata_spec.errors import FermataError, RejectedError, SettingsError, UnavailableError
from fermata_spec.units import format_duration

PERIOD = 15.0
LOOK_EVERY = 60.0
INVENTORY_EVERY = 600.0
SETTLING_DEADLINE = 60.0
"""Seconds of one pass for settling; what is left over is for the next."""
STUCK_AFTER = 600.0
"""Seconds without a sign of life of the loop after which the process is better started anew."""

log = logging.getLogger("fermata.watch")


class Airflow(_airflow_look.Airflow, _starts.Tasks, runtime.Airflow, Protocol):
    """What the watch asks of Airflow besides pausing."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Everything that the watch works with; ``calls``: all requests so far, by kind.

    ``buttons``: what people ask for in Argo CD; None where there is no cluster.
    """

    environment: Environment
    agendas: Agendas
    documents: Documents
    locks: Locks
    trail: Trail
    views: DagSetViews
    airflow: Airflow
    argocd: ArgoCd | None
    calls: Callable[[], Mapping[str, int]]
    buttons: Buttons | None = None


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What one pass did; ``failure`` is what kept it from the ledger or from settling.

    ``changed``: by application, what of Airflow itself is not as it was at its last pass.
    """

    holds: HoldsPass | None
    unverified: tuple[Unverified, ...]
    failure: FermataError | None
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Watch:
    """One watch; any number of them may work on the same ledger."""

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        period: float = PERIOD,
        jitter: Callable[[], float] = lambda: random.uniform(0.9, 1.1),  # noqa: S311 - no secret
    ) -> None:
        self._clock = clock = neighbours.environment.clock
        self._period = period
        self._jitter = jitter
        self._agendas = neighbours.agendas
        self._buttons = neighbours.buttons
        self._trail = neighbours.trail
        self.outages = Outages(self._clock)
        self.applications = Applications(neighbours.argocd, neighbours.agendas, self.outages)
        self._holds = Holds(
            neighbours.environment,
            self.applications,
            self.outages,
            patience=Patience(deadline=max(SETTLING_DEADLINE, period)),
        )
        self._truth = Truth(
            neighbours.views, self.applications, self._agendas, neighbours.trail, clock=clock
        )
        self._starts = Starts(
            neighbours.argocd, self._agendas, neighbours.airflow, neighbours.locks, clock=clock
        )
        self._airflow = AirflowLook(neighbours.airflow)
        self._handoffs = Handoffs(neighbours.documents, clock=clock)
        self._runtime = RuntimeLook(neighbours.airflow)
        self._unverified: tuple[Unverified, ...] = ()
        self._next_look = self._next_inventory = self._alive_at = clock.monotonic()
        self._done_at: float | None = None
        self.metrics = Metrics(
            calls=neighbours.calls, asked_for=self._asked_for, age=lambda: self._age() or 0.0
        )

    @property
    def questions(self) -> Questions:
        """What a kubelet and Prometheus may ask."""
        return Questions(alive=self._stuck, ready=self._unready, metrics=self.metrics.exposition)

    def run(self) -> None:
        """Do pass after pass, until SIGTERM ends it (``TerminatedError``)."""
        if not self.applications.known:
            log.info("no access to Argo CD: holds that nobody releases end with their leases")
        failures = 0
        while True:
            failures = failures + 1 if self.do_pass().failure is not None else 0
            wait = min(self._period, 2.0 ** (failures - 1)) if failures else self._period
            self._clock.sleep(wait * self._jitter())

    def foresee(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return which holds a pass would end, and why, and which DAGs it would settle.

        Raises:
            UnavailableError: the ledger's store does not answer.
            SettingsError: a ledger that cannot be read.

        """
        return self._holds.foresee()

    def do_pass(self) -> Pass:
        """Do one pass, with everything that is due; an expected failure is told, not raised."""
        self._alive_at = self._clock.monotonic()
        holds, failure = None, None
        try:
            holds = self._holds.look_after()
        except (UnavailableError, RejectedError, SettingsError) as exc:
            failure = exc
        if holds is not None:
            self._after_holds(holds)
        if self._buttons is not None:
            with self.outages.tolerated("requests"):
                self._buttons.look()
        self._count(failure)
        self._look_around(holds)
        self._trail.anchor()
        if failure is None:
            self._done_at = self._clock.monotonic()
        return Pass(
            holds=holds,
            unverified=self._unverified,
            failure=failure,
            changed=dict(self._runtime.changed),
        )

    def _after_holds(self, holds: HoldsPass) -> None:
        self.metrics.ended.inc(len(holds.ended))
        self.metrics.show_ledger(holds.record, lost=len(self._holds.last_ledger.lost))
        for ended in holds.ended:
            self._trail.note(
                "hold ended",
                {"reason": ended.reason, "dags": sorted(ended.dag_ids)},
                context=Context(
                    hook="watch", application=ended.application, revision=ended.revision
                ),
            )
            with self.outages.tolerated("DagSets"):
                self._truth.end_syncing(ended.application, ended.reason)

    def _look_around(self, holds: HoldsPass | None) -> None:
        """Once a minute: Airflow's health, what is verified, what was denied; seldom: the DAGs."""
        now = self._clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        with self.outages.tolerated("Airflow"):
            self._airflow.look_at_health()
        if holds is not None:
            self._follow_up(holds)
        if now >= self._next_inventory:
            with self.outages.tolerated("Airflow's DAGs"):
                verified = self._truth.verified
                self._airflow.look_at_dags({a: frozenset(v.digests) for a, v in verified.items()})
                self._runtime.look(verified)
                self._next_inventory = now + INVENTORY_EVERY
            if holds is not None:
                with self.outages.tolerated("handoffs"):
                    self._handoffs.tidy(holds.record.holds.keys())
        self.metrics.show_airflow(self._airflow.seen, changed=self._runtime.changed)

    def _follow_up(self, holds: HoldsPass) -> None:
        held = holds.record.holds.keys() - {each.application for each in holds.ended}
        with self.outages.tolerated("agenda"):
            agenda = self._agendas.read()
            with self.outages.tolerated("DagSets"):
                self._unverified = tuple(self._truth.look_after(held, agenda))
                self.metrics.show_unverified(self._unverified)
            with self.outages.tolerated("denied revisions"):
                self._starts.look_after(agenda)

    def _count(self, failure: FermataError | None) -> None:
        outcome: Outcome = "done"
        if failure is not None:
            outcome = "unavailable" if isinstance(failure, UnavailableError) else "refused"
        self.metrics.passes.labels(outcome).inc()

    def _asked_for(self) -> Mapping[str, int]:
        return Counter(refresh=self.applications.refreshes, sync=self._starts.started)

    def _age(self) -> float | None:
        """Return the seconds since a pass came to its end; None: none has yet."""
        return None if self._done_at is None else self._clock.monotonic() - self._done_at

    def _stuck(self) -> str:
        silent = self._clock.monotonic() - self._alive_at
        limit = STUCK_AFTER + 2 * self._period
        return f"no pass began for {format_duration(silent)}" if silent > limit else ""

    def _unready(self) -> str:
        if LEDGER in self.outages.why:
            return f"{LEDGER}: {self.outages.why[LEDGER]}"
        return "" if self._done_at is not None else "no pass has come to its end yet"
