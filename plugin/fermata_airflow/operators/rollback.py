"""Bring an application back to what it was."""

from collections.abc import Sequence
from typing import Any

from fermata_airflow.argocd.application import Application
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.judgement import last_good
from fermata_airflow.exceptions import (
    ArgoCDNotFoundError,
    ArgoCDRevisionError,
    ArgoCDSettingsError,
)
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.operators.sync import ArgoCDSyncOperator, Context

AUTO_SYNC_KEY = "argocd_auto_sync"


class ArgoCDRollbackOperator(ArgoCDSyncOperator):
    """Brings an application back to a deployment of its history, by a sync with its hooks.

    Argo CD's own rollback runs no hooks, so nothing would hold Airflow still. Under auto-sync
    Argo CD refuses an older revision: revert in git, or say ``suspend_auto_sync``. Takes
    everything that ``ArgoCDSyncOperator`` takes, except ``revision``.

    :param history_id: the entry; None: the last good one, which is the newest deployment of
        another revision than the last operation was about
    :param suspend_auto_sync: switch auto-sync off first (needs ``update``); what it was is kept as
        XCom ``argocd_auto_sync``
    """

    template_fields: Sequence[str] = (*ArgoCDSyncOperator.template_fields, "history_id")

    def __init__(
        self,
        *,
        history_id: int | str | None = None,
        suspend_auto_sync: bool = False,
        **kwargs: Any,  # noqa: ANN401 - those of the sync
    ) -> None:
        super().__init__(**kwargs)
        if self.revision:
            raise ArgoCDSettingsError("revision: a rollback takes it from the history")
        self.history_id = history_id
        self.suspend_auto_sync = suspend_auto_sync

    def _order(self, context: Context, hook: ArgoCDHook, application: Application) -> SyncOrder:
        revisions = self._revisions(application)
        if application.automated:
            self._suspend(context, hook, application.target)
        several = len(revisions) > 1
        order = super()._order(context, hook, application)
        self.log.info("application %s: back to %s", application.target, ", ".join(revisions))
        return SyncOrder(
            **{
                **vars(order),
                "revision": "" if several else revisions[0],
                "revisions": revisions if several else (),
            }
        )

    def _revisions(self, application: Application) -> tuple[str, ...]:
        if self.history_id in (None, ""):
            entry = last_good(application)
            wanted = "no deployment of another revision"
        else:
            number = int(self.history_id or 0)
            entry = next((each for each in application.history if each.id == number), None)
            wanted = f"no entry {number}"
        if entry is None or not entry.revisions:
            told = f"application {application.target}: {wanted} in its history"
            raise ArgoCDNotFoundError(f"{told} of {len(application.history)}", code=5)
        return entry.revisions

    def _suspend(self, context: Context, hook: ArgoCDHook, target: Target) -> None:
        if not self.suspend_auto_sync:
            told = "auto-sync would bring the newest back: revert in git, or suspend_auto_sync"
            raise ArgoCDRevisionError(f"application {target}: {told}", code=9)
        was = hook.suspend_auto_sync(target)
        context["ti"].xcom_push(key=AUTO_SYNC_KEY, value=was)
        self.log.info("application %s: auto-sync is off; it was %s", target, was)
