"""What the report says of one DAG: what was done, and because of whom."""

from fermata_hooks.clock import rfc3339
from fermata_hooks.ledger import Line, PauseRow, Wish
from fermata_spec.report import DagOutcome

DONE_AGAIN = "running again"


def dropped(dag_id: str, *, paused: bool, wish: Wish) -> DagOutcome:
    """Nothing had to be sent: the DAG is as wished already."""
    if wish.row is not None:
        return DagOutcome(dag_id=dag_id, done=left(paused=paused), why=asked(wish.row))
    return DagOutcome(dag_id=dag_id, done=DONE_AGAIN, why="it ran already")


def given_back(dag_id: str, *, paused: bool, wish: Wish) -> DagOutcome:
    """We asked for what was wished for, and it is so."""
    why = asked(wish.row) if wish.row is not None else ""
    if paused:
        why = f"{why}; it ran for a moment" if why else ""
        return DagOutcome(dag_id=dag_id, done="set back", why=why)
    return DagOutcome(dag_id=dag_id, done=DONE_AGAIN, why=why)


def waits(dag_id: str, line: Line) -> DagOutcome:
    """Something may still land on the DAG: it is looked at again afterwards."""
    until = line.may_land_until
    when = f" until {rfc3339(until)}" if until is not None else ""
    return DagOutcome(
        dag_id=dag_id, done="waits", why=f"a request without an answer may still land{when}"
    )


def gone(dag_id: str, line: Line, *, forgotten: bool) -> DagOutcome:
    """Airflow knows no such DAG (any more)."""
    since = f" since {rfc3339(line.gone_since)}" if line.gone_since is not None else ""
    end = "; forgotten" if forgotten else ""
    return DagOutcome(dag_id=dag_id, done="gone", why=f"Airflow knows no such DAG{since}{end}")


def refused(dag_id: str, error: Exception) -> DagOutcome:
    """Airflow understood, and would not."""
    return DagOutcome(dag_id=dag_id, done="refused", why=str(error))


def still_held(dag_id: str, holders: list[str]) -> DagOutcome:
    """Another application's hold lists the DAG."""
    return DagOutcome(dag_id=dag_id, done="held", why=f"held by {', '.join(holders)}")


def left(*, paused: bool) -> str:
    """Return what is done with a DAG that is as its person left it."""
    return "left paused" if paused else "left running"


def asked(row: PauseRow) -> str:
    """Return who asked for what, and when: ``ann paused it at 2026-11-24T13:08:00Z``."""
    what = {True: "paused it", False: "set it running", None: "changed it last"}[row.value]
    return f"{row.owner or 'somebody'} {what} at {rfc3339(row.when)}"


def would_ask(dag_id: str, *, paused: bool) -> DagOutcome:
    """Tell a dry run what would be asked for."""
    done = "would be paused" if paused else "would run again"
    return DagOutcome(dag_id=dag_id, done=done)


def never_ours(dag_id: str) -> DagOutcome:
    """The DAG was on the hold's list, but we never had to pause it."""
    return DagOutcome(dag_id=dag_id, done="left as it is", why="this hold did not pause it")


def settled_by_another(dag_id: str) -> DagOutcome:
    """Another settler was faster, or a new hold has it by now."""
    return DagOutcome(dag_id=dag_id, done="settled", why="by another process meanwhile")
