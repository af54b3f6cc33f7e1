"""Triggers: waits that take no worker slot.

Each is a value of JSON with an absolute end. Each fires once: ``{"status": …, "message": …}`` with
``done`` (and ``facts``), ``failed``, ``lost``, ``deleted``, ``degraded``, ``timeout``, or ``error``
(and ``error``, the name of an exception of ``fermata_airflow.exceptions``). All triggers of a
process share one stream an application. After a restart of the triggerer they begin anew, to the
same end.
"""

import asyncio
import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fermata_airflow.argocd import calls
from fermata_airflow.argocd.application import read_application
from fermata_airflow.argocd.calls import Call, Target
from fermata_airflow.argocd.endpoint import read_connection
from fermata_airflow.argocd.facts import Facts, application_facts, facts_of
from fermata_airflow.argocd.feed import POLL_INTERVAL, Hub, hub
from fermata_airflow.argocd.judgement import HealthJudge, OperationJudge, Outcome, SyncJudge
from fermata_airflow.argocd.waiting import await_outcome
from fermata_airflow.compat import BaseTrigger, TriggerEvent, connection_in_loop
from fermata_airflow.exceptions import (
    ArgoCDError,
    ArgoCDTimeoutError,
    ArgoCDUnavailableError,
)
from fermata_spec.initiator import MARKER

Event = dict[str, Any]

SHORTEST = 1.0  # seconds for one request, however near the end


class _WaitTrigger(BaseTrigger):
    """A wait for Argo CD, by a connection."""

    argocd_conn_id: str
    end_time: float
    poll_interval: float

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and exactly what ``__init__`` takes."""
        cls = type(self)
        names = [name for name in inspect.signature(cls.__init__).parameters if name != "self"]
        return f"{cls.__module__}.{cls.__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event; see the module."""
        yield TriggerEvent(await self._event())

    async def _event(self) -> Event:
        try:
            endpoint = read_connection(await connection_in_loop(self.argocd_conn_id))
            async with hub(self.argocd_conn_id, endpoint) as shared:
                return await self._wait(shared)
        except ArgoCDTimeoutError as exc:
            return {"status": "timeout", "message": str(exc)}
        except ArgoCDError as exc:
            return {"status": "error", "message": str(exc), "error": type(exc).__name__}

    @abstractmethod
    async def _wait(self, shared: Hub) -> Event:
        """Return the event once what is waited for has happened."""

    async def _asked(self, shared: Hub, ask: Callable[[float], Call]) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to what ``ask`` makes, given the seconds left; none is waited out."""
        while True:
            call = ask(max(self.end_time - time.time(), SHORTEST))
            try:
                return await shared.client.send(call)
            except ArgoCDUnavailableError as exc:
                if time.time() + self.poll_interval >= self.end_time:
                    raise ArgoCDTimeoutError(f"the wait has come to its end: {exc}") from exc
                self.log.info("%s", exc)
            await asyncio.sleep(self.poll_interval)

    def _say(self, target: Target, why: str) -> None:
        self.log.info("application %s: %s", target, why)


class ArgoCDOperationTrigger(_WaitTrigger):
    """Waits for the end of one operation, and then for health, if asked.

    :param marker: of the operation; or
    :param started: when it began, as Argo CD says; with neither: whichever runs
    :param health: what counts as well (``HealthWish``); None: the operation alone
    :param end_time: seconds since the epoch
    :param terminate_on_kill: end the operation when a person ends the task (Airflow 3.3 and newer)
    """

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        argocd_conn_id: str,
        application: str,
        end_time: float,
        project: str = "",
        app_namespace: str = "",
        marker: str = "",
        started: str = "",
        health: Mapping[str, Any] | None = None,
        poll_interval: float = POLL_INTERVAL,
        terminate_on_kill: bool = False,
    ) -> None:
        super().__init__()
        self.argocd_conn_id = argocd_conn_id
        self.application = application
        self.end_time = end_time
        self.project = project
        self.app_namespace = app_namespace
        self.marker = marker
        self.started = started
        self.health = dict(health) if health is not None else None
        self.poll_interval = poll_interval
        self.terminate_on_kill = terminate_on_kill

    @property
    def _target(self) -> Target:
        return Target(self.application, self.project, self.app_namespace)

    async def _wait(self, shared: Hub) -> Event:
        judge = SyncJudge(
            OperationJudge(self.application, marker=self.marker, started=self.started),
            None if self.health is None else HealthJudge(self.application, **self.health),
        )
        outcome = await await_outcome(
            shared,
            self._target,
            judge,
            end=self.end_time,
            poll_interval=self.poll_interval,
            say=lambda why: self._say(self._target, why),
        )
        return _event_of(outcome, facts_of(outcome, application=self.application))

    async def on_kill(self) -> None:
        """End our operation, since a person has ended the task; nobody else's."""
        if not self.terminate_on_kill or not self.marker:
            return
        endpoint = read_connection(await connection_in_loop(self.argocd_conn_id))
        async with hub(self.argocd_conn_id, endpoint) as shared:
            raw = await shared.client.send(calls.get(self._target))
            application = read_application(raw, known=self._target)
            operation = application.operation
            infos = application.requested or (operation.infos if operation else {})
            if application.busy and infos.get(MARKER) == self.marker:
                await shared.client.send(calls.terminate(self._target))


class ArgoCDHealthTrigger(_WaitTrigger):
    """Waits until applications are well, all of them.

    :param applications: of each its name, project and namespace
    :param selector: labels; what matches when all of these are well, and is none of them, is waited
        for as well, and then all are looked at again
    :param projects: of what the selector may match; the connection's if empty
    :param app_namespace: the same; the connection's, if empty
    :param health: what counts as well (``HealthWish``)
    :param end_time: seconds since the epoch
    """

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        argocd_conn_id: str,
        applications: Sequence[Sequence[str]],
        health: Mapping[str, Any],
        end_time: float,
        selector: str = "",
        projects: Sequence[str] = (),
        app_namespace: str = "",
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        super().__init__()
        self.argocd_conn_id = argocd_conn_id
        self.applications = [list(application) for application in applications]
        self.selector = selector
        self.projects = list(projects)
        self.app_namespace = app_namespace
        self.health = dict(health)
        self.end_time = end_time
        self.poll_interval = poll_interval

    async def _wait(self, shared: Hub) -> Event:
        targets = [Target(*application) for application in self.applications]
        while True:
            outcomes = await self._all(shared, targets)
            bad = next((each for each in outcomes if each.status != "done"), None)
            if bad is not None:
                return _event_of(bad, {})
            new = [each for each in await self._matching(shared) if each not in targets]
            if not new:
                break
            self.log.info("selector %s: now also %s", self.selector, ", ".join(map(str, new)))
            targets += new
        facts = [
            facts_of(outcome, application=target.name)
            for outcome, target in zip(outcomes, targets, strict=True)
        ]
        return {
            "status": "done",
            "message": "; ".join(outcome.message for outcome in outcomes[:5]),
            "facts": {"applications": facts},
        }

    async def _all(self, shared: Hub, targets: Sequence[Target]) -> list[Outcome]:
        """Return the outcome of each, or of the first alone that is not well."""
        waits = [asyncio.create_task(self._one(shared, target)) for target in targets]
        try:
            for done in asyncio.as_completed(waits):
                outcome = await done
                if outcome.status != "done":
                    return [outcome]
            return [wait.result() for wait in waits]
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _matching(self, shared: Hub) -> list[Target]:
        """Return what the selector matches now; nothing without one."""
        if not self.selector:
            return []
        endpoint = shared.client.endpoint
        own = [endpoint.project] if endpoint.project else []
        namespace = self.app_namespace or endpoint.app_namespace
        call = calls.applications(
            projects=self.projects or own, selector=self.selector, namespace=namespace
        )
        known = Target("", namespace=namespace)
        found = (await self._asked(shared, lambda _left: call)).get("items") or []
        return [read_application(item, known=known).target for item in found]

    async def _one(self, shared: Hub, target: Target) -> Outcome:
        return await await_outcome(
            shared,
            target,
            HealthJudge(target.name, **self.health),
            end=self.end_time,
            poll_interval=self.poll_interval,
            say=lambda why: self._say(target, why),
        )


class ArgoCDRefreshTrigger(_WaitTrigger):
    """Lets Argo CD compare an application with git; fires when that is done.

    :param hard: also make the manifests anew
    :param end_time: seconds since the epoch
    """

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        argocd_conn_id: str,
        application: str,
        end_time: float,
        project: str = "",
        app_namespace: str = "",
        hard: bool = False,
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        super().__init__()
        self.argocd_conn_id = argocd_conn_id
        self.application = application
        self.end_time = end_time
        self.project = project
        self.app_namespace = app_namespace
        self.hard = hard
        self.poll_interval = poll_interval

    async def _wait(self, shared: Hub) -> Event:
        target = Target(self.application, self.project, self.app_namespace)
        raw = await self._asked(
            shared, lambda left: calls.refresh(target, hard=self.hard, timeout=left)
        )
        application = read_application(raw, known=target)
        message = f"application {target}: {application}"
        return {"status": "done", "message": message, "facts": application_facts(application)}


def _event_of(outcome: Outcome, facts: Facts) -> Event:
    event: Event = {"status": outcome.status, "message": outcome.message}
    return event | ({"facts": facts} if outcome.status == "done" else {})
