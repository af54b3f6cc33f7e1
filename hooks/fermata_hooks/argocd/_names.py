"""Names of applications: Argo CD's instance name ``NAME``, or ``NAMESPACE_NAME`` elsewhere."""

from collections.abc import Mapping
from typing import Any, NamedTuple

TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"


class Address(NamedTuple):
    """Where an Application is; an empty namespace is Argo CD's own."""

    namespace: str
    name: str


def address_of(application: str) -> Address:
    """Return where the Application is of which ``application`` is the instance name.

    Names of Kubernetes objects hold no underscore, so the first one ends the namespace.
    """
    namespace, underscore, name = application.partition("_")
    return Address(namespace, name) if underscore else Address("", application)


def application_of(metadata: Mapping[str, Any]) -> str:
    """Return the application that an object belongs to, by Argo CD's tracking; empty: to none.

    The annotation is the default (``demo:batch/Job:airflow/x``), the label is what older
    installations use.
    """
    for where, key in (("annotations", TRACKING), ("labels", INSTANCE)):
        values = metadata.get(where)
        value = values.get(key) if isinstance(values, Mapping) else None
        if isinstance(value, str) and value:
            return value.partition(":")[0]
    return ""
