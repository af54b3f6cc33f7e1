"""Rows of Airflow's event log about pausing, and what a person wished for according to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fermata_hooks.ledger._records import Line

LogMode = Literal["values", "order", "unreadable"]

BEFORE_THE_LOOK = 60.0  # seconds: a row may be older than the first look, its effect later


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseRow:
    """Somebody asked for one DAG to be paused (``value`` True), to run (False), or we cannot tell.

    ``id`` grows with time. ``tag`` is what we add to our own requests (Airflow 3);
    ``own_account`` says that only we use the row's account (Airflow 2, which takes no tag).
    """

    id: int
    when: float
    dag_id: str
    owner: str
    value: bool | None
    tag: str = ""
    own_account: bool = False

    def ours(self, ledger_id: str) -> bool:
        """Whether an actor of this very ledger sent the request."""
        return self.own_account or self.tag.partition(".")[0] == ledger_id


@dataclass(frozen=True, slots=True)
class Wish:
    """What a DAG would be without us; ``paused`` None: whatever it is now, a person chose it.

    ``row`` is the person's request that says so; None: nobody asked, and the DAG ran.
    """

    paused: bool | None
    row: PauseRow | None = None

    def met_by(self, *, paused: bool) -> bool:
        """Whether a DAG in this state is as wished."""
        return self.paused is None or self.paused == paused


RUNNING = Wish(paused=False)


def wish_of(line: Line, rows: Iterable[PauseRow], *, mode: LogMode, ledger_id: str) -> Wish:
    """Return the wish for the DAG of ``line``; ``rows`` are those of this DAG, in any order.

    ``values``: what the newest row of a person says. ``order`` (Airflow 3.0, whose rows say false
    whatever was asked; also a row that does not tell): if the newest row of all is a person's,
    the DAG is what that person chose, and ours to leave alone. ``unreadable``: running.
    """
    if mode == "unreadable":
        return RUNNING
    counted = [row for row in rows if row.when >= line.since - BEFORE_THE_LOOK]
    persons = [row for row in counted if not row.ours(ledger_id)]
    if not persons:
        return RUNNING
    last = max(persons, key=lambda row: row.id)
    if mode == "values" and last.value is not None:
        return Wish(paused=last.value, row=last)
    newest = max(counted, key=lambda row: row.id)
    return Wish(paused=None, row=last) if newest is last else RUNNING
