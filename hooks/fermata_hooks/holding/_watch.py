"""Watch: end the holds that nobody will release, then settle."""

from collections.abc import Collection
from dataclasses import dataclass

from fermata_hooks.clock import rfc3339
from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._settle import Patience, Settled, settle
from fermata_hooks.ledger import Hold, Record, end_rules


@dataclass(frozen=True, kw_only=True)
class EndedOperation:
    """An application whose sync is known to have ended.

    ``operation`` is the ``startedAt`` of that sync; None: the Application itself is gone, which
    ends its hold whatever it is of, also a kept one.
    """

    application: str
    operation: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class EndedHold:
    """A hold that was ended: whose, of which revision, why, and the DAGs on its list."""

    application: str
    revision: str
    reason: str
    dag_ids: frozenset[str]


def end_due_holds(
    environment: Environment, ended: Collection[EndedOperation] = ()
) -> tuple[EndedHold, ...]:
    """End each hold whose lease is over, or whose operation is among ``ended`` and not kept."""
    over = {operation.application: operation for operation in ended}
    with environment.termination.shield():
        return environment.ledger.change(
            lambda record: _ending(record, over, now=environment.now())
        ).ended


def watch_pass(
    environment: Environment, ended: Collection[EndedOperation] = (), *, patience: Patience
) -> tuple[tuple[EndedHold, ...], Settled]:
    """Do one period of the watch: end holds, then settle what does not have to wait.

    Two watches may run at once. Alone it brings every state of the ledger to rest. It asks
    Airflow nothing when the ledger holds no line to settle.
    """
    return end_due_holds(environment, ended), settle(environment, patience)


@dataclass(frozen=True)
class _Ending:
    record: Record
    ended: tuple[EndedHold, ...]


def _ending(record: Record, over: dict[str, EndedOperation], *, now: float) -> _Ending:
    ended = []
    for application, hold in sorted(record.holds.items()):
        reason = _why(hold, over.get(application), now=now)
        if reason:
            record = record.with_hold(application, None)
            ended.append(
                EndedHold(
                    application=application,
                    revision=hold.revision,
                    reason=reason,
                    dag_ids=hold.dags,
                )
            )
    return _Ending(record, tuple(ended))


def _why(hold: Hold, operation: EndedOperation | None, *, now: float) -> str:
    """Return why the hold ends now; empty if it does not."""
    if operation is not None and end_rules.is_over_with(hold, operation.operation):
        return operation.reason
    if end_rules.lease_is_over(hold, now=now):
        return f"its lease ended at {rfc3339(hold.expires)}"
    return ""
