"""Keep ``DagSet.status`` true between syncs: no stale ``Syncing``, nothing unverified untold."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from fermata_hooks.agenda import Agenda, Agendas, SyncSeen
from fermata_hooks.audit import Context, Trail
from fermata_hooks.clock import Clock
from fermata_hooks.dagset_views import DagSetView, DagSetViews
from fermata_hooks.watching._applications import Applications
from fermata_hooks.watching.unverified import Unverified, marked, unverified
from fermata_spec.dagset import DagSetStatus, Verified

GRACE = 60.0
"""Seconds from the first look at a ``Syncing`` without a hold until Argo CD is asked about it."""
LEASE = 3600.0
"""Seconds after which a ``Syncing`` without a hold is stale, where Argo CD does not tell."""

log = logging.getLogger("fermata.watch")


class Truth:
    """The statuses of all DagSets, looked after."""

    def __init__(
        self,
        views: DagSetViews,
        applications: Applications,
        agendas: Agendas,
        trail: Trail,
        *,
        clock: Clock,
    ) -> None:
        self._trail = trail
        self._views = views
        self._applications = applications
        self._agendas = agendas
        self._clock = clock
        self._told: dict[str, Unverified] = {}
        self.verified: dict[str, Verified] = {}  # by application, its last pass

    def look_after(self, held: Collection[str], agenda: Agenda) -> list[Unverified]:
        """Look at every DagSet; return what is unverified. ``held``: applications with a hold."""
        views = self._views.views()
        self.verified = {
            view.application: view.status.verified
            for view in views
            if view.status.verified is not None
        }
        syncing = [v for v in views if v.status.phase == "Syncing" and v.application not in held]
        seen = self._remember(syncing, agenda)
        for view in syncing:
            self._end_if_stale(view, self._clock.now() - seen[view.application].since)
        found = [each for view in views if (each := unverified(view)) is not None]
        self._told = {each.application: each for each in found if self._tell(each)}
        return found

    def end_syncing(self, application: str, reason: str) -> None:
        """End what a status says of a hold that has just ended: its ``Syncing``, its DAGs.

        What was verified, and what not, stays.
        """

        def ended(status: DagSetStatus) -> DagSetStatus | None:
            if status.dags is not None and status.dags.held:
                status = replace(status, dags=replace(status.dags, held=0))
            elif status.phase != "Syncing":
                return None
            if status.phase != "Syncing":
                return status
            message = f"the sync of {status.revision[:12]} ended without an answer: {reason}"
            return replace(status, phase="Idle", verdict="inconclusive", message=message)

        status = self._views.amend(application, ended)
        if status is not None:
            context = Context(hook="watch", application=application, revision=status.revision)
            self._trail.note("sync ended", {"reason": reason}, context=context)
            log.warning("%s: %s", application, status.message)

    def _remember(self, syncing: Collection[DagSetView], agenda: Agenda) -> Mapping[str, SyncSeen]:
        """Return since when each was seen, across restarts; written only if it changes."""
        if not syncing and not agenda.syncing:
            return {}
        now = self._clock.now()

        def decide(agenda: Agenda) -> Agenda:
            seen = {}
            for view in syncing:
                before = agenda.syncing.get(view.application)
                same = before is not None and before.revision == view.status.revision
                new = SyncSeen(revision=view.status.revision, since=now)
                seen[view.application] = before if before is not None and same else new
            return replace(agenda, syncing=seen)

        return self._agendas.change(decide).syncing

    def _end_if_stale(self, view: DagSetView, lasted: float) -> None:
        seen = self._applications.look(view.application) if lasted >= GRACE else None
        if seen is not None and (seen.application is not None or seen.before):
            if seen.application is None:
                self.end_syncing(view.application, "its Application is gone")
            elif not seen.application.in_progress:
                self.end_syncing(view.application, "Argo CD has no operation of it any more")
        elif lasted >= LEASE:
            self.end_syncing(view.application, "nothing was heard of it for an hour")

    def _tell(self, found: Unverified) -> bool:
        """Say what is unverified, in log and status, once; return whether that is done."""
        if self._told.get(found.application) == found:
            return True
        seen = self._applications.look(found.application)
        if seen is not None and seen.application is not None and seen.application.in_progress:
            return False  # its hold step may be about to say Syncing

        def said(status: DagSetStatus) -> DagSetStatus | None:
            after = marked(status, found)
            return None if status.phase == "Syncing" or after == status else after

        self._views.amend(found.application, said)
        log.warning("%s: %s", found.application, found.message)
        return True
