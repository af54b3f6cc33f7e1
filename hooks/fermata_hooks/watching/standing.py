"""Who holds which DAG, until when, why, and what will happen next. Pure."""

from collections.abc import Collection, Mapping

from fermata_hooks.agenda import Agenda
from fermata_hooks.clock import rfc3339
from fermata_hooks.holding import HoldStatus, LineStatus, status_of
from fermata_hooks.ledger import Record
from fermata_hooks.locks import Lock
from fermata_hooks.watching.unverified import Unverified
from fermata_spec.standing import (
    DagState,
    Standing,
    StandingDag,
    StandingDenial,
    StandingHold,
    StandingLock,
    StandingUnverified,
)

NEXT_SYNC = "the next hold takes them for changed, and the next pass of verify ends this"


def stand(  # noqa: PLR0913 - all that can be known, by name
    record: Record,
    *,
    now: float,
    ledger: str,
    agenda: Agenda | None = None,
    unverified: Collection[Unverified] = (),
    locks: Collection[Lock] = (),
    unknown: Collection[str] = (),
) -> Standing:
    """Return how things stand by the ledger, and by what else could be looked at."""
    holds, lines = status_of(record)
    return Standing(
        at=rfc3339(now),
        ledger=ledger,
        holds=tuple(_hold(hold) for hold in holds),
        dags=tuple(_dags(holds, {line.dag_id: line for line in lines})),
        denied=tuple(_denials(agenda)) if agenda is not None else (),
        unverified=tuple(
            StandingUnverified(
                application=each.application,
                verified=each.verified,
                dag_ids=each.dag_ids,
                next=NEXT_SYNC,
            )
            for each in unverified
        ),
        locks=tuple(
            StandingLock(
                application=lock.application,
                owner=lock.owner,
                reason=lock.reason,
                since=rfc3339(lock.since),
                until=lock.until,
            )
            for lock in locks
        ),
        unknown=tuple(unknown),
    )


def _hold(hold: HoldStatus) -> StandingHold:
    expires = rfc3339(hold.expires)
    if hold.kept:
        end = f"kept until a later sync releases it, or its lease ends at {expires}"
    else:
        end = f"ends with the sync of {hold.revision[:12]}, or with its lease at {expires}"
    return StandingHold(
        application=hold.application,
        revision=hold.revision,
        operation=hold.operation,
        opened=rfc3339(hold.opened),
        expires=expires,
        kept=hold.kept,
        dags=len(hold.held) + len(hold.todo),
        next=end,
    )


def _dags(holds: Collection[HoldStatus], lines: Mapping[str, LineStatus]) -> list[StandingDag]:
    listed: dict[str, list[HoldStatus]] = {}
    for hold in holds:
        for dag_id in (*hold.todo, *hold.held):
            listed.setdefault(dag_id, []).append(hold)
    todo = {dag_id for hold in holds for dag_id in hold.todo}
    return [
        _listed(dag_id, listed[dag_id], lines.get(dag_id), is_todo=dag_id in todo)
        if dag_id in listed
        else _owed(lines[dag_id])
        for dag_id in sorted({*listed, *lines})
    ]


def _listed(
    dag_id: str, holds: Collection[HoldStatus], line: LineStatus | None, *, is_todo: bool
) -> StandingDag:
    """Return how a DAG stands that is on some hold's list."""
    applications = tuple(hold.application for hold in holds)
    until = rfc3339(max(hold.expires for hold in holds))
    state: DagState
    if is_todo and (line is None or line.mark != "paused"):
        state, then = "to be held", "its hold step is about to pause it"
    elif line is None:
        state, then = "left paused", "it stays as it is: a person had paused it before"
    else:
        last = " and ".join(applications)
        state, then = "held", f"it runs again when {last} lets go of it, at the latest at {until}"
    if line is not None and line.gone_since is not None:
        state, then = "gone", f"Airflow knows no such DAG since {rfc3339(line.gone_since)}"
    return StandingDag(
        dag_id=dag_id,
        state=state,
        applications=applications,
        since=rfc3339(line.since if line else min(hold.opened for hold in holds)),
        until=until,
        why="; ".join(_why(hold) for hold in holds),
        next=then,
    )


def _owed(line: LineStatus) -> StandingDag:
    """Return how a DAG stands that nobody holds any more, and that is not settled yet."""
    until = rfc3339(line.settles_after) if line.settles_after is not None else ""
    state: DagState
    if line.gone_since is not None:
        since = rfc3339(line.gone_since)
        state = "gone"
        then = f"Airflow knows no such DAG since {since}; it is forgotten after a lease"
    elif line.settles_after is not None:
        state, why = "waits", "a request that had no answer may still land"
        then = f"it is looked at again when that cannot be any more, at {until}"
        return _owed_dag(line, state, until, why, then)
    else:
        state, then = "to be given back", "the next release or pass of the watch settles it"
    return _owed_dag(line, state, until, "its hold has ended", then)


def _owed_dag(line: LineStatus, state: DagState, until: str, why: str, then: str) -> StandingDag:
    return StandingDag(
        dag_id=line.dag_id,
        state=state,
        applications=(),
        since=rfc3339(line.since),
        until=until,
        why=why,
        next=then,
    )


def _why(hold: HoldStatus) -> str:
    what = f"{hold.application}@{hold.revision[:12]}"
    return f"kept by {what}: {hold.kept}" if hold.kept else f"the sync of {what}"


def _denials(agenda: Agenda) -> list[StandingDenial]:
    return [
        StandingDenial(
            application=denial.application,
            revision=denial.revision,
            rule=denial.rule,
            blocking=denial.blocking,
            at=rfc3339(denial.at),
            state=denial.state,
            next=denial.outlook,
        )
        for _, denial in sorted(agenda.denials.items())
    ]
