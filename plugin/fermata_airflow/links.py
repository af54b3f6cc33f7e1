"""A task's link to its application in Argo CD's UI."""

from typing import Any

from fermata_airflow.compat import BaseOperatorLink, XCom

LINK_KEY = "argocd_link"


class ArgoCDLink(BaseOperatorLink):
    """Leads to the application that the task is about, from when the task begins."""

    name = "Argo CD"

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 finds the link; the task itself puts it there."""
        return LINK_KEY

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ANN401, ARG002 - Airflow's
        """Return what the task has noted when it began; empty before that."""
        told = XCom.get_value(ti_key=ti_key, key=LINK_KEY)
        return told if isinstance(told, str) else ""


def note_link(context: Any, link: str) -> None:  # noqa: ANN401 - Airflow's context
    """Keep a task's link."""
    context["ti"].xcom_push(key=LINK_KEY, value=link)
