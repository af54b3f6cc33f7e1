"""What is told of an operation afterwards: a task's result (XCom), a trigger's event, an audit."""

from datetime import UTC, datetime
from typing import Any

from fermata_airflow.argocd.application import Application, Operation
from fermata_airflow.argocd.judgement import Outcome

MOST_RESOURCES = 100  # named in one result; all are counted

Facts = dict[str, Any]


def facts_of(outcome: Outcome, *, application: str) -> Facts:
    """Return the facts of an outcome: plain JSON, of a bounded size."""
    facts: Facts = {"application": application, "message": outcome.message}
    if outcome.application is not None:
        facts |= application_facts(outcome.application)
    if outcome.operation is not None:
        facts |= operation_facts(outcome.operation)
    return facts


def application_facts(application: Application) -> Facts:
    """Return how an application is."""
    live = application.history[-1].revisions if application.history else application.revisions
    return {
        "application": application.target.name,
        "project": application.target.project,
        "sync_status": application.sync_status,
        "health": application.health,
        "revision": live[0] if live else "",
        "revisions": list(live),
    }


def operation_facts(operation: Operation) -> Facts:
    """Return who started an operation, when, with what, and what it changed."""
    changed = [resource for resource in operation.resources if resource.changed]
    return {
        "phase": operation.phase,
        "operation_message": operation.message,
        "revision": operation.revisions[0] if operation.revisions else "",
        "revisions": list(operation.revisions),
        "started_at": operation.started,
        "finished_at": _rfc3339(operation.finished),
        "duration": operation.seconds,
        "initiated_by": operation.initiated_by,
        "automated": operation.automated,
        "dry_run": operation.dry_run,
        "retries": operation.retries,
        "infos": dict(operation.infos),
        "resources_changed": len(changed),
        "resources": [
            {
                "kind": resource.kind,
                "namespace": resource.namespace,
                "name": resource.name,
                "status": resource.status,
                "message": resource.message,
            }
            for resource in changed[:MOST_RESOURCES]
        ],
        "hooks": [
            {
                "kind": resource.kind,
                "name": resource.name,
                "hook": resource.hook,
                "phase": resource.hook_phase,
                "message": resource.message,
            }
            for resource in operation.resources
            if resource.hook
        ][:MOST_RESOURCES],
    }


def _rfc3339(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
