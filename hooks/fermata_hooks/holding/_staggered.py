"""Release a hold DAG after DAG, so that not all of their runs start at once.

What has not gone on yet stays on the hold's list, so that nobody who settles meanwhile, a watch
say, lets it go at once; and whoever kills this process leaves a hold that its lease ends.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._release import Released, end, release_hold, settle_and_tell
from fermata_hooks.holding._settle import Patience
from fermata_hooks.ledger import Record, end_rules
from fermata_spec.report import DagOutcome


@dataclass(frozen=True, kw_only=True)
class Stagger:
    """``seconds`` between two DAGs, fewer where that would be more than ``within`` in all."""

    seconds: float
    within: float

    def between(self, dags: int) -> float:
        """Return the seconds between two of so many DAGs."""
        return min(self.seconds, self.within / max(dags - 1, 1))


def release_staggered(
    environment: Environment,
    application: str,
    *,
    revision: str | None,
    patience: Patience,
    stagger: Stagger,
) -> Released:
    """Do what ``release_hold`` does, DAG after DAG; raises what that raises."""
    before = let_go_staggered(
        environment, application, revision=revision, patience=patience, stagger=stagger
    )
    released = release_hold(environment, application, revision=revision, patience=patience)
    return with_earlier(released, before)


def let_go_staggered(  # noqa: PLR0913 - as for releasing
    environment: Environment,
    application: str,
    *,
    revision: str | None,
    patience: Patience,
    stagger: Stagger,
    keep: Collection[str] = (),
) -> list[DagOutcome]:
    """Let all DAGs of the hold but one, and but those to ``keep``, go on; return what was done.

    The last one is for whoever ends the hold, or cuts it down.
    """
    give_up_at = environment.clock.monotonic() + patience.deadline + stagger.within
    outcomes: list[DagOutcome] = []
    owed = _owed(environment.ledger.read(), application, revision, keep)
    between = stagger.between(len(owed))
    while len(owed) > 1:
        left = max(give_up_at - environment.clock.monotonic(), 0.0)
        step = replace(patience, deadline=min(left, patience.deadline), for_late_requests=False)
        released = _let_go(environment, application, revision, owed[0], step)
        outcomes += released.settled.outcomes
        environment.clock.sleep(between)
        owed = _owed(environment.ledger.read(), application, revision, keep)
    return outcomes


def with_earlier(released: Released, outcomes: Iterable[DagOutcome]) -> Released:
    """Return ``released`` with what was done before it."""
    last = {outcome.dag_id: outcome for outcome in [*outcomes, *released.settled.outcomes]}
    settled = replace(released.settled, outcomes=tuple(last[d] for d in sorted(last)))
    return replace(released, settled=settled)


def _owed(
    record: Record, application: str, revision: str | None, keep: Collection[str]
) -> list[str]:
    """Return the DAGs that go on when they leave this hold, in order."""
    hold = record.holds.get(application)
    if hold is None or (revision is not None and hold.revision != revision):
        return []
    others = record.with_hold(application, None).listed()
    return sorted((hold.dags & record.lines.keys()).difference(others, keep))


def _let_go(
    environment: Environment,
    application: str,
    revision: str | None,
    dag_id: str,
    patience: Patience,
) -> Released:
    def change(record: Record) -> Record:
        return end_rules.let_go(record, application, revision=revision, dag_ids=(dag_id,))

    return settle_and_tell(environment, end(environment, change), patience)
