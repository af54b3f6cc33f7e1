"""PostSync, SyncFail, and people at 3 a.m.: end a hold, or keep part of it, and settle."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from fermata_hooks.holding import _wording as wording
from fermata_hooks.holding._actors import Environment
from fermata_hooks.holding._batch import Batch, Chunk
from fermata_hooks.holding._event_log import EventLog
from fermata_hooks.holding._settle import Patience, Settled, settle
from fermata_hooks.ledger import Ledger, Record, end_rules
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
    ending = end(environment, lambda r: end_rules.ended(r, application, revision=revision))
    newer = _newer(ending.record, application, revision)
    return replace(settle_and_tell(environment, ending, patience), newer=newer)


def release_everything(environment: Environment, *, patience: Patience) -> Released:
    """End the holds of all applications, and settle."""
    ending = end(environment, lambda record: replace(record, holds={}))
    return settle_and_tell(environment, ending, patience)


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
    expires = environment.now() + lease
    token = secrets.token_hex(8)
    ending = end(
        environment,
        lambda record: end_rules.kept(
            record,
            application,
            revision=revision,
            reason=reason,
            keep=keep,
            expires=expires,
            token=token,
        ),
    )
    newer = _newer(ending.record, application, revision)
    return replace(settle_and_tell(environment, ending, patience), newer=newer)


def let_some_go(
    environment: Environment,
    application: str | None,
    dag_ids: Collection[str],
    *,
    patience: Patience,
) -> Released:
    """Take ``dag_ids`` off the list of the application's hold (None: of all), and settle.

    The hold stays for the others, also where there are none: its sync goes on.
    """
    ending = end(environment, lambda record: _without(record, application, dag_ids))
    return settle_and_tell(environment, ending, patience)


def _without(record: Record, application: str | None, dag_ids: Collection[str]) -> Record:
    for each in record.holds if application is None else (application,):
        record = end_rules.let_go(record, each, revision=None, dag_ids=dag_ids)
    return record


def preview_release(
    environment: Environment,
    application: str | None,
    *,
    revision: str | None = None,
    dag_ids: Collection[str] | None = None,
) -> tuple[DagOutcome, ...]:
    """Return what ``release_hold`` (None: ``release_everything``) would do now; change nothing.

    With ``dag_ids`` it is what ``let_some_go`` would do.
    """
    before = environment.ledger.read()
    if dag_ids is not None:
        after = _without(before, application, dag_ids)
    elif application is None:
        after = replace(before, holds={})
    else:
        after = end_rules.ended(before, application, revision=revision)
    lines = after.unlisted()
    if not lines:
        return ()
    look = environment.look(lines)
    read_at = environment.now()
    log = EventLog(environment.airflow, ledger_id=after.id)
    log.read(lines)
    batch = Batch(after, log, environment.intend(), lease=0.0)
    chunk = Chunk({d: look.paused.get(d) for d in lines}, read_at)
    batch.settle(sorted(lines), chunk, now=read_at, room=len(lines))
    asked = {d: wording.would_ask(d, paused=paused) for d, paused in batch.requests.items()}
    outcomes = batch.outcomes | asked
    return tuple(outcomes[dag_id] for dag_id in sorted(outcomes))


def would_settle(
    ledger: Ledger,
    application: str | None,
    *,
    revision: str | None = None,
    keep: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the DAGs that ``release_hold``, or ``keep_hold`` with ``keep``, would settle now.

    Those that a person has paused meanwhile are among them. Asks the ledger only.
    """
    before = ledger.read()
    if application is None:
        return tuple(sorted(replace(before, holds={}).unlisted()))
    hold = before.holds.get(application)
    listed = hold.dags.difference(keep) if hold else ()
    after = end_rules.let_go(before, application, revision=revision, dag_ids=listed)
    return tuple(sorted(after.unlisted()))


def left_paused(environment: Environment, dag_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``dag_ids``, all paused now, that settling leaves so for a person's sake.

    One look at the event log, none if there are no such DAGs. Where it cannot be read nobody is
    known to want anything, and settling resumes them all.
    """
    if not dag_ids:
        return frozenset()
    record = environment.ledger.read()
    lines = {dag_id: record.lines[dag_id] for dag_id in dag_ids if dag_id in record.lines}
    log = EventLog(environment.airflow, ledger_id=record.id)
    log.read(lines)
    return frozenset(d for d, line in lines.items() if log.wish(d, line).met_by(paused=True))


def _newer(record: Record, application: str, revision: str | None) -> str:
    """Return the other revision that holds for ``application``; empty if there is none."""
    hold = record.holds.get(application)
    return hold.revision if hold and hold.revision != revision else ""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The ledger without the holds that ended, and the lists that these had."""

    record: Record
    lists: dict[str, frozenset[str]] = field(default_factory=dict)


def end(environment: Environment, change: Callable[[Record], Record]) -> Ending:
    """Change which DAGs the holds list; return what they have lost by that."""
    attempts: list[Ending] = []

    def decide(record: Record) -> Ending:
        after = change(record)
        lists = {app: off for app in record.holds if (off := _off(record, after, app)) is not None}
        if attempts and not lists and _holds_what(record, attempts[-1]):
            lists = attempts[-1].lists  # it was written before, and only the answer was lost
        attempts.append(Ending(record=after, lists=lists))
        return attempts[-1]

    with environment.termination.shield():
        return environment.ledger.change(decide)


def _off(before: Record, after: Record, application: str) -> frozenset[str] | None:
    """Return which DAGs the application's list has lost; None: its hold is as it was."""
    kept = after.holds.get(application)
    if kept is None:
        return before.holds[application].dags
    return (before.holds[application].dags - kept.dags) or None


def _holds_what(record: Record, attempt: Ending) -> bool:
    """Return whether the holds of an attempt are in the ledger as it wanted them."""
    return all(record.holds.get(a) == attempt.record.holds.get(a) for a in attempt.lists)


def settle_and_tell(environment: Environment, ending: Ending, patience: Patience) -> Released:
    """Settle, and say of each DAG of the ended holds what became of it."""
    settled = settle(environment, patience)
    said = {outcome.dag_id: outcome for outcome in settled.outcomes}
    for dag_id in frozenset().union(*ending.lists.values()) - said.keys():
        if holders := ending.record.holders(dag_id):
            said[dag_id] = wording.still_held(dag_id, holders)
        elif dag_id not in ending.record.lines:
            said[dag_id] = wording.never_ours(dag_id)
        else:
            said[dag_id] = wording.settled_by_another(dag_id)
    return Released(
        ended=tuple(sorted(ending.lists)),
        settled=replace(settled, outcomes=tuple(said[d] for d in sorted(said))),
    )
