"""PostSync, SyncFail, and people at 3 a.m.: end a hold, or keep part of it, and settle."""

from collections.abc import Collection
from dataclasses import dataclass

from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._settle import Patience, Settled
from fermata_spec.report import DagOutcome


@dataclass(frozen=True, kw_only=True)
class Released:
    """``ended``: the applications whose hold was ended (or cut down) by this very call.

    ``newer`` is the revision that has joined the hold since: then it was left alone.
    """

    ended: tuple[str, ...]
    settled: Settled
    newer: str = ""


def release_hold(
    environment: Environment, application: str, *, revision: str | None, patience: Patience
) -> Released:
    """End the hold of ``application`` if it is of ``revision`` (None: whatever it is of); settle.

    Without such a hold it still settles what is left in the ledger, so that running it again
    finishes what a killed release began. Raises what ``settle`` raises.
    """
    raise NotImplementedError


def release_everything(environment: Environment, *, patience: Patience) -> Released:
    """End the holds of all applications, and settle."""
    raise NotImplementedError


def keep_hold(  # noqa: PLR0913 - what is kept, why and for how long, all by name
    environment: Environment,
    application: str,
    *,
    revision: str,
    reason: str,
    keep: Collection[str] | None,
    lease: float,
    patience: Patience,
) -> Released:
    """Keep the hold in force after a failed sync for ``lease`` seconds more; settle the others.

    ``keep`` are the DAGs that stay on its list (quarantine); None keeps all of them. A hold step
    that still runs is stopped. ``ended`` is the application if its hold was cut down.
    """
    raise NotImplementedError


def preview_release(
    environment: Environment, application: str | None, *, revision: str | None = None
) -> tuple[DagOutcome, ...]:
    """Return what ``release_hold`` (None: ``release_everything``) would do now; change nothing."""
    raise NotImplementedError
