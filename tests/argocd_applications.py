"""Applications as Argo CD tells of them, for what judges them."""

from typing import Any

from fermata_airflow.argocd.application import Application, read_application
from fermata_airflow.argocd.calls import Target
from fermata_spec.initiator import MARKER

SHOP = Target("shop", "dags")
OLD, NEW, NEWER = "a" * 40, "b" * 40, "c" * 40


def at(seconds: int) -> str:
    return f"2026-11-24T10:{seconds // 60:02}:{seconds % 60:02}Z"


def deployed(*revisions: str) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "revision": revision,
            "deployStartedAt": at(number),
            "deployedAt": at(number),
        }
        for number, revision in enumerate(revisions)
    ]


def operation(
    phase: str = "Succeeded", *, marker: str = "m-1", started: int = 10, **more: object
) -> dict[str, Any]:
    """An operation that began at ``started``, and ended five seconds later unless it runs."""
    ended = {} if phase in ("Running", "Terminating") else {"finishedAt": at(started + 5)}
    asked = {"sync": {"revision": NEW}, "info": [{"name": MARKER, "value": marker}]}
    state = {"phase": phase, "startedAt": at(started), "operation": asked} | ended
    return state | more


def shop(  # noqa: PLR0913 - all by keyword
    *,
    health: str = "Healthy",
    sync: str = "Synced",
    revision: str = OLD,
    reconciled: int = 60,
    history: list[dict[str, Any]] | None = None,
    state: dict[str, Any] | None = None,
    requested: str | None = None,
) -> Application:
    raw: dict[str, Any] = {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "dags"},
        "status": {
            "health": {"status": health},
            "sync": {"status": sync, "revision": revision},
            "reconciledAt": at(reconciled),
            "history": deployed(OLD) if history is None else history,
        },
    }
    if state is not None:
        raw["status"]["operationState"] = state
    if requested is not None:
        raw["operation"] = {"sync": {}, "info": [{"name": MARKER, "value": requested}]}
    return read_application(raw, known=SHOP)
