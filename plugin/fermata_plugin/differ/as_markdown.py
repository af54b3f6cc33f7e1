"""A difference as the comment under a pull request: tables, at most what a code host takes.

Every name comes from a checkout that anyone may write: it stands in a code span, in which nothing
is markup, a mention or a link; what could end the span or the table is written as an entity.
"""

from collections.abc import Iterator, Sequence

from fermata_plugin.differ import wording
from fermata_plugin.differ.risks import listed
from fermata_spec.difference import Difference
from fermata_spec.problems import one_line

MARK = "<!-- fermata diff -->"  # by which a CI job finds the comment that it wrote before
MOST_CHARACTERS = 60_000  # GitHub takes 65,536
MOST_ROWS = 100
_CELL = 300  # characters
_Row = tuple[str, ...]


def to_markdown(difference: Difference) -> str:
    """Return ``difference`` as Markdown; what has no room is counted."""
    old, new = (code(wording.side(each)) for each in (difference.old, difference.new))
    parts = [f"{MARK}\n### What this change does to Airflow\n\n{old} → {new}\n"]
    if difference.old.empty:
        parts.append(f"{code(difference.old.name)} has nothing of it yet: all is new.\n")
    if difference.is_nothing:
        parts.append("Nothing that a sync would change.\n")
    parts += [_part(title, head, rows) for title, head, rows in _tables(difference) if rows]
    return "\n".join(_fitting(parts))


def _fitting(parts: Sequence[str]) -> Iterator[str]:
    """Yield the parts that have room."""
    room = MOST_CHARACTERS
    for number, part in enumerate(parts):
        room -= len(part) + 1
        if room < 0:
            yield f"{len(parts) - number} table(s) more have no room here: see `--format json`.\n"
            return
        yield part


def _part(title: str, head: _Row, rows: Sequence[_Row]) -> str:
    lines = [f"**{title}**", "", _row(head), _row(["---"] * len(head))]
    size = sum(map(len, lines))
    for number, row in enumerate(rows):
        line = _row(row)
        size += len(line) + 1
        if number == MOST_ROWS or size > MOST_CHARACTERS // 3:
            lines += ["", f"and {len(rows) - number} more: see `--format json`"]
            break
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """Return ``text`` as a code span that nothing in it can leave; nothing for nothing."""
    shown = one_line(text, limit=_CELL).strip()
    if not shown:
        return ""
    if "`" not in shown and "|" not in shown:
        return f"`{shown}`"
    entities = (each if each.isalnum() or each in " /.-" else f"&#{ord(each)};" for each in shown)
    return f"<code>{''.join(entities)}</code>"


def _tables(difference: Difference) -> Iterator[tuple[str, _Row, list[_Row]]]:
    yield (
        wording.summary(difference),
        ("DAG", "change", "why", "held"),
        [
            (code(dag.dag_id), dag.change, code(wording.why(dag)), code(wording.held(dag)))
            for dag in difference.affected
        ],
    )
    yield (
        "Look at these before merging",
        ("DAG", "what", ""),
        [(code(each.dag_id), each.kind, code(each.message)) for each in difference.risks],
    )
    yield (
        "Schedules",
        ("DAG", "before", "after"),
        [(code(each.dag_id), code(each.old), code(each.new)) for each in difference.schedules],
    )
    yield (
        f"Runs that start when the DAGs go on, {wording.assumptions(difference)}",
        ("DAG", "runs", "why"),
        [
            (code(each.dag_id), wording.runs(each), code(wording.run_reason(each)))
            for each in difference.starts
        ],
    )
    yield (
        "Objects that Argo CD changes",
        ("object", "change", "size", "files"),
        [
            (
                code(f"{each.kind} {each.name}"),
                each.change,
                wording.size(each),
                code(listed(each.files)),
            )
            for each in difference.objects
        ],
    )
    yield (
        "Hooks",
        ("hook", "change", "what"),
        [(code(each.name), each.change, code(listed(each.what))) for each in difference.hooks],
    )
    yield "Other manifests", ("file",), [(code(path),) for path in difference.manifests]
