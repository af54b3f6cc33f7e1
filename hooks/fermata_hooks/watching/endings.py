"""Whether an application's sync has ended without the end of its hold. Pure.

Argo CD runs no hook of ours after a terminated, timed out or crashed sync, nor after an error of
the plugin in the middle of one (measured on Argo CD 3.6: the operation is then Failed or Error,
with everything held). What an operation that still runs will do nobody knows: it is waited for,
also between its retries, where its phase is Running, and the lease bounds it all.
"""

from dataclasses import dataclass

from fermata_hooks.argocd import Application, Operation
from fermata_hooks.holding import EndedOperation, HoldStatus
from fermata_hooks.ledger import CLOCKS_DIFFER

SYNC_FAIL_PATIENCE = 300.0
"""Seconds for a SyncFail Job to do its work; up to Argo CD 3.3 a sync ends before it has."""

GONE = "its Application is gone"
_MOST = 200  # characters of Argo CD's own words


@dataclass(frozen=True)
class Seen:
    """A look at an application: ``application`` is None if it is surely gone.

    ``before``: whether a watch ever found it. What was never found is never gone: a watch that
    looks in the wrong place must not end holds.
    """

    application: Application | None
    before: bool


def ending(hold: HoldStatus, seen: Seen, *, now: float) -> EndedOperation | None:
    """Return why ``hold`` has outlived its sync; None if it has not, or nobody can tell."""
    if seen.application is None:
        if not seen.before:
            return None
        return EndedOperation(application=hold.application, operation=None, reason=GONE)
    operation = seen.application.operation
    if hold.kept or operation is None or seen.application.in_progress:
        return None
    if not _is_of(hold, operation) or _is_releasing(operation, now=now):
        return None
    return EndedOperation(
        application=hold.application, operation=hold.operation, reason=_reason(hold, operation)
    )


def _is_of(hold: HoldStatus, operation: Operation) -> bool:
    """Return whether ``hold`` is of this operation, which has ended, or of an earlier one.

    A hold that names no operation is of one if it was opened before that one's end. One that was
    opened by hand afterwards, without a sync, is left to its lease.
    """
    if hold.operation:
        return True
    return operation.finished is not None and hold.opened <= operation.finished + CLOCKS_DIFFER


def _is_releasing(operation: Operation, *, now: float) -> bool:
    """Return whether a SyncFail Job may be about to release, or to keep, what is held."""
    fails = [job for job in operation.waiting_for if job.phase == "SyncFail"]
    return bool(fails) and now < (operation.finished or 0.0) + SYNC_FAIL_PATIENCE


def _reason(hold: HoldStatus, operation: Operation) -> str:
    if hold.operation and hold.operation != operation.started:
        return f"its sync ended: another began at {operation.started}"
    said = " ".join(operation.message.split())[:_MOST]
    return f"its sync ended: {operation.phase}: {said}" if said else f"its sync {operation.phase}"
