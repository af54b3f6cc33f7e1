"""``@task.argocd_gate``: the body runs only if applications are well; else skip, or wait.

@task.argocd_gate(applications="shop", on_unhealthy="wait")
def load(): ...
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.feed import POLL_INTERVAL
from fermata_airflow.argocd.waiting import checked
from fermata_airflow.compat import (
    AirflowSkipException,
    DecoratedOperator,
    PythonOperator,
    deferrable_by_default,
    task_decorator_factory,
)
from fermata_airflow.exceptions import ArgoCDSettingsError, ArgoCDTimeoutError
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.links import ArgoCDLink, note_link
from fermata_airflow.tasks import (
    WAIT,
    HealthWish,
    checked_event,
    deferral_timeout,
    targets_of,
)
from fermata_airflow.triggers.argocd import ArgoCDHealthTrigger

Context = Any


class ArgoCDGateOperator(DecoratedOperator, PythonOperator):
    """A task whose body runs behind a gate.

    :param applications: one name, several, or one text with commas
    :param selector: labels, besides or in place of names
    :param revision: a commit that has to be live, or a later one
    :param on_unhealthy: ``skip`` the task, or ``wait``
    :param looks: how many looks in a row have to be good
    :param timeout: seconds to wait at most
    :param deferrable: wait in the triggerer; the deployment's setting by default
    """

    template_fields: Sequence[str] = (
        "templates_dict",
        "op_args",
        "op_kwargs",
        "argocd_conn_id",
        "applications",
        "selector",
        "project",
        "app_namespace",
        "revision",
    )
    template_fields_renderers = {"templates_dict": "json", "op_args": "py", "op_kwargs": "py"}  # noqa: RUF012 - as Airflow declares it
    operator_extra_links = (ArgoCDLink(),)
    custom_operator_name = "@task.argocd_gate"

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        applications: str | Sequence[str] = (),
        selector: str = "",
        argocd_conn_id: str = ArgoCDHook.default_conn_name,
        project: str = "",
        app_namespace: str = "",
        revision: str = "",
        on_unhealthy: Literal["skip", "wait"] = "skip",
        looks: int = 1,
        look_interval: float = 3.0,
        timeout: float = WAIT,
        poll_interval: float = POLL_INTERVAL,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        upstream = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=upstream, **upstream, **kwargs)
        if on_unhealthy not in ("skip", "wait"):
            raise ArgoCDSettingsError(f"on_unhealthy {on_unhealthy}: skip or wait")
        if not applications and not selector:
            raise ArgoCDSettingsError("applications, selector: at least one of the two")
        self.argocd_conn_id = argocd_conn_id
        self.applications = applications
        self.selector = selector
        self.project = project
        self.app_namespace = app_namespace
        self.revision = revision
        self.on_unhealthy = on_unhealthy
        self.looks = looks
        self.look_interval = look_interval
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.deferrable = deferrable_by_default() if deferrable is None else deferrable

    def execute(self, context: Context, event: Any = None) -> Any:  # noqa: ANN401 - the body's
        """Look, and run the body if all is well; ``event`` is what a trigger saw instead."""
        if event is not None:
            checked_event(event)
        else:
            self._pass_the_gate(context)
        return super().execute(context)

    def _pass_the_gate(self, context: Context) -> None:
        hook = ArgoCDHook(self.argocd_conn_id)
        targets = targets_of(
            hook,
            applications=self.applications,
            selector=self.selector,
            project=self.project,
            app_namespace=self.app_namespace,
        )
        note_link(context, hook.link(targets[0]))
        wish = HealthWish(
            revision=self.revision, looks=self.looks, look_interval=self.look_interval
        )
        end = time.time() + self.timeout
        waits = self.on_unhealthy == "wait"
        if waits and self.deferrable:
            self._defer(targets, wish, end)
        for target in targets:
            try:
                limit = end if waits else time.time() + wish.patience
                judge = wish.judge(target.name)
                checked(hook.wait(target, judge, end=limit, poll_interval=self.poll_interval))
            except ArgoCDTimeoutError as exc:
                if waits:
                    raise
                raise AirflowSkipException(str(exc)) from exc

    def _defer(self, targets: list[Target], wish: HealthWish, end: float) -> None:
        trigger = ArgoCDHealthTrigger(
            argocd_conn_id=self.argocd_conn_id,
            applications=[list(target) for target in targets],
            health=wish.as_json(),
            end_time=end,
            poll_interval=self.poll_interval,
        )
        self.defer(trigger=trigger, method_name="execute", timeout=deferral_timeout(end))


def argocd_gate_task(
    python_callable: Callable[..., Any] | None = None,
    multiple_outputs: bool | None = None,  # noqa: FBT001 - Airflow's own signature
    **kwargs: Any,  # noqa: ANN401 - the operator's
) -> Any:  # noqa: ANN401 - a decorator
    """Make a task of a function that runs behind a gate; see ``ArgoCDGateOperator``."""
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=ArgoCDGateOperator,
        **kwargs,
    )
