"""Where a report goes: a file, the log, the termination message, and stdout for people.

Nothing here may turn a good end into a bad one: a termination message that cannot be written is
no failure of the hook. The report file is another matter, because somebody asked for it.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TextIO

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.junit import to_junit
from fermata_spec.errors import SettingsError
from fermata_spec.report import Check, Report
from fermata_spec.units import format_duration

Format = Literal["text", "json", "markdown", "junit"]
TERMINATION_LOG = Path("/dev/termination-log")
_BLOCKER = ("task", "run", "state", "since", "usually", "expected end", "owner")
_MOST_ROWS = 200  # of DAGs or blockers in a table; the JSON report has all

log = logging.getLogger("fermata.report")


@dataclass(frozen=True, kw_only=True)
class Outlets:
    """Where the reports of this process go; ``termination`` is used only if it exists."""

    form: Format = "text"
    report: Path | None = None
    termination: Path = TERMINATION_LOG


def new_report(hook: str, application: str, revision: str, clock: Clock) -> Report:
    """Return a report that has just begun."""
    return Report(
        hook=hook, application=application, revision=revision, started=rfc3339(clock.now())
    )


def publish(
    report: Report,
    outlets: Outlets,
    *,
    clock: Clock,
    out: TextIO | None = None,
) -> None:
    """Send ``report`` everywhere it goes, once, at the end; raise if its file cannot be written.

    ``report.finished`` is set here if it is not set yet. stdout gets the table (or JSON, or
    Markdown), the log the one line of a pass: what did not pass is the error that the process ends
    with, and that is told once.
    """
    report.finished = report.finished or rfc3339(clock.now())
    if report.verdict == "pass":
        log.info("%s", report.one_line())
    print(render(report, outlets.form), end="", file=out or sys.stdout, flush=True)
    write_termination_message(report, outlets.termination)
    if outlets.report is not None:
        write_report(report, outlets.report)


def write_report(report: Report, path: Path) -> None:
    """Write the JSON report so that nobody ever reads half of it.

    Raises:
        SettingsError: the file cannot be written (``FERMATA_REPORT``).

    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(report.to_json())
        Path(temporary).replace(path)
    except OSError as exc:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise SettingsError(f"{path}: report cannot be written: {exc.strerror}") from exc


def write_termination_message(report: Report, path: Path) -> None:
    """Write the one line where Kubernetes reads it, if there is such a file."""
    if path.exists():
        with suppress(OSError):
            path.write_text(report.one_line() + "\n", encoding="utf-8")


def render(report: Report, form: Format) -> str:
    """Return the report for people or for a program, with a newline at its end."""
    match form:
        case "json":
            return report.to_json()
        case "markdown":
            return _markdown(report)
        case "junit":
            return to_junit(report)
        case "text":
            return _text(report)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a terminal: columns as wide as their widest cell, the last one free."""
    lines = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers) - 1)]
    out = []
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        out.append("  ".join([*cells, line[-1]]).rstrip())
    out.insert(1, "  ".join("-" * width for width in [*widths, len(headers[-1])]))
    return "\n".join(out) + "\n"


def took(report: Report) -> str:
    """Return how long the hook ran; empty while it has not finished."""
    if not report.finished:
        return ""
    ends = [datetime.fromisoformat(at) for at in (report.started, report.finished)]
    return format_duration((ends[1] - ends[0]).total_seconds())


def _title(report: Report) -> str:
    title = f"{report.subject}: {report.verdict}"
    return f"{title}, {took(report)}" if took(report) else title


def _sections(report: Report) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return name, headers and rows of each table that has rows."""
    checks = [(c.name, c.verdict, c.message) for c in report.checks]
    dags = [(d.dag_id, d.done, d.why) for d in report.dags]
    blockers = [
        (
            f"{b.dag_id}.{b.task_id}",
            b.run_id,
            b.state,
            b.since,
            "" if b.usual is None else format_duration(b.usual),
            b.expected,
            b.owner,
        )
        for b in report.blockers
    ]
    sections: list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]] = [
        ("checks", ("check", "verdict", "what"), [tuple(row) for row in checks]),
        ("DAGs", ("dag", "done", "why"), [tuple(row) for row in dags]),
        ("blockers", _BLOCKER, [tuple(row) for row in blockers]),
    ]
    return [section for section in sections if section[2]]


def _cut(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if len(rows) <= _MOST_ROWS:
        return rows
    more = f"… and {len(rows) - _MOST_ROWS} more"
    return [*rows[:_MOST_ROWS], (more, *[""] * (len(rows[0]) - 1))]


def _text(report: Report) -> str:
    parts = [_title(report) + "\n"]
    if report.message:
        parts.append(f"{report.message}\n")
    parts += ["\n" + table(headers, _cut(rows)) for _, headers, rows in _sections(report)]
    for check in _with_lines(report):
        parts.append(f"\n{check.name}:\n" + "".join(f"  {line}\n" for line in check.lines))
    return "".join(parts)


def _markdown(report: Report) -> str:
    parts = [f"### {_title(report)}\n"]
    if report.message:
        parts.append(f"\n{_escape(report.message)}\n")
    for name, headers, rows in _sections(report):
        parts.append(f"\n**{name}**\n\n| {' | '.join(headers)} |\n|{'---|' * len(headers)}\n")
        parts += [f"| {' | '.join(_escape(cell) for cell in row)} |\n" for row in _cut(rows)]
    for check in _with_lines(report):
        body = "".join(f"    {line}\n" for line in check.lines)
        parts.append(f"\n**{check.name}**\n\n{body}")
    return "".join(parts)


def _with_lines(report: Report) -> list[Check]:
    return [check for check in report.checks if check.lines]


def _escape(cell: str) -> str:
    """Return ``cell`` so that it stays in its cell and starts no markup."""
    text = " ".join(cell.split())
    for mark in "\\|`*_<>[]":
        text = text.replace(mark, "\\" + mark)
    return text
