"""How a settler may change the ledger: drop, give back, resume early, close, wait, forget.

To settle a line is to bring its DAG to the wish (what it would be without us), to look again,
and only then to drop the line. Pure functions; the order of reading is the caller's: ledger,
then state, then event log.
"""

from dataclasses import replace
from typing import Literal

from fermata_hooks.ledger._records import Line
from fermata_hooks.ledger._rows import Wish
from fermata_hooks.ledger.hold_rules import Intent, still_late

Step = Literal["drop", "give back", "resume early", "wait", "gone", "forget"]
Closing = Literal["drop", "give back", "wait", "not mine"]


def step(  # noqa: PLR0913 - everything that a decision may depend on, all by name
    line: Line, *, paused: bool | None, wish: Wish, me: str, read_at: float, lease: float
) -> Step:
    """Return what to do about a line that no hold lists.

    ``paused`` is the DAG's state, read at ``read_at`` or later (None: no such DAG). While an
    earlier request may still land nothing is dropped; but a DAG that should run is resumed all
    the same, and looked at again afterwards.
    """
    if paused is None:
        over = line.gone_since is not None and read_at > line.gone_since + lease
        return "forget" if over and line.calm(read_at) else "gone"
    if is_calm(line, read_at=read_at):
        return "drop" if wish.met_by(paused=paused) else "give back"
    mine = line.mark != "resuming" or line.writer == me
    if paused and wish.paused is False and mine:
        return "resume early"
    return "wait"


def is_calm(line: Line, *, read_at: float) -> bool:
    """Return whether nothing could land any more *before* the state was read."""
    return line.calm(read_at)


def giving_back(line: Line, intent: Intent, *, wish: Wish) -> Line:
    """Return the line of a calm DAG that says: what was wished for is about to be asked for."""
    return Line(
        mark="pausing" if wish.paused else "resuming",
        since=line.since,
        writer=intent.writer,
        until=intent.until,
    )


def resuming_early(line: Line, intent: Intent, *, now: float) -> Line:
    """Return the line that says: a resume is about to be sent, and something may land besides."""
    return Line(
        mark="resuming",
        since=line.since,
        writer=intent.writer,
        until=intent.until,
        late_until=still_late(line, now=now),
    )


def closing(line: Line | None, intent: Intent, *, sent_paused: bool, wish: Wish) -> Closing:
    """Return what to do after an answer; ``wish`` is by the event log, read after that answer.

    Whoever took the line over in the meantime settles it; what may still land keeps it.
    """
    mark = "pausing" if sent_paused else "resuming"
    if line is None or not is_writers(line, intent) or line.mark != mark:
        return "not mine"
    if line.late_until is not None:
        return "wait"
    return "drop" if wish.met_by(paused=sent_paused) else "give back"


def is_writers(line: Line, intent: Intent) -> bool:
    """Return whether the line still says what this intent wrote."""
    return line.writer == intent.writer and line.until == intent.until


def handed_over(line: Line) -> Line:
    """Return the line of a DAG whose requests were all answered and that a hold lists by now.

    The hold looks at the DAG and pauses it; what a person wished for is settled afterwards.
    """
    return Line(mark="paused", since=line.since)


def waiting(line: Line) -> Line:
    """Return the line after its own request was answered, while an earlier one may still land.

    What was answered has taken effect and lands no more: the line waits for the earlier request
    alone. The mark stays, since that one may be a resume, and a hold must wait for it; so does
    the writer, who may resume the DAG once more if it was a pause.
    """
    return replace(line, until=None)


def refused(line: Line | None, intent: Intent) -> Line | None:
    """Return the line after its request was refused, which therefore cannot land any more.

    With another request that may still land it waits for that one, as after an answer.
    """
    if line is None or not is_writers(line, intent):
        return line
    return handed_over(line) if line.late_until is None else waiting(line)


def found_gone(line: Line, *, now: float) -> Line:
    """Return the line of a DAG that Airflow does not know (any more)."""
    return line if line.gone_since is not None else replace(line, gone_since=now)


def found_again(line: Line) -> Line:
    """Return the line of a DAG that Airflow knows."""
    return line if line.gone_since is None else replace(line, gone_since=None)
