"""What Airflow is told of this provider (entry point ``apache_airflow_provider``)."""

from typing import Any

from fermata_airflow.connection_form import UI_FIELD_BEHAVIOUR, conn_fields
from fermata_spec import __version__

_NAME = "Argo CD"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, by Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-fermata",
        "name": _NAME,
        "description": "Sync applications, wait for their health and roll them back.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _NAME,
                "external-doc-url": "https://argo-cd.readthedocs.io/",
                "tags": ["service"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "argocd",
                "hook-class-name": "fermata_airflow.hooks.argocd.ArgoCDHook",
                "hook-name": _NAME,
                "conn-fields": conn_fields(),
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
        "hooks": _modules("fermata_airflow.hooks.argocd"),
        "operators": _modules("fermata_airflow.operators.argocd"),
        "sensors": _modules("fermata_airflow.sensors.argocd"),
        "triggers": _modules("fermata_airflow.triggers.argocd"),
        "extra-links": ["fermata_airflow.links.ArgoCDLink"],
        "task-decorators": [
            {
                "name": "argocd_gate",
                "class-name": "fermata_airflow.decorators.argocd_gate.argocd_gate_task",
            }
        ],
    }


def _modules(*names: str) -> list[dict[str, Any]]:
    return [{"integration-name": _NAME, "python-modules": list(names)}]
