"""The port to Argo CD, and the way to read by one adapter and ask by another."""

from collections import Counter
from typing import Protocol

from fermata_hooks.argocd._models import Application, HookJob


class ArgoCd(Protocol):
    """One Argo CD. Every method raises ``RejectedError`` (may not) or ``UnavailableError``."""

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far, by kind."""

    def application(self, name: str) -> Application | None:
        """Return an application by its instance name; ``None`` only if it is surely gone."""

    def hook_has_ended(self, application: Application, job: HookJob) -> bool:
        """Return whether a hook's Job is complete or has failed."""

    def refresh(self, name: str) -> None:
        """Let Argo CD look at the application now."""

    def may_sync(self, application: Application) -> bool:
        """Return whether we may start a sync."""

    def start_sync(self, application: Application, *, marker: str) -> None:
        """Ask for one sync of the application's ``revision``, with its own options.

        ``marker`` is found again among the operation's ``infos``. No answer: it may have begun.
        """


MARKER = "fermata"
"""The name of the info that carries the marker of a sync that we started."""


class TwoWays:
    """Applications are read as objects of the cluster, and asked for things through the API."""

    def __init__(self, reader: ArgoCd, asker: ArgoCd) -> None:
        self._reader = reader
        self._asker = asker

    @property
    def calls(self) -> Counter[str]:
        """Requests of both, by kind."""
        return self._reader.calls + self._asker.calls

    def application(self, name: str) -> Application | None:
        """Read."""
        return self._reader.application(name)

    def hook_has_ended(self, application: Application, job: HookJob) -> bool:
        """Read."""
        return self._reader.hook_has_ended(application, job)

    def refresh(self, name: str) -> None:
        """Ask."""
        self._asker.refresh(name)

    def may_sync(self, application: Application) -> bool:
        """Ask."""
        return self._asker.may_sync(application)

    def start_sync(self, application: Application, *, marker: str) -> None:
        """Ask."""
        self._asker.start_sync(application, marker=marker)
