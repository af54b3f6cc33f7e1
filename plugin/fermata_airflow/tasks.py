"""What operators and sensors share: who the task is, how a wait is described, how it ended."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from fermata_airflow import exceptions
from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.facts import Facts
from fermata_airflow.argocd.judgement import HealthJudge
from fermata_airflow.argocd.syncing import Attempt
from fermata_airflow.argocd.waiting import error_of
from fermata_airflow.exceptions import ArgoCDError, ArgoCDNotFoundError, ArgoCDSettingsError
from fermata_airflow.hooks.argocd import ArgoCDHook

MARGIN = 60.0  # seconds after its end in which a trigger may still tell so
LATE = 0.5  # seconds that a look may come later than it should
WAIT = 3600.0  # seconds; what a sync with hooks takes is bounded by the hooks' own deadlines


@dataclass(frozen=True, kw_only=True)
class HealthWish:
    """What counts as well; plain values, so that a trigger can carry it."""

    revision: str = ""
    looks: int = 2
    look_interval: float = 3.0
    require_synced: bool = True
    fail_on_degraded: bool = False

    def __post_init__(self) -> None:
        if self.looks < 1 or self.look_interval < 0:
            raise ArgoCDSettingsError(
                f"looks {self.looks}, look_interval {self.look_interval}: at least 1, and 0"
            )

    @property
    def patience(self) -> float:
        """Seconds that all looks in a row take, if the first is good."""
        return (self.looks - 1) * (self.look_interval + LATE)

    def as_json(self) -> dict[str, Any]:
        """Return it as a trigger's argument."""
        return asdict(self)

    def judge(self, name: str) -> HealthJudge:
        """Return who judges by it."""
        return HealthJudge(name, **asdict(self))


def attempt_of(context: Mapping[str, Any]) -> Attempt:
    """Return which try of which task this is.

    A clear sets ``max_tries`` to the tries so far plus ``retries`` (Airflow 2.11 and 3.3): so a
    person's clear is told from Airflow's own retry.
    """
    ti = context["ti"]
    return Attempt(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=ti.map_index if ti.map_index is not None else -1,
        cleared=max((ti.max_tries or 0) - (ti.task.retries or 0), 0),
        number=ti.try_number,
    )


def deferral_timeout(end: float) -> timedelta:
    """Return how long Airflow waits for a trigger whose own end is ``end``."""
    return timedelta(seconds=max(end - time.time(), 0.0) + MARGIN)


def checked_event(event: Mapping[str, Any] | None) -> Facts:
    """Return the facts that a trigger's event brings; raise what it means otherwise."""
    if not isinstance(event, Mapping):
        raise ArgoCDError("the trigger ended without an event")
    status, message = str(event.get("status")), str(event.get("message"))
    if status == "done":
        return dict(event.get("facts") or {})
    if status == "error":
        kind = getattr(exceptions, str(event.get("error")), ArgoCDError)
        raise kind(message)
    raise error_of(status, message)


def names_of(applications: str | Iterable[str]) -> list[str]:
    """Return names, given one, several, or several with commas between them (a template)."""
    given = [applications] if isinstance(applications, str) else list(applications)
    return [name.strip() for each in given for name in each.split(",") if name.strip()]


def targets_of(
    hook: ArgoCDHook,
    *,
    applications: str | Sequence[str],
    selector: str,
    project: str,
    app_namespace: str,
) -> list[Target]:
    """Return the applications that are meant; none is an error: what was not seen is not well."""
    named = [hook.target(name, project, app_namespace) for name in names_of(applications)]
    if selector:
        found = hook.list_applications(
            selector=selector,
            projects=[project] if project else [],
            app_namespace=app_namespace,
        )
        named += [each.target for each in found if each.target not in named]
    if not named:
        told = f"selector {selector}" if selector else "applications: empty"
        raise ArgoCDNotFoundError(f"{told}: no application matches", code=5)
    return named
