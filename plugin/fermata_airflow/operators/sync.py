"""Sync an application, and wait for what it brings."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fermata_airflow.argocd.application import Application
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.facts import Facts, facts_of
from fermata_airflow.argocd.feed import POLL_INTERVAL
from fermata_airflow.argocd.judgement import OperationJudge, SyncJudge
from fermata_airflow.argocd.syncing import marker_of_ours, with_infos
from fermata_airflow.argocd.waiting import checked
from fermata_airflow.compat import BaseOperator, deferrable_by_default
from fermata_airflow.exceptions import ArgoCDBusyError, ArgoCDSettingsError
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.links import ArgoCDLink, note_link
from fermata_airflow.tasks import WAIT, HealthWish, attempt_of, checked_event, deferral_timeout
from fermata_airflow.triggers.argocd import ArgoCDOperationTrigger

OnBusy = Literal["wait", "adopt", "fail"]
Context = Any


class ArgoCDSyncOperator(BaseOperator):
    """Syncs an application, and waits for the operation's end and for the application's health.

    Asks exactly once. A retry of the task goes on with what an earlier try began, unless that
    failed; a task that a person clears syncs anew. Returns (XCom) phase, revision, duration, what
    changed, and who started it.

    :param application: the application's name
    :param project: its project; the connection's, or asked for
    :param app_namespace: its namespace, if not Argo CD's own
    :param revision: a commit, tag or branch; what the application follows if empty
    :param dry_run: only look whether it would apply; nothing changes, no health is waited for
    :param prune: delete what git no longer has
    :param force: replace what cannot be changed
    :param run_hooks: with the application's hooks
    :param only_resources: sync only these (``group``, ``kind``, ``name``, ``namespace``); runs no
        hooks
    :param sync_options: in place of the application's own
    :param argocd_retries: Argo CD's own retries; None: the application's. Airflow retries, too
    :param infos: further facts for the operation, which Argo CD's UI shows
    :param on_busy: while another operation runs: ``wait`` for its end and then sync, ``adopt`` it,
        or ``fail``
    :param wait_for_health: wait until the application is well, on the revision that was synced
    :param looks: how many looks in a row have to be good
    :param look_interval: seconds between them
    :param fail_on_degraded: fail at once when it was Healthy and turns Degraded
    :param timeout: seconds until the task gives up waiting; the operation goes on
    :param poll_interval: seconds between reads where streams do not work
    :param terminate_on_kill: end the operation when the task is killed; while it is deferred
        only from Airflow 3.3 on
    :param deferrable: wait in the triggerer; the deployment's setting by default
    """

    template_fields: Sequence[str] = (
        "argocd_conn_id",
        "application",
        "project",
        "app_namespace",
        "revision",
        "infos",
        "sync_options",
        "only_resources",
    )
    operator_extra_links = (ArgoCDLink(),)
    ui_color = "#ef7b4d"
    ui_fgcolor = "#fff"

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        application: str,
        argocd_conn_id: str = ArgoCDHook.default_conn_name,
        project: str = "",
        app_namespace: str = "",
        revision: str = "",
        dry_run: bool = False,
        prune: bool = False,
        force: bool = False,
        run_hooks: bool = True,
        only_resources: Sequence[Mapping[str, str]] = (),
        sync_options: Sequence[str] | None = None,
        argocd_retries: int | None = 0,
        infos: Mapping[str, str] | None = None,
        on_busy: OnBusy = "wait",
        wait_for_health: bool = True,
        looks: int = 2,
        look_interval: float = 3.0,
        fail_on_degraded: bool = False,
        timeout: float = WAIT,
        poll_interval: float = POLL_INTERVAL,
        terminate_on_kill: bool = True,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(**kwargs)
        if on_busy not in ("wait", "adopt", "fail"):
            raise ArgoCDSettingsError(f"on_busy {on_busy}: wait, adopt or fail")
        self.argocd_conn_id = argocd_conn_id
        self.application = application
        self.project = project
        self.app_namespace = app_namespace
        self.revision = revision
        self.is_dry_run = dry_run  # BaseOperator has a method dry_run
        self.prune = prune
        self.force = force
        self.run_hooks = run_hooks
        self.only_resources = only_resources
        self.sync_options = sync_options
        self.argocd_retries = argocd_retries
        self.infos = infos
        self.on_busy = on_busy
        self.wait_for_health = wait_for_health
        self.wish = HealthWish(
            looks=looks, look_interval=look_interval, fail_on_degraded=fail_on_degraded
        )
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.terminate_on_kill = terminate_on_kill
        self.deferrable = deferrable_by_default() if deferrable is None else deferrable
        self._waits_for: tuple[Target, str] | None = None

    def execute(self, context: Context) -> Facts:
        """Sync and wait."""
        return self._begin(context, end=time.time() + self.timeout)

    def begin_again(self, context: Context, event: Any, end: float) -> Facts:  # noqa: ANN401
        """Go on after another's operation has ended, whichever way."""
        if event.get("status") in ("timeout", "error", "deleted"):
            checked_event(event)
        return self._begin(context, end=end)

    def execute_complete(self, context: Context, event: Any) -> Facts:  # noqa: ANN401, ARG002
        """Return the facts that the trigger brings, or raise what it means."""
        facts = checked_event(event)
        self.log.info("%s", facts.get("message"))
        return facts

    def on_kill(self) -> None:
        """End our operation, if asked; another's is left alone."""
        if self._waits_for is None or not self.terminate_on_kill:
            return
        target, marker = self._waits_for
        if ArgoCDHook(self.argocd_conn_id).terminate(target, marker=marker):
            self.log.info("application %s: our operation is being terminated", target)

    def _begin(self, context: Context, *, end: float) -> Facts:
        hook = ArgoCDHook(self.argocd_conn_id)
        target = hook.target(self.application, self.project, self.app_namespace)
        note_link(context, hook.link(target))
        attempt = attempt_of(context)
        while True:
            application = hook.get_application(target)
            marker = marker_of_ours(application, attempt)
            if marker:
                self.log.info("application %s: going on with our own operation", target)
                break
            order = with_infos(self._order(context, hook, application), attempt)
            try:
                self._waits_for = (target, attempt.marker)
                hook.sync(target, order)
            except ArgoCDBusyError as exc:
                self._waits_for = None
                if self.on_busy == "fail":
                    raise
                self.log.info("%s: %s", exc, self.on_busy)
                if self.on_busy == "adopt":
                    break
                self._wait_for_another(hook, target, end=end)
            else:
                marker = attempt.marker
                self.log.info("application %s: sync asked for (%s)", target, marker)
                break
        return self._wait(hook, target, marker, end=end)

    def _order(self, context: Context, hook: ArgoCDHook, application: Application) -> SyncOrder:
        """Return what to ask for."""
        del context, hook, application
        return SyncOrder(
            revision=self.revision,
            dry_run=self.is_dry_run,
            prune=self.prune,
            hooks=self.run_hooks,
            force=self.force,
            resources=tuple(self.only_resources),
            options=None if self.sync_options is None else tuple(self.sync_options),
            retries=self.argocd_retries,
            infos=self.infos or {},
        )

    def _wait_for_another(self, hook: ArgoCDHook, target: Target, *, end: float) -> None:
        if self.deferrable:
            trigger = self._trigger(target, "", end=end, health=None)
            timeout = deferral_timeout(end)
            self.defer(
                trigger=trigger, method_name="begin_again", kwargs={"end": end}, timeout=timeout
            )
        judge = OperationJudge(target.name)
        hook.wait(target, judge, end=end, poll_interval=self.poll_interval)

    def _wait(self, hook: ArgoCDHook, target: Target, marker: str, *, end: float) -> Facts:
        health = self.wish if self.wait_for_health and not self.is_dry_run else None
        if self.deferrable:
            trigger = self._trigger(target, marker, end=end, health=health)
            timeout = deferral_timeout(end)
            self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)
        self._waits_for = (target, marker) if marker else None
        judge = SyncJudge(
            OperationJudge(target.name, marker=marker),
            health.judge(target.name) if health else None,
        )
        outcome = hook.wait(target, judge, end=end, poll_interval=self.poll_interval)
        self._waits_for = None
        self.log.info("%s", checked(outcome).message)
        return facts_of(outcome, application=target.name)

    def _trigger(
        self, target: Target, marker: str, *, end: float, health: HealthWish | None
    ) -> ArgoCDOperationTrigger:
        return ArgoCDOperationTrigger(
            argocd_conn_id=self.argocd_conn_id,
            application=target.name,
            project=target.project,
            app_namespace=target.namespace,
            marker=marker,
            health=health.as_json() if health else None,
            end_time=end,
            poll_interval=self.poll_interval,
            terminate_on_kill=self.terminate_on_kill,
        )
