"""Starting a sync exactly once, though answers are lost and tasks are tried again.

Argo CD knows no idempotency key. An operation carries a marker of its task and try; a request that
had no answer is never sent again: the application is read until the marker shows up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from fermata_airflow.argocd import calls
from fermata_airflow.argocd.application import Application, read_application
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.client import Client
from fermata_airflow.exceptions import ArgoCDUnavailableError
from fermata_spec.initiator import MARKER, Initiator

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each look for a request without an answer


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A try of a task of a run.

    ``cleared``: how many tries there were before a person cleared the task: that asks for a new
    sync, while a retry goes on with what an earlier try began.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    cleared: int = 0
    number: int = 1

    @property
    def _task(self) -> str:
        ids = (self.dag_id, self.run_id, self.task_id, str(self.map_index), str(self.cleared))
        return sha256("\n".join(ids).encode()).hexdigest()[:16]

    @property
    def marker(self) -> str:
        """The marker of this try."""
        return f"{self._task}-{self.number}"

    def began(self, marker: str) -> bool:
        """Return whether this try or an earlier one has ``marker``."""
        return marker.startswith(f"{self._task}-")

    @property
    def initiator(self) -> Initiator:
        """What the operation says of it."""
        return Initiator(self.dag_id, self.run_id, self.task_id, self.marker)


def marker_of_ours(application: Application, attempt: Attempt) -> str:
    """Return the marker of an operation that this task began and that has not failed; else "".

    It runs, is about to, or has succeeded.
    """
    asked = (application.requested or {}).get(MARKER, "")
    if attempt.began(asked):
        return asked
    operation = application.operation
    if operation is None or (operation.ended and operation.phase != "Succeeded"):
        return ""
    marker = operation.infos.get(MARKER, "")
    return marker if attempt.began(marker) else ""


def start_sync(
    client: Client,
    target: Target,
    order: SyncOrder,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Application:
    """Ask for a sync, once; return the application with the operation that was asked for.

    ``order.infos`` hold the marker.

    Raises:
        ArgoCDBusyError: another operation is in progress.
        ArgoCDUnavailableError: no answer; where it may have been accepted, its marker did not
            show up, either.
        ArgoCDRejectedError: refused.

    """
    try:
        return read_application(client.send(calls.sync(target, order)), known=target)
    except ArgoCDUnavailableError as exc:
        found = _find(client, target, order.infos.get(MARKER, ""), sleep) if exc.sent else None
        if found is None:
            told = "; its marker is not to be seen, and it may still begin" if exc.sent else ""
            raise ArgoCDUnavailableError(f"{exc}{told}", sent=exc.sent) from exc
        return found


def _find(
    client: Client, target: Target, marker: str, sleep: Callable[[float], None]
) -> Application | None:
    for pause in LOOKS:
        sleep(pause)
        try:
            application = read_application(client.send(calls.get(target)), known=target)
        except ArgoCDUnavailableError:
            continue
        operation = application.operation
        seen = (application.requested or {}, operation.infos if operation else {})
        if marker and marker in [infos.get(MARKER) for infos in seen]:
            return application
    return None


def with_infos(order: SyncOrder, attempt: Attempt) -> SyncOrder:
    """Return the order as this try sends it."""
    return replace(order, infos=attempt.initiator.infos() | dict(order.infos))
