"""One sync of a revision that was denied, once what was in its way is gone.

Argo CD tries no revision twice after its own retries. The massive DAG ends at 2 a.m., and the
change goes out: exactly one sync is started, by whichever watch writes down first that it does.
The sync carries a marker, by which it is found again; where no answer came, it is asked for again
only when the first request cannot land any more and its marker is nowhere.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from fermata_hooks.agenda import (
    FORGOTTEN_AFTER,
    MAY_NOT,
    WILL_START,
    Agenda,
    Agendas,
    Denial,
)
from fermata_hooks.airflow_api import BUSY_TASK_STATES, DagRun, TaskInstance
from fermata_hooks.argocd import MARKER, Application, ArgoCd
from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.ledger import CLOCKS_DIFFER
from fermata_hooks.locks import Locks
from fermata_spec.errors import RejectedError, UnavailableError

LATE = 300.0
"""Seconds for which a request to Argo CD that had no answer may still begin a sync."""
NO_ARGOCD = "nothing will happen by itself: watch has no access to Argo CD's API"

log = logging.getLogger("fermata.watch")


class Tasks(Protocol):
    """What is asked of Airflow: which tasks are in the way."""

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        """Return the task instances of ``dag_ids`` in ``states``."""

    @property
    def history(self) -> "Runs":
        """Questions about runs."""


class Runs(Protocol):
    """What is asked of Airflow: which runs are in the way."""

    def active_runs(self, dag_ids: Sequence[str]) -> list[DagRun]:
        """Return the runs of ``dag_ids`` that are queued or running."""


class Starts:
    """The denials of the agenda, followed until each is over."""

    def __init__(
        self,
        argocd: ArgoCd | None,
        agendas: Agendas,
        airflow: Tasks,
        locks: Locks,
        *,
        clock: Clock,
    ) -> None:
        self._argocd = argocd
        self._locks = locks
        self._agendas = agendas
        self._airflow = airflow
        self._clock = clock
        self._refused: dict[str, str] = {}
        self._may: bool | None = None
        self.started = 0

    def look_after(self, agenda: Agenda) -> None:
        """Follow each denial one step; without any this asks nobody.

        Raises:
            UnavailableError: Argo CD, Airflow or the store gave no answer.
            RejectedError: one of them refuses.

        """
        for denial in agenda.denials.values():
            if self._clock.now() > denial.at + FORGOTTEN_AFTER:
                self._write(denial, None)
            elif self._argocd is None:
                self._say(denial, NO_ARGOCD)
            else:
                self._follow(self._argocd, denial)

    def _follow(self, argocd: ArgoCd, denial: Denial) -> None:
        application = argocd.application(denial.application)
        if application is None or self._is_superseded(application, denial):
            self._write(denial, None)
            return
        match denial.state:
            case "waiting":
                self._await(argocd, application, denial)
            case "started":
                self._confirm(application, denial)
            case "done":
                pass

    def _await(self, argocd: ArgoCd, application: Application, denial: Denial) -> None:
        may = argocd.may_sync(application)
        self._note_right(may=may)
        if not may:
            self._say(denial, MAY_NOT)
            return
        if application.in_progress:
            return
        in_the_way = self._in_the_way(denial)
        if in_the_way:
            self._say(denial, f"{WILL_START}: {in_the_way}")
            return
        argocd.refresh(application.name)
        fresh = argocd.application(application.name)
        if fresh is None or fresh.in_progress or self._is_superseded(fresh, denial):
            return
        marker = secrets.token_hex(8)
        now = self._clock.now()
        if self._claim(denial, marker=marker, now=now):
            self._start(argocd, fresh, replace(denial, state="started", marker=marker, started=now))

    def _claim(self, denial: Denial, *, marker: str, now: float) -> bool:
        """Write down that we start it; return False if somebody else is about to, or has."""

        def decide(agenda: Agenda) -> Agenda:
            current = agenda.denials.get(denial.application)
            if current is None or current.state != "waiting" or not _same(current, denial):
                return agenda
            started = replace(
                current,
                state="started",
                marker=marker,
                started=now,
                outlook=f"one sync of it was asked for at {rfc3339(now)}",
            )
            return agenda.with_denial(denial.application, started)

        written = self._agendas.change(decide).denials.get(denial.application)
        return written is not None and written.marker == marker

    def _start(self, argocd: ArgoCd, application: Application, denial: Denial) -> None:
        told = (*_who(denial), denial.rule)
        try:
            argocd.start_sync(application, marker=denial.marker)
        except RejectedError as exc:
            outlook = f"{WILL_START}; Argo CD refused it: {exc}"
            if self._refused.get(application.name) != outlook:
                self._refused[application.name] = outlook
                log.warning("%s@%s: no sync after %s: %s", *told, exc)
            self._write(denial, _waiting(denial, outlook))
            return
        except UnavailableError as exc:
            log.warning("%s@%s: sync after %s: no answer: %s", *told, exc)
            raise
        self.started += 1
        log.warning("%s@%s: one sync started: nothing is in its way after %s", *told)

    def _confirm(self, application: Application, denial: Denial) -> None:
        """Look for the marker of a sync that was asked for; begin anew if it never began."""
        if any(infos.get(MARKER) == denial.marker for infos in application.infos):
            outlook = f"its one sync began at {rfc3339(denial.started)}; there will be no other"
            self._write(denial, replace(denial, state="done", outlook=outlook))
            return
        if application.in_progress or self._clock.now() < denial.started + LATE:
            return
        began = application.operation.started_at if application.operation else None
        if began is not None and began > denial.started - CLOCKS_DIFFER:
            self._write(denial, None)  # somebody's later sync has taken the place of ours
            return
        log.warning("%s@%s: the sync that was asked for never began", *_who(denial))
        self._write(denial, _waiting(denial, WILL_START))

    def _is_superseded(self, application: Application, denial: Denial) -> bool:
        """Return whether another revision is wanted by now, or this one has gone out."""
        operation = application.operation
        gone_out = (
            operation is not None
            and operation.phase == "Succeeded"
            and operation.revision == denial.revision
            and application.sync_status == "Synced"
        )
        return gone_out or application.revision not in ("", denial.revision)

    def _in_the_way(self, denial: Denial) -> str:
        """Return what is in the way, in words; empty: nothing. Airflow is asked last."""
        if self._clock.now() < denial.opens:
            return f"{denial.rule} opens at {rfc3339(denial.opens)}"
        locks = self._locks.of(denial.application)
        if locks:
            return locks[0].told()
        return self._running(denial.running) or self._busy(denial.blocking)

    def _running(self, dag_ids: Sequence[str]) -> str:
        runs = self._airflow.history.active_runs(dag_ids) if dag_ids else []
        names = sorted({run.dag_id for run in runs if run.state == "running"})
        return f"{', '.join(names[:3])} runs" if names else ""

    def _busy(self, dag_ids: Sequence[str]) -> str:
        if not dag_ids:
            return ""
        busy = self._airflow.task_instances(
            dag_ids=sorted(dag_ids), states=sorted(BUSY_TASK_STATES)
        )
        names = sorted({task.dag_id for task in busy})
        return f"{len(busy)} task(s) of {', '.join(names[:3])}" if busy else ""

    def _note_right(self, *, may: bool) -> None:
        """Let ``hold`` know what it may promise in its report."""
        if self._may != may:
            self._agendas.change(lambda agenda: replace(agenda, may_start=may))
            self._may = may

    def _say(self, denial: Denial, outlook: str) -> None:
        """Write the outlook down if it is news."""
        if denial.outlook != outlook:
            self._write(denial, replace(denial, outlook=outlook))

    def _write(self, denial: Denial, after: Denial | None) -> None:
        """Write what becomes of a denial, unless it is another one by now."""

        def decide(agenda: Agenda) -> Agenda:
            current = agenda.denials.get(denial.application)
            if current is None or not _same(current, denial):
                return agenda
            return agenda.with_denial(denial.application, after)

        self._agendas.change(decide)


def _waiting(denial: Denial, outlook: str) -> Denial:
    """Return the denial as if nothing had been asked for yet."""
    return replace(denial, state="waiting", marker="", started=0.0, outlook=outlook)


def _who(denial: Denial) -> tuple[str, str]:
    return denial.application, denial.revision[:12]


def _same(one: Denial, other: Denial) -> bool:
    """Return whether both are one denial in one state of its story."""
    return (one.revision, one.state, one.marker, one.started) == (
        other.revision,
        other.state,
        other.marker,
        other.started,
    )
