"""What Argo CD says of the applications with holds; and the refreshes that wake it up."""

import logging
from dataclasses import replace

from fermata_hooks.agenda import Agenda, Agendas
from fermata_hooks.argocd import Application, ArgoCd
from fermata_hooks.watching._outages import Outages
from fermata_hooks.watching.endings import Seen

ARGOCD = "Argo CD"
REFRESHES = "Argo CD's refreshes"

log = logging.getLogger("fermata.watch")


class Applications:
    """The applications as Argo CD knows them; without access to it nothing is known of any."""

    def __init__(self, argocd: ArgoCd | None, agendas: Agendas, outages: Outages) -> None:
        self._argocd = argocd
        self._agendas = agendas
        self._outages = outages
        self._found: set[str] | None = None
        self._woken: set[tuple[str, str, str]] = set()
        self.refreshes = 0

    @property
    def known(self) -> bool:
        """Whether there is access to an Argo CD at all."""
        return self._argocd is not None

    def look(self, name: str, *, remember: bool = True) -> Seen | None:
        """Return what is known of an application; None: nothing (told once, if it should be).

        ``remember``: put it on the agenda that it was found.
        """
        seen = None
        if self._argocd is not None:
            with self._outages.tolerated(ARGOCD):
                application = self._argocd.application(name)
                found = application is not None and remember
                seen = Seen(application, before=self._was_found(name, now=found))
        return seen

    def wake(self, application: Application) -> None:
        """Ask for one refresh if the operation waits for a Job that has ended.

        Argo CD acts on a hook's end up to 5 s later, and after a restart of its controller up to
        two minutes later (measured on 3.6); a refresh makes it look at once.
        """
        operation = application.operation
        if self._argocd is None or operation is None or not operation.in_progress:
            return
        for job in operation.waiting_for:
            key = (application.name, operation.started, job.name)
            if key in self._woken:
                continue
            with self._outages.tolerated(ARGOCD):
                if not self._argocd.hook_has_ended(application, job):
                    continue
                self._woken.add(key)
                self.refresh(application.name, f"{job.phase} {job.name} has ended")
                return

    def refresh(self, name: str, why: str) -> None:
        """Ask for a refresh; that none is allowed is told once."""
        if self._argocd is None:
            return
        with self._outages.tolerated(REFRESHES):
            self._argocd.refresh(name)
            self.refreshes += 1
            log.info("%s: refresh asked for: %s", name, why)

    def forget_operations_but_of(self, applications: set[str]) -> None:
        """Forget what was woken of applications that hold nothing any more."""
        self._woken = {key for key in self._woken if key[0] in applications}

    def _was_found(self, name: str, *, now: bool) -> bool:
        """Return whether any watch has ever found the application; remember what was found now."""
        if self._found is None:
            self._found = set(self._agendas.read().seen)
        before = name in self._found
        if now and not before:
            self._agendas.change(lambda agenda: _with_seen(agenda, name))
            self._found.add(name)
        return before


def _with_seen(agenda: Agenda, name: str) -> Agenda:
    return replace(agenda, seen=agenda.seen | {name})
