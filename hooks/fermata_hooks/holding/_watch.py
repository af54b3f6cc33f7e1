"""Watch: end the holds that nobody will release, then settle."""

from collections.abc import Collection
from dataclasses import dataclass

from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._settle import Patience, Settled


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
    raise NotImplementedError


def watch_pass(
    environment: Environment, ended: Collection[EndedOperation] = (), *, patience: Patience
) -> tuple[tuple[EndedHold, ...], Settled]:
    """Do one period of the watch: end holds, then settle what does not have to wait.

    Two watches may run at once. Alone it brings every state of the ledger to rest. It asks
    Airflow nothing when the ledger holds no line to settle.
    """
    raise NotImplementedError
