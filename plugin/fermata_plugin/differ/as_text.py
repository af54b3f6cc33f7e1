"""A difference for a terminal: one line for each thing, names made harmless."""

from collections.abc import Iterator, Sequence

from fermata_plugin.differ import wording
from fermata_plugin.differ.risks import listed
from fermata_spec.difference import Difference
from fermata_spec.problems import one_line

_SIGNS = {"changed": "~", "added": "+", "removed": "-", "renamed": ">"}
_Row = tuple[str, ...]


def to_text(difference: Difference) -> str:
    """Return ``difference`` as lines."""
    lines = [f"{wording.side(difference.old)} → {wording.side(difference.new)}"]
    if difference.old.empty:
        lines.append(f"{difference.old.name} has nothing of it yet: all is new")
    if difference.is_nothing:
        lines.append("nothing that a sync would change")
    for title, rows in _parts(difference):
        if rows:
            lines += ["", title, *_table(rows)]
    return "".join(f"{one_line(line)}\n" for line in lines)


def _parts(difference: Difference) -> Iterator[tuple[str, list[_Row]]]:
    yield (
        wording.summary(difference),
        [
            (
                _SIGNS[dag.change],
                dag.dag_id,
                dag.file,
                wording.why(dag) + (f" [not held: {dag.why_not}]" if dag.why_not else ""),
            )
            for dag in difference.affected
        ],
    )
    yield (
        "schedules",
        [(each.dag_id, f"{each.old} → {each.new}") for each in difference.schedules],
    )
    yield (
        f"runs that start when the DAGs go on, {wording.assumptions(difference)}",
        [(each.dag_id, wording.runs(each), wording.run_reason(each)) for each in difference.starts],
    )
    yield "look at these", [(each.dag_id, each.kind, each.message) for each in difference.risks]
    yield (
        "objects",
        [
            (
                _SIGNS[each.change],
                f"{each.kind} {each.name}",
                wording.size(each),
                listed(each.files),
            )
            for each in difference.objects
        ],
    )
    yield (
        "hooks",
        [(_SIGNS[each.change], each.name, listed(each.what)) for each in difference.hooks],
    )
    yield "other manifests", [(path,) for path in difference.manifests]


def _table(rows: Sequence[_Row]) -> Iterator[str]:
    """Yield the rows with their columns below each other; the last one is as long as it is."""
    most = 50
    widths = [min(most, max(map(len, column))) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield f"  {'  '.join([*cells, row[-1]])}".rstrip()
