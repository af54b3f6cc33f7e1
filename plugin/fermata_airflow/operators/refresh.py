"""Let Argo CD look at an application now."""

import time
from collections.abc import Sequence
from typing import Any

from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.facts import Facts, application_facts
from fermata_airflow.argocd.waiting import REFRESH_TIMEOUT
from fermata_airflow.compat import BaseOperator, deferrable_by_default
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.links import ArgoCDLink, note_link
from fermata_airflow.operators.sync import ArgoCDSyncOperator, Context
from fermata_airflow.tasks import checked_event, deferral_timeout
from fermata_airflow.triggers.argocd import ArgoCDRefreshTrigger


class ArgoCDRefreshOperator(BaseOperator):
    """Lets Argo CD compare an application with git now; ends when that is done.

    Returns (XCom) sync status, health and revision.

    :param application: the application's name
    :param project: its project; the connection's, or asked for
    :param app_namespace: its namespace, if not Argo CD's own
    :param hard: also make the manifests anew, where the plugin or a chart changed and git did not
    :param timeout: seconds
    :param deferrable: wait in the triggerer; the deployment's setting by default
    """

    template_fields: Sequence[str] = ("argocd_conn_id", "application", "project", "app_namespace")
    operator_extra_links = (ArgoCDLink(),)
    ui_color = ArgoCDSyncOperator.ui_color
    ui_fgcolor = ArgoCDSyncOperator.ui_fgcolor

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        application: str,
        argocd_conn_id: str = ArgoCDHook.default_conn_name,
        project: str = "",
        app_namespace: str = "",
        hard: bool = False,
        timeout: float = REFRESH_TIMEOUT,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(**kwargs)
        self.argocd_conn_id = argocd_conn_id
        self.application = application
        self.project = project
        self.app_namespace = app_namespace
        self.hard = hard
        self.timeout = timeout
        self.deferrable = deferrable_by_default() if deferrable is None else deferrable

    def execute(self, context: Context) -> Facts:
        """Refresh."""
        hook = ArgoCDHook(self.argocd_conn_id)
        target = hook.target(self.application, self.project, self.app_namespace)
        note_link(context, hook.link(target))
        if self.deferrable:
            self._defer(target)
        application = hook.refresh(target, hard=self.hard, timeout=self.timeout)
        self.log.info("application %s: %s", target, application)
        return application_facts(application)

    def execute_complete(self, context: Context, event: Any) -> Facts:  # noqa: ANN401, ARG002
        """Return the facts that the trigger brings, or raise what it means."""
        facts = checked_event(event)
        self.log.info("%s", event.get("message"))
        return facts

    def _defer(self, target: Target) -> None:
        end = time.time() + self.timeout
        trigger = ArgoCDRefreshTrigger(
            argocd_conn_id=self.argocd_conn_id,
            application=target.name,
            project=target.project,
            app_namespace=target.namespace,
            hard=self.hard,
            end_time=end,
        )
        timeout = deferral_timeout(end)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)
