"""How a hold step may change the ledger: open, leave alone, share, pause, wait, confirm, stop.

Pure functions of the ledger that is about to be replaced, of what was seen, and of the time.
Each guard is there because leaving it out loses a DAG; the tests show the shortest trace for
each.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from fermata_hooks.ledger._records import BATCH, Hold, Line, Record

Step = Literal["leave alone", "share", "absent", "pause", "wait", "yield", "look"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at one DAG: first its ``line`` in the ledger, then its state in Airflow.

    ``paused`` None: Airflow knows no such DAG.
    """

    line: Line | None
    paused: bool | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A writer's word that its requests leave before ``ends``, and cannot land after ``until``.

    ``until`` differs for each intent of a writer, so that a line tells which one it is of.
    """

    writer: str
    until: float
    ends: float


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What became of a batch of requests, by DAG id.

    ``answered``: took effect. ``refused``: understood, and not done. ``absent``: no such DAG.
    The rest had no answer, and may still land.
    """

    answered: Collection[str] = ()
    refused: Collection[str] = ()
    absent: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The ledger to write, and what follows once it is written.

    ``requests``: pause these, within the intent. ``look``: look at these again, ledger first.
    ``waiting``: an unanswered resume may still land on these, or another step is pausing them.
    ``steps``: what was decided for
    each DAG. ``ours`` False: the hold is not this step's any more; it stops.
    """

    record: Record
    ours: bool
    requests: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    steps: Mapping[str, Step] = field(default_factory=dict)


def opened(  # noqa: PLR0913 - a hold's parts, all by name
    record: Record,
    application: str,
    *,
    token: str,
    revision: str,
    operation: str,
    wanted: Collection[str],
    now: float,
    expires: float,
) -> Record:
    """Open the hold, or join the one that is there; with nothing wanted only join.

    What was dealt with stays so: a DAG that a person set running during the hold is not paused
    again. What a newer revision does not want leaves the list if it was still to do.
    """
    before = record.holds.get(application)
    if before is None and not wanted:
        return record
    held = before.held if before else frozenset()
    hold = Hold(
        token=token,
        revision=revision,
        operation=operation,
        opened=before.opened if before else now,
        expires=expires,
        todo=frozenset(wanted) - held,
        held=held,
    )
    return record.with_hold(application, hold)


def is_mine(record: Record, application: str, token: str) -> bool:
    """Return whether the hold is in force, and this step the one that may pause for it."""
    hold = record.holds.get(application)
    return hold is not None and hold.token == token


def step(line: Line | None, seen: Seen | None, *, now: float) -> Step:
    """Return what to do about one DAG that is still to be dealt with.

    "A person's pause" means: no line, then paused, then still no line. A DAG that somebody is
    resuming is not touched before that request is answered or cannot land any more.
    """
    if line is None or line.mark == "paused":
        if seen is None or seen.line != line:
            return "look"
        if seen.paused is None:
            return "absent"
        if not seen.paused:
            return "pause"
        return "leave alone" if line is None else "share"
    if line.mark == "resuming" and not line.calm(now):
        return "wait"
    return "pause"


def intended(line: Line | None, intent: Intent, *, since: float, now: float) -> Line:
    """Return the line that says: a pause is about to be sent.

    What may still land of earlier requests is remembered beside it.
    """
    return Line(
        mark="pausing",
        since=line.since if line else since,
        writer=intent.writer,
        until=intent.until,
        late_until=still_late(line, now=now),
    )


def still_late(line: Line | None, *, now: float) -> float | None:
    """Return until when an earlier request may still land; None if that is over for everybody."""
    return None if line is None or line.calm(now) else line.may_land_until


def confirmed(line: Line | None, *, writer: str) -> Line | None:
    """Return the line once its pause was answered; only its writer may say so."""
    if line is None or line.mark != "pausing" or line.writer != writer:
        return line
    return Line(mark="paused", since=line.since, late_until=line.late_until)


def written_down(
    record: Record, application: str, *, token: str, answers: Answers, now: float
) -> Record:
    """Return the ledger with what was answered: also a step that was revoked does this.

    A refused request cannot land: its line is as after an answer, but the DAG stays to do.
    """
    changed: dict[str, Line | None] = {}
    for dag_id in (*answers.answered, *answers.refused, *answers.absent):
        changed[dag_id] = confirmed(record.lines.get(dag_id), writer=token)
    for dag_id in answers.absent:
        line = changed[dag_id]
        if line is not None and line.gone_since is None:
            changed[dag_id] = replace(line, gone_since=now)
    record = record.with_lines({d: ln for d, ln in changed.items() if ln is not None})
    if not is_mine(record, application, token):
        return record
    return dealt_with(record, application, (*answers.answered, *answers.absent))


def dealt_with(record: Record, application: str, dag_ids: Collection[str]) -> Record:
    """Move ``dag_ids`` from the hold's todo to its held: they stay on its list."""
    hold = record.holds[application]
    moved = hold.todo.intersection(dag_ids)
    if not moved:
        return record
    hold = replace(hold, todo=hold.todo - moved, held=hold.held | moved)
    return record.with_hold(application, hold)


def decide(  # noqa: PLR0913 - everything that a decision may depend on, all by name
    record: Record,
    application: str,
    *,
    intent: Intent,
    seen: Mapping[str, Seen],
    since: float,
    answers: Answers,
    resting: Collection[str],
    now: float,
    room: int = BATCH,
    yields: bool = False,
) -> Decision:
    """Write down what was answered, deal with what needs no request, and intend the next batch.

    ``since``: Airflow's time at the look. ``resting``: DAGs not to be asked again yet. ``room``:
    how many requests at most. ``yields``: leave what another step is pausing right now to it, for
    the time being: to take its line over would let its request look like one without an answer.
    Deciding again, on a ledger that holds this very intent already
    (the store's answer was lost), leads to the same requests.
    """
    token = intent.writer
    record = written_down(record, application, token=token, answers=answers, now=now)
    if not is_mine(record, application, token):
        return Decision(record=record, ours=False)
    requests: list[str] = []
    lines: dict[str, Line | None] = {}
    steps: dict[str, Step] = {}
    for dag_id in sorted(record.holds[application].todo):
        line = record.lines.get(dag_id)
        if is_stated(line, intent):
            requests.append(dag_id)
            continue
        if dag_id in resting:
            continue
        steps[dag_id] = step(line, seen.get(dag_id), now=now)
        if yields and is_under_way_for_another(line, token, now=now):
            steps[dag_id] = "yield"
        if steps[dag_id] == "pause" and len(requests) < room:
            requests.append(dag_id)
            lines[dag_id] = intended(line, intent, since=since, now=now)
    record = dealt_with(record.with_lines(lines), application, settled_by_looking(steps))
    return Decision(
        record=record,
        ours=True,
        requests=tuple(requests),
        look=tuple(d for d, each in steps.items() if each == "look"),
        waiting=tuple(d for d, each in steps.items() if each in ("wait", "yield")),
        steps=steps,
    )


def is_under_way_for_another(line: Line | None, token: str, *, now: float) -> bool:
    """Return whether another step has said that it is about to pause the DAG."""
    return (
        line is not None and line.mark == "pausing" and line.writer != token and not line.calm(now)
    )


def is_stated(line: Line | None, intent: Intent) -> bool:
    """Return whether ``line`` holds this very intent."""
    return line is not None and line.writer == intent.writer and line.until == intent.until


def settled_by_looking(steps: Mapping[str, Step]) -> list[str]:
    """Return the DAGs that need no request; they stay on the hold's list all the same."""
    return [d for d, each in steps.items() if each in ("leave alone", "share", "absent")]
