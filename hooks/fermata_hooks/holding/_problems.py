"""Why a hold step does not come to its end, each in one line."""

from collections.abc import Collection, Mapping

from fermata_hooks.ledger import MAX_OPEN_BYTES, Line, Record, encode
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError
from fermata_spec.units import format_duration


def require_room(record: Record, application: str) -> None:
    """Raise ``SettingsError`` if the ledger with all its DAGs paused would be too large."""
    owed = Line(mark="pausing", since=0.0, writer="x", until=0.0)
    hold = record.holds[application]
    projected = record.with_lines({d: owed for d in hold.todo if d not in record.lines})
    size = len(encode(projected))
    if size > MAX_OPEN_BYTES:
        raise SettingsError(
            f"{application}: a hold of {len(hold.dags)} DAGs makes the ledger {size} bytes, "
            f"of {MAX_OPEN_BYTES} at most: nothing was paused"
        )


def not_ours(application: str) -> UnavailableError:
    """Return the error of a step whose hold somebody else has by now, or nobody."""
    return UnavailableError(f"{application}: the hold was ended or taken over by somebody else")


def refused(application: str, refusals: Mapping[str, RejectedError]) -> RejectedError:
    """Return the error of a step to which Airflow said no."""
    dag_id = min(refusals)
    more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
    return RejectedError(
        f"{application}: {dag_id} not paused: {refusals[dag_id]}{more}",
        status=refusals[dag_id].status,
    )


def too_late(
    application: str, todo: Collection[str], why: Mapping[str, str], *, deadline: float
) -> UnavailableError:
    """Return the error of a step whose time is over; ``why`` says what is known of each DAG."""
    first = sorted(set(todo) & why.keys())[:3]
    told = "; ".join(f"{dag_id}: {why[dag_id]}" for dag_id in first) or "out of time"
    return UnavailableError(
        f"{application}: {len(todo)} DAG(s) not held after {format_duration(deadline)}: {told}"
    )
