"""What the buttons do: verify, smoke and release, with the plan that was last applied.

Each says in ``DagSet.status`` what came of it. While a sync runs, verify and smoke are left to it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.clock import Clock
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.dagset_status import verified_now
from fermata_hooks.holding import Environment, Patience, release_hold
from fermata_hooks.smoke import smoke
from fermata_hooks.termination import Termination
from fermata_hooks.verification import Verification, figures_of, verify
from fermata_hooks.watching._buttons import Deed
from fermata_spec.dagset import MOST_OFFENDERS, DagSetStatus, Figures
from fermata_spec.errors import FermataError, InconclusiveError
from fermata_spec.packing import unpack_text
from fermata_spec.plan import Plan, parse_plan

MAX_PLAN = 4 * 1024 * 1024  # bytes, unpacked
RELEASE_DEADLINE = 60.0  # seconds; what is left over the watch settles


class Deeds:
    """The three deeds, of one watch."""

    def __init__(
        self,
        environment: Environment,
        airflow: AirflowApi,
        dagsets: KubernetesDagSets,
        *,
        clock: Clock,
        termination: Termination,
    ) -> None:
        self._env, self._airflow, self._dagsets = environment, airflow, dagsets
        self._clock, self._termination = clock, termination

    @property
    def by_action(self) -> Mapping[str, Deed]:
        """Each deed by the name of its button."""
        return {"verify": self.verify, "smoke": self.smoke, "release": self.release}

    def release(self, application: str, _id: str) -> None:
        """End the application's hold, as ``fermata release --application`` does."""
        patience = Patience(deadline=RELEASE_DEADLINE)
        with self._told(application, "release"):
            released = release_hold(self._env, application, revision=None, patience=patience)
        settled = released.settled
        told = f"release on request: {len(settled.outcomes)} DAG(s) settled"
        if left := [*settled.waiting, *settled.gone, *settled.refused]:
            told += f", {len(left)} not yet: {', '.join(left[:5])}"

        def said(status: DagSetStatus) -> DagSetStatus:
            dags = replace(status.dags, held=0) if status.dags else None
            return replace(status, dags=dags, message=told)

        self._dagsets.amend(application, said)

    def verify(self, application: str, _id: str) -> None:
        """Prove every DAG of the plan that was last applied.

        A pass counts as verified where the plan has no smoke DAG, or this revision has passed.
        """
        with self._told(application, "verify"):
            plan = self._plan(application)
            done = verify(
                self._airflow,
                plan,
                handoff=None,
                status=DagSetStatus(),
                clock=self._clock,
                still_held=self._no_sync(application),
            )
        self._dagsets.amend(application, lambda status: self._verified(status, plan, done))

    def smoke(self, application: str, request: str) -> None:
        """Run the smoke DAGs of the plan that was last applied."""
        with self._told(application, "smoke"):
            plan = self._plan(application)
            done = smoke(
                self._airflow,
                plan,
                sync=float(request.partition("-")[0]),
                clock=self._clock,
                termination=self._termination,
                still_held=self._no_sync(application),
            )
        told = f"smoke on request: {done.verdict}: {done.message}"

        def said(status: DagSetStatus) -> DagSetStatus | None:
            if status.phase == "Syncing":
                return None
            if done.verdict == "fail":
                return replace(status, verdict="fail", message=told, offenders=done.failed)
            return replace(status, message=told)

        self._dagsets.amend(application, said)

    def _verified(
        self, status: DagSetStatus, plan: Plan, done: Verification
    ) -> DagSetStatus | None:
        if status.phase == "Syncing":
            return None  # a sync has begun: it will say
        told = replace(
            status,
            verdict=done.verdict,
            message=f"verify on request: {done.message}",
            dags=_with_held(status, done),
            offenders=done.failed[:MOST_OFFENDERS] if done.verdict == "fail" else (),
        )
        passed_before = status.verified is not None and status.verified.revision == plan.revision
        if done.verdict != "pass":
            return told
        if plan.smoke.dags and not passed_before:
            why = (
                f"{told.message}; the smoke DAGs have not run: the next sync counts them as touched"
            )
            return replace(told, verdict="inconclusive", message=why)
        return replace(told, verified=verified_now(plan, self._clock), unproven=())

    def _plan(self, application: str) -> Plan:
        """Return the plan that was last applied.

        Raises:
            InconclusiveError: there is none, or a sync runs.
            SettingsError: it is damaged.

        """
        status = self._status(application)
        if not status.plan:
            raise InconclusiveError(
                "no plan is kept: none was applied yet, or it is too large (some 5,000 DAGs)"
            )
        try:
            text = unpack_text(status.plan, most=MAX_PLAN)
        except ValueError as exc:
            raise InconclusiveError(f"the plan that is kept is {exc}") from exc
        return parse_plan(text, origin=f"the plan in {application}'s DagSet")

    def _status(self, application: str) -> DagSetStatus:
        """Return the status; raise ``InconclusiveError`` while a sync runs."""
        status = self._dagsets.read(application)
        if status.phase == "Syncing":
            raise InconclusiveError("a sync runs, which does it itself")
        return status

    def _no_sync(self, application: str) -> Callable[[], None]:
        """Return what is asked at each look: it raises as soon as a sync has begun."""

        def ask() -> None:
            self._status(application)

        return ask

    @contextmanager
    def _told(self, application: str, action: str) -> Iterator[None]:
        """Say in the status what kept the block from its end, and raise it."""
        try:
            yield
        except FermataError as exc:
            told = f"{action} on request: {exc}"
            self._dagsets.amend(application, lambda status: replace(status, message=told))
            raise


def _with_held(status: DagSetStatus, done: Verification) -> Figures | None:
    """Return what was counted now; what is held was not looked at, and stays."""
    figures = figures_of(done.checks)
    if figures is None or status.dags is None:
        return figures or status.dags
    return replace(figures, held=status.dags.held)
