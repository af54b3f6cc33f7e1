"""Sensors: the health of applications, and the end of an operation."""

import time
from collections.abc import Sequence
from typing import Any

from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.facts import Facts, facts_of
from fermata_airflow.argocd.feed import POLL_INTERVAL
from fermata_airflow.argocd.judgement import HealthJudge, Judge, OperationJudge
from fermata_airflow.argocd.waiting import checked
from fermata_airflow.compat import (
    AirflowSensorTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    deferrable_by_default,
)
from fermata_airflow.exceptions import ArgoCDSettingsError, ArgoCDTimeoutError
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.links import ArgoCDLink, note_link
from fermata_airflow.tasks import HealthWish, checked_event, deferral_timeout, targets_of
from fermata_airflow.triggers.argocd import ArgoCDHealthTrigger, ArgoCDOperationTrigger

Context = Any


class _ArgoCDSensor(BaseSensorOperator):
    """What both sensors are."""

    operator_extra_links = (ArgoCDLink(),)
    ui_color = "#ef7b4d"
    ui_fgcolor = "#fff"

    def execute_complete(self, context: Context, event: Any) -> Facts:  # noqa: ANN401, ARG002
        """Return the facts that the trigger brings, or raise what it means."""
        try:
            facts = checked_event(event)
        except ArgoCDTimeoutError as exc:
            raise AirflowSensorTimeout(str(exc)) from exc
        self.log.info("%s", event.get("message"))
        return facts


class ArgoCDHealthSensor(_ArgoCDSensor):
    """Waits until applications are Healthy and Synced with no operation in progress, all of them.

    Returns (XCom) ``{"applications": [...]}``, how each is.

    :param applications: one name, several, or one text with commas
    :param selector: labels (``team=data``), besides or in place of names; matching none is an
        error, and what comes to match during the wait is waited for, too
    :param project: their project; the connection's by default
    :param app_namespace: their namespace, if not Argo CD's own
    :param revision: a commit that has to be live, or a later one
    :param looks: how many looks in a row have to be good
    :param look_interval: seconds between them
    :param require_synced: Synced, too
    :param fail_on_degraded: fail at once when one was Healthy and turns Degraded (in mode
        ``reschedule`` that is not known)
    :param refresh: let Argo CD compare first, so that what is seen is true now
    :param deferrable: wait in the triggerer; the deployment's setting by default
    """

    template_fields: Sequence[str] = (
        "argocd_conn_id",
        "applications",
        "selector",
        "project",
        "app_namespace",
        "revision",
    )

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        applications: str | Sequence[str] = (),
        selector: str = "",
        argocd_conn_id: str = ArgoCDHook.default_conn_name,
        project: str = "",
        app_namespace: str = "",
        revision: str = "",
        looks: int = 2,
        look_interval: float = 3.0,
        require_synced: bool = True,
        fail_on_degraded: bool = False,
        refresh: bool = True,
        poll_interval: float = POLL_INTERVAL,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(**kwargs)
        if not applications and not selector:
            raise ArgoCDSettingsError("applications, selector: at least one of the two")
        self.argocd_conn_id = argocd_conn_id
        self.applications = applications
        self.selector = selector
        self.project = project
        self.app_namespace = app_namespace
        self.revision = revision
        self.looks = looks
        self.look_interval = look_interval
        self.require_synced = require_synced
        self.fail_on_degraded = fail_on_degraded
        self.refresh = refresh
        self.poll_interval = poll_interval
        self.deferrable = deferrable_by_default() if deferrable is None else deferrable
        self._judges: dict[Target, HealthJudge] = {}
        self._wish()  # wrong numbers are noticed where the DAG is parsed

    def _wish(self) -> HealthWish:
        return HealthWish(
            revision=self.revision,
            looks=self.looks,
            look_interval=self.look_interval,
            require_synced=self.require_synced,
            fail_on_degraded=self.fail_on_degraded,
        )

    def _targets(self, context: Context, hook: ArgoCDHook) -> list[Target]:
        targets = targets_of(
            hook,
            applications=self.applications,
            selector=self.selector,
            project=self.project,
            app_namespace=self.app_namespace,
        )
        new = [target for target in targets if target not in self._judges]
        if new:
            note_link(context, hook.link(targets[0]))
        for target in new:
            self._judges[target] = self._wish().judge(target.name)
            if self.refresh:
                hook.refresh(target)
        return targets

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - the facts
        """Wait here, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        end = time.time() + self.timeout
        targets = self._targets(context, ArgoCDHook(self.argocd_conn_id))
        trigger = ArgoCDHealthTrigger(
            argocd_conn_id=self.argocd_conn_id,
            applications=[list(target) for target in targets],
            selector=self.selector,
            projects=[self.project] if self.project else [],
            app_namespace=self.app_namespace,
            health=self._wish().as_json(),
            end_time=end,
            poll_interval=self.poll_interval,
        )
        timeout = deferral_timeout(end)
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look; as often in a row as asked, if the first look is good."""
        hook = ArgoCDHook(self.argocd_conn_id)
        targets = self._targets(context, hook)
        facts = []
        for target in targets:
            told = _look(hook, target, self._judges[target], self._wish().patience)
            if told is None:
                return PokeReturnValue(is_done=False)
            facts.append(told)
        return PokeReturnValue(is_done=True, xcom_value={"applications": facts})


class ArgoCDOperationSensor(_ArgoCDSensor):
    """Waits for the end of an application's operation; there being none is an end, too.

    Fails if it ends ``Failed`` or ``Error``. Returns (XCom) the facts of the operation.

    :param application: the application's name
    :param project: its project; the connection's, or asked for
    :param app_namespace: its namespace, if not Argo CD's own
    :param started: when the operation began, as Argo CD says (``started_at`` of a sync's result);
        empty: the one that runs
    :param deferrable: wait in the triggerer; the deployment's setting by default
    """

    template_fields: Sequence[str] = (
        "argocd_conn_id",
        "application",
        "project",
        "app_namespace",
        "started",
    )

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        application: str,
        argocd_conn_id: str = ArgoCDHook.default_conn_name,
        project: str = "",
        app_namespace: str = "",
        started: str = "",
        poll_interval: float = POLL_INTERVAL,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(**kwargs)
        self.argocd_conn_id = argocd_conn_id
        self.application = application
        self.project = project
        self.app_namespace = app_namespace
        self.started = started
        self.poll_interval = poll_interval
        self.deferrable = deferrable_by_default() if deferrable is None else deferrable
        self._judge: OperationJudge | None = None

    def _target(self, context: Context, hook: ArgoCDHook) -> Target:
        target = hook.target(self.application, self.project, self.app_namespace)
        if self._judge is None:
            note_link(context, hook.link(target))
            self._judge = OperationJudge(target.name, started=self.started)
        return target

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - the facts
        """Wait here, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        end = time.time() + self.timeout
        target = self._target(context, ArgoCDHook(self.argocd_conn_id))
        trigger = ArgoCDOperationTrigger(
            argocd_conn_id=self.argocd_conn_id,
            application=target.name,
            project=target.project,
            app_namespace=target.namespace,
            started=self.started,
            end_time=end,
            poll_interval=self.poll_interval,
        )
        timeout = deferral_timeout(end)
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        hook = ArgoCDHook(self.argocd_conn_id)
        target = self._target(context, hook)
        judge = self._judge or OperationJudge(target.name, started=self.started)
        facts = _look(hook, target, judge, 0.0)
        return PokeReturnValue(is_done=facts is not None, xcom_value=facts)


def _look(hook: ArgoCDHook, target: Target, judge: Judge, seconds: float) -> Facts | None:
    """Return the facts if the outcome is known within ``seconds``; raise if it is a bad one."""
    try:
        outcome = hook.wait(target, judge, end=time.time() + seconds)
    except ArgoCDTimeoutError:
        return None  # the hook has logged why
    return facts_of(checked(outcome), application=target.name)
