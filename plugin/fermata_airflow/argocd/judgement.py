"""What the state of an application means for somebody who waits. No I/O, no clock of its own.

A judge is shown an application at each look and says the outcome, or None to go on. Times of
Argo CD are compared with times of Argo CD only. Each wait's rule:

``OperationJudge``: *our* operation has ended: found by its marker, or by its start where it is
another's. If another one took its place before we saw the end, the history tells if it succeeded.

``HealthJudge``: Healthy, Synced, no operation in progress, at the wanted revision or a later one,
compared after ``after``; so many looks in a row.

``SyncJudge``: the one, then the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from fermata_airflow.argocd.application import Application, Deployment, Operation
from fermata_spec.initiator import MARKER

GRACE = 30.0  # seconds in which an accepted operation may not be seen: the API reads a cache
SHORTEST = 7  # characters of a revision that may stand for all of it
MOST_FAILURES = 5  # resources that are named in one message

Status = Literal["done", "failed", "lost", "deleted", "degraded"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a wait ended; ``application`` is what was seen last."""

    status: Status
    message: str
    application: Application | None = None
    operation: Operation | None = None


class Judge(Protocol):
    """One who is shown an application until the outcome is known."""

    @property
    def why(self) -> str:
        """Why it is not known yet."""

    @property
    def again(self) -> float | None:
        """Seconds until another look tells more, though nothing may have changed."""

    @property
    def wants_refresh(self) -> bool:
        """Whether a refresh would tell more than the next look."""

    def look(self, application: Application | None, now: float) -> Outcome | None:
        """Return the outcome; None to go on. ``application``: None if it is surely gone."""


def _gone(name: str) -> Outcome:
    return Outcome(status="deleted", message=f"application {name}: was deleted during the wait")


class OperationJudge:
    """Waits for the end of one operation, by its ``marker`` or by its ``started``.

    With neither: for whichever runs, or is about to, at the first look; none is ``done``.
    """

    def __init__(self, name: str, *, marker: str = "", started: str = "") -> None:
        self._name = name
        self._marker = marker
        self._started = started
        self._first: float | None = None
        self.why = "not looked at yet"
        self.again: float | None = None
        self.wants_refresh = False

    def look(self, application: Application | None, now: float) -> Outcome | None:
        """Look."""
        if application is None:
            return _gone(self._name)
        self._first = now if self._first is None else self._first
        self.again = None
        operation = application.operation
        if application.requested is not None and self._is_requested(application.requested):
            self.why = "the operation has not begun"
            return None
        if operation is not None and self._is_ours(operation):
            self._started = operation.started
            return self._ended(application, operation)
        return self._missing(application, now)

    def _is_requested(self, infos: object) -> bool:
        if self._marker:
            return isinstance(infos, dict) and infos.get(MARKER) == self._marker
        return not self._started

    def _is_ours(self, operation: Operation) -> bool:
        if self._marker:
            return operation.infos.get(MARKER) == self._marker
        return not self._started or operation.started == self._started

    def _ended(self, application: Application, operation: Operation) -> Outcome | None:
        self.why = (
            f"{operation.phase}: {operation.message}" if operation.message else (operation.phase)
        )
        if not operation.ended:
            return None
        return Outcome(
            status="done" if operation.phase == "Succeeded" else "failed",
            message=describe(self._name, operation),
            application=application,
            operation=operation,
        )

    def _missing(self, application: Application, now: float) -> Outcome | None:
        if not self._marker and not self._started:
            return Outcome(
                status="done",
                message=f"application {self._name}: no operation is in progress",
                application=application,
            )
        if any(entry.started == self._started for entry in application.history if self._started):
            return Outcome(
                status="done",
                message=f"application {self._name}: Succeeded (by its history)",
                application=application,
            )
        if self._first is None or now - self._first < GRACE:
            self.why, self.again = "the operation is not seen yet", 1.0
            return None
        other = application.operation
        instead = f"one of {other.started} is there" if other else "none is there"
        told = f"application {self._name}: our operation is not to be seen; {instead}"
        return Outcome(status="lost", message=told, application=application)


class HealthJudge:
    """Waits until an application is well; see the module."""

    def __init__(  # noqa: PLR0913 - all by keyword but the name
        self,
        name: str,
        *,
        revision: str = "",
        after: float | None = None,
        looks: int = 1,
        look_interval: float = 3.0,
        require_synced: bool = True,
        fail_on_degraded: bool = False,
    ) -> None:
        self._name = name
        self._revision = revision
        self._after = after
        self._looks = looks
        self._interval = look_interval
        self._require_synced = require_synced
        self._fail_on_degraded = fail_on_degraded
        self._well: list[float] = []
        self._was_healthy = False
        self.why = "not looked at yet"
        self.again: float | None = None
        self.wants_refresh = False

    def look(self, application: Application | None, now: float) -> Outcome | None:
        """Look."""
        if application is None:
            return _gone(self._name)
        self.again, self.wants_refresh = None, False
        self.why = self._unwell(application)
        if self._has_turned(application):
            told = f"application {self._name}: turned Degraded: {application}"
            return Outcome(status="degraded", message=told, application=application)
        if self.why:
            self._well.clear()
            return None
        if not self._well or now - self._well[-1] >= self._interval:
            self._well.append(now)
        if len(self._well) >= self._looks:
            told = f"application {self._name}: {application}, {len(self._well)} look(s) in a row"
            return Outcome(status="done", message=told, application=application)
        self.again = max(self._well[-1] + self._interval - now, 0.0)
        self.why = f"Healthy, {len(self._well)} of {self._looks} looks in a row"
        return None

    def _unwell(self, application: Application) -> str:
        """Return the first thing that is wanting; empty if all is well."""
        checks = (self._moves, self._elsewhere, self._stale, self._ill)
        return next((why for check in checks if (why := check(application))), "")

    def _moves(self, application: Application) -> str:
        if application.busy:
            return "an operation is in progress"
        return "it is being deleted" if application.deleting else ""

    def _elsewhere(self, application: Application) -> str:
        return not_at(application, self._revision) if self._revision else ""

    def _stale(self, application: Application) -> str:
        after, seen = self._not_before(application), application.reconciled
        if after is None or (seen is not None and seen > after):
            return ""
        self.wants_refresh, self.again = True, 1.0
        return "Argo CD has not looked at it since"

    def _ill(self, application: Application) -> str:
        if self._require_synced and application.sync_status != "Synced":
            return f"{application.sync_status or 'Unknown'}: {_first(application.conditions)}"
        return "" if application.health == "Healthy" else str(application)

    def _not_before(self, application: Application) -> float | None:
        operation = application.operation
        finished = operation.finished if operation and operation.ended else None
        times = [each for each in (self._after, finished) if each is not None]
        return max(times) if times else None

    def _has_turned(self, application: Application) -> bool:
        if not self.why:
            self._was_healthy = True
        return self._fail_on_degraded and self._was_healthy and application.health == "Degraded"


class SyncJudge:
    """Waits for our operation, and then, if asked, for the health of what it brought."""

    def __init__(self, operation: OperationJudge, health: HealthJudge | None) -> None:
        self._operation_judge = operation
        self._health_judge = health
        self._done: Outcome | None = None

    @property
    def _current(self) -> Judge:
        if self._done is None or self._health_judge is None:
            return self._operation_judge
        return self._health_judge

    @property
    def why(self) -> str:
        """Why the outcome is not known yet."""
        return self._current.why

    @property
    def again(self) -> float | None:
        """Seconds until another look tells more."""
        return self._current.again

    @property
    def wants_refresh(self) -> bool:
        """Whether a refresh would tell more."""
        return self._current.wants_refresh

    def look(self, application: Application | None, now: float) -> Outcome | None:
        """Look."""
        if self._done is None:
            ended = self._operation_judge.look(application, now)
            if ended is None or ended.status != "done" or self._health_judge is None:
                return ended
            self._done = ended
        if self._health_judge is None:
            return self._done
        healthy = self._health_judge.look(application, now)
        if healthy is None:
            return None
        told = f"{self._done.message}; {healthy.message}"
        return Outcome(
            status=healthy.status,
            message=told,
            application=healthy.application,
            operation=self._done.operation,
        )


def describe(name: str, operation: Operation) -> str:
    """Return how an operation ended, with what failed: its own message names no hook's failure."""
    told = f"application {name}: {operation.phase} after {operation.seconds:g}s"
    told += f": {operation.message}" if operation.message else ""
    failed = [str(resource) for resource in operation.resources if resource.failed]
    more = f" and {len(failed) - MOST_FAILURES} more" if len(failed) > MOST_FAILURES else ""
    return told + (f" [{'; '.join(failed[:MOST_FAILURES])}{more}]" if failed else "")


def not_at(application: Application, revision: str) -> str:
    """Return why an application is not at ``revision`` or a later one; empty if it is.

    At it: the newest deployment has it, or it was compared last and found Synced (a commit that
    changes nothing here is never deployed). Later: a deployment has it and newer ones follow, of
    which the newest is no return to what was there before.
    """
    if application.sync_status == "Synced" and _has(application.revisions, revision):
        return ""
    history = application.history
    found = [index for index, entry in enumerate(history) if _has(entry.revisions, revision)]
    live = ", ".join(each[:12] for each in history[-1].revisions) if history else "nothing"
    if not found:
        return f"{revision[:12]} was never deployed here; {live} is live"
    if _has_returned(history, found[0]):
        return f"{revision[:12]} was deployed and then left; {live} is live"
    return ""


def _has_returned(history: Sequence[Deployment], first: int) -> bool:
    live = history[-1].revisions
    return any(entry.revisions == live for entry in history[:first])


def _has(revisions: Sequence[str], revision: str) -> bool:
    if len(revision) < SHORTEST:
        return revision in revisions
    return any(each.startswith(revision) for each in revisions)


def _first(conditions: Sequence[str]) -> str:
    return conditions[0] if conditions else "differs from git"


def last_good(application: Application) -> Deployment | None:
    """Return the newest deployment of another revision than the last operation was about."""
    operation = application.operation
    tried = operation.revisions if operation else ()
    for entry in reversed(application.history):
        if entry.revisions and entry.revisions != tried:
            return entry
    return None
