"""The hook: all that an Airflow task may ask of Argo CD, by a connection of type ``argocd``."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from fermata_airflow.argocd import calls
from fermata_airflow.argocd._answers import error_of_stream, read_answer
from fermata_airflow.argocd.application import Application, Deployment, read_application
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.endpoint import Endpoint, read_connection
from fermata_airflow.argocd.facts import Facts, application_facts, operation_facts
from fermata_airflow.argocd.feed import POLL_INTERVAL
from fermata_airflow.argocd.judgement import Judge, Outcome
from fermata_airflow.argocd.syncing import start_sync
from fermata_airflow.argocd.waiting import REFRESH_TIMEOUT, wait
from fermata_airflow.compat import BaseHook
from fermata_airflow.connection_form import FIELDS, UI_FIELD_BEHAVIOUR
from fermata_airflow.exceptions import ArgoCDError, ArgoCDNoOperationError
from fermata_spec.initiator import MARKER

Json = dict[str, Any]


class ArgoCDHook(BaseHook):
    """Calls Argo CD's API; every failure is an ``ArgoCDError`` of one line.

    :param argocd_conn_id: the connection
    """

    conn_name_attr = "argocd_conn_id"
    default_conn_name = "argocd_default"
    conn_type = "argocd"
    hook_name = "Argo CD"

    def __init__(self, argocd_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.argocd_conn_id = argocd_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's fields, for Airflow before 3.2 (later it reads the provider info)."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415 - the form's
        from flask_babel import lazy_gettext  # noqa: PLC0415 - the same
        from wtforms import StringField  # noqa: PLC0415 - the same

        return {
            name: StringField(
                lazy_gettext(field["label"]),
                widget=BS3TextFieldWidget(),
                description=field["description"],
            )
            for name, field in FIELDS.items()
        }

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return what the standard fields of the form are called here."""
        return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}

    @cached_property
    def endpoint(self) -> Endpoint:
        """The connection, read."""
        return read_connection(self.get_connection(self.argocd_conn_id))

    @cached_property
    def client(self) -> Client:
        """The way to ask."""
        return Client(self.endpoint)

    def get_conn(self) -> Client:
        """Return the client."""
        return self.client

    def close(self) -> None:
        """Close idle connections."""
        if "client" in self.__dict__:
            self.client.close()

    def test_connection(self) -> tuple[bool, str]:
        """Return whether Argo CD knows us, and what we may do: the form's *Test* button."""
        try:
            user = self.client.send(calls.user())
            if not user.get("loggedIn"):
                return False, f"{self.endpoint.url}: the token is of nobody"
            pattern = f"{self.endpoint.project or '*'}/*"
            may = {
                action: self.client.send(calls.may(action, pattern)).get("value") == "yes"
                for action in ("get", "sync")
            }
        except ArgoCDError as exc:
            return False, str(exc)
        granted = ", ".join(f"{action}: {'yes' if may[action] else 'no'}" for action in may)
        return True, f"{user.get('username')} at {self.endpoint.url}; {pattern}: {granted}"

    def target(self, name: str, project: str = "", app_namespace: str = "") -> Target:
        """Return an application's address; what is not said is the connection's, or asked for.

        A project is always named (else Argo CD cannot tell "not there" from "not permitted"):
        where nobody says it, it is read from the application.
        """
        given = Target(
            name,
            project or self.endpoint.project,
            app_namespace or self.endpoint.app_namespace,
        )
        if given.project:
            return given
        found = read_application(self.client.send(calls.get(given)), known=given)
        return given._replace(project=found.target.project)

    def get_application(self, target: Target) -> Application:
        """Return an application as Argo CD has it."""
        return read_application(self.client.send(calls.get(target)), known=target)

    def list_applications(
        self, *, selector: str = "", projects: Sequence[str] = (), app_namespace: str = ""
    ) -> list[Application]:
        """Return the applications that a label selector matches, of projects."""
        namespace = app_namespace or self.endpoint.app_namespace
        own = (self.endpoint.project,) if self.endpoint.project else ()
        call = calls.applications(
            projects=tuple(projects) or own, selector=selector, namespace=namespace
        )
        items = self.client.send(call).get("items") or []
        known = Target("", namespace=namespace)
        return [read_application(item, known=known) for item in items]

    def refresh(
        self, target: Target, *, hard: bool = False, timeout: float = REFRESH_TIMEOUT
    ) -> Application:
        """Let Argo CD compare an application now; return it when that is done.

        ``hard``: also make the manifests anew.
        """
        call = calls.refresh(target, hard=hard, timeout=timeout)
        return read_application(self.client.send(call), known=target)

    def manifests(self, target: Target, revision: str = "") -> list[Json]:
        """Return the manifests of a revision: made by the plugin, without a sync."""
        query = [("revision", revision)] if revision else []
        answer = self.client.send(calls.part(target, "manifests", *query))
        return [json.loads(manifest) for manifest in answer.get("manifests") or []]

    def diff(self, target: Target) -> list[Json]:
        """Return each resource that a sync would change: kind, namespace, name, live, wanted."""
        answer = self.client.send(calls.part(target, "managed-resources"))
        rows = [(row, _state(row, "normalizedLiveState")) for row in answer.get("items") or []]
        return [
            {
                "kind": row.get("kind", ""),
                "namespace": row.get("namespace", ""),
                "name": row.get("name", ""),
                "live": live,
                "wanted": _state(row, "predictedLiveState"),
            }
            for row, live in rows
            if not row.get("hook") and live != _state(row, "predictedLiveState")
        ]

    def sync(self, target: Target, order: SyncOrder) -> Application:
        """Ask for a sync, once; see ``fermata_airflow.argocd.syncing.start_sync``."""
        return start_sync(self.client, target, order)

    def wait(
        self,
        target: Target,
        judge: Judge,
        *,
        end: float,
        poll_interval: float = POLL_INTERVAL,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Outcome:
        """Wait for a judge's outcome, at most until ``end`` (seconds since the epoch)."""
        return wait(
            self.client,
            target,
            judge,
            end=end,
            poll_interval=poll_interval,
            say=lambda why: self.log.info("application %s: %s", target, why),
            sleep=sleep,
        )

    def terminate(self, target: Target, *, marker: str = "") -> bool:
        """End the operation in progress; with ``marker`` only if it has it. Return whether."""
        if marker:
            application = self.get_application(target)
            operation = application.operation
            infos = application.requested or (operation.infos if operation else {})
            if not application.busy or infos.get(MARKER) != marker:
                return False
        with suppress(ArgoCDNoOperationError):
            self.client.send(calls.terminate(target))
            return True
        return False

    def rollback(
        self, target: Target, history_id: int, *, prune: bool = False, dry_run: bool = False
    ) -> Application:
        """Go back to a history entry as Argo CD's own button does: without hooks, unmarked."""
        call = calls.rollback(target, history_id=history_id, prune=prune, dry_run=dry_run)
        return read_application(self.client.send(call), known=target)

    def suspend_auto_sync(self, target: Target) -> Json:
        """Take auto-sync out of the application (needs ``update``); return what it was."""
        policy = self.get_application(target).raw.get("spec", {}).get("syncPolicy") or {}
        was: Json = policy.get("automated") or {}
        patch = json.dumps({"spec": {"syncPolicy": {"automated": None}}})
        self.client.send(calls.patch(target, patch))
        return was

    def history(self, target: Target) -> tuple[Deployment, ...]:
        """Return the deployments, oldest first."""
        return self.get_application(target).history

    def resource_tree(self, target: Target) -> list[Json]:
        """Return every resource of the application, those that Kubernetes made of them too."""
        answer = self.client.send(calls.part(target, "resource-tree"))
        return list(answer.get("nodes") or [])

    def job_log(self, target: Target, *, namespace: str, job: str, lines: int = 100) -> list[str]:
        """Return the last lines of a hook's Job (needs ``logs, get``)."""
        query = (
            ("namespace", namespace),
            ("kind", "Job"),
            ("group", "batch"),
            ("resourceName", job),
            ("tailLines", str(lines)),
            ("follow", "false"),
        )
        status, content = self.client.send_raw(calls.part(target, "logs", *query))
        return read_log(calls.part(target, "logs"), status, content)[-lines:]

    def run_action(self, target: Target, action: str, resource: Mapping[str, str]) -> None:
        """Run an action of a resource: ``group``, ``version``, ``kind``, ``namespace``, ``name``.

        Argo CD calls the name ``resourceName``.
        """
        renamed = {("resourceName" if key == "name" else key): resource[key] for key in resource}
        self.client.send(calls.action(target, renamed, action))

    def audit_facts(self, target: Target) -> Facts:
        """Return who started the last operation, when, with what, and what it changed."""
        application = self.get_application(target)
        facts = application_facts(application)
        return facts | (operation_facts(application.operation) if application.operation else {})

    def link(self, target: Target) -> str:
        """Return where people see an application."""
        namespace = f"{target.namespace}/" if target.namespace else ""
        return f"{self.endpoint.ui_url}/applications/{namespace}{target.name}"


def read_log(call: calls.Call, status: int, content: bytes) -> list[str]:
    """Return the lines of a log, which is one JSON object a line."""
    lines: list[str] = []
    for raw in content.splitlines() or [content]:
        event = read_answer(call, status, raw)
        if error := event.get("error"):
            raise error_of_stream(call, error)
        text = (event.get("result") or {}).get("content") or ""
        lines += text.splitlines()
    return lines


def _state(row: Json, name: str) -> Any:  # noqa: ANN401 - a manifest, or null
    return json.loads(row.get(name) or "null")
