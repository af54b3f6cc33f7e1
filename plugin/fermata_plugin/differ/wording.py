"""The sentences that text and Markdown share."""

from fermata_plugin.differ.risks import listed
from fermata_spec.difference import AffectedDag, Cause, ChangedObject, Difference, Side, Start

_CAUSES = {
    "configuration": "its own configuration",
    "file": "its file",
    "file-defaults": "the default of its file",
    "defaults": "the defaults in {path}",
    "imported": "{path}, which it imports",
    "named": "{path}, which it names",
    "read": "{path}, which it may read",
    "unknown": "unknown",
}
REVISION = 12  # digits of a commit that are shown


def side(each: Side) -> str:
    """Return what a side was called, and its commit."""
    is_told = not each.revision or each.revision.startswith(each.name)
    return each.name if is_told else f"{each.name} ({each.revision[:REVISION]})"


def cause(each: Cause) -> str:
    """Return one cause."""
    told = _CAUSES[each.kind].format(path=each.path)
    return f"{told}: {listed(each.keys)}" if each.keys else told


def why(dag: AffectedDag) -> str:
    """Return why a DAG is affected."""
    if dag.change == "added":
        return "new"
    if dag.change == "removed":
        return "removed"
    causes = listed([cause(each) for each in dag.causes], separator="; ")
    was = f"was {dag.old_dag_id}" if dag.change == "renamed" else ""
    return "; ".join(filter(None, (was, causes)))


def held(dag: AffectedDag) -> str:
    """Return whether the hold pauses a DAG."""
    return dag.held if not dag.why_not else f"{dag.held}: {dag.why_not}"


def summary(difference: Difference) -> str:
    """Return how many DAGs are affected, and how many of them are held."""
    affected = difference.affected
    counts = [
        f"{count} {change}"
        for change in ("changed", "added", "renamed", "removed")
        if (count := sum(dag.change == change for dag in affected))
    ]
    holding = sum(dag.held == "yes" for dag in affected)
    told = f"{len(affected)} DAG{'' if len(affected) == 1 else 's'} affected: {', '.join(counts)}"
    return f"{told}; {holding} held during the sync"


def runs(start: Start) -> str:
    """Return how many runs start."""
    if start.runs is None:
        return "cannot be told"
    return f"at least {start.runs}" if start.at_least else str(start.runs)


def run_reason(start: Start) -> str:
    """Return why runs start, or why they cannot be counted."""
    return f"once it is unpaused: {start.why}" if start.first else start.why


def assumptions(difference: Difference) -> str:
    """Return by what the starts were counted."""
    until = (
        ""
        if difference.since == difference.now
        else f", the old schedule run until {difference.since}"
    )
    return f"by the rules of Airflow {difference.airflow}, at {difference.now}{until}"


def size(each: ChangedObject) -> str:
    """Return the sizes of an object before and after."""
    if each.change == "added":
        return f"{each.new_bytes:,} bytes"
    if each.change == "removed":
        return f"{each.old_bytes:,} bytes"
    return f"{each.old_bytes:,} → {each.new_bytes:,} bytes"
