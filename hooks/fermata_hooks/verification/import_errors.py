"""Import errors against the baseline that hold took: new ones fail, old ones warn.

A file that failed before and whose error reads otherwise now has a new error. What this account
may not read is neither old nor new: it is inconclusive.

A new error gets one more chance: files of one change can arrive a moment apart. It is final once
the file has failed again, at least the settle window after it was first seen to fail.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename

from fermata_hooks.airflow_api import ImportErrorRow
from fermata_hooks.handoff import REDACTED_FINGERPRINT, error_key, fingerprint
from fermata_hooks.redaction import redact, redact_lines
from fermata_hooks.verification._files import FileIndex
from fermata_hooks.verification._finding import Finding, Light, count, names
from fermata_spec.report import Check

CHECK = "import errors"
PERMISSION = "needs can_read on DAGs, on all of a file"
_TRACE_LINES = 20
_LINE_NUMBER = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The rows of one look, sorted; ``fixed`` are keys of the baseline that are gone.

    ``unknown``: there is no baseline to tell whether they are new.
    """

    new: tuple[ImportErrorRow, ...] = ()
    old: tuple[ImportErrorRow, ...] = ()
    redacted: tuple[ImportErrorRow, ...] = ()
    unknown: tuple[ImportErrorRow, ...] = ()
    fixed: tuple[str, ...] = ()


def sort_rows(
    rows: Iterable[ImportErrorRow],
    baseline: Mapping[str, str] | None,
    *,
    ours: FileIndex[str] | None = None,
) -> Sorted:
    """Sort ``rows`` by the baseline; without one, only errors in ``ours`` files are new."""
    if baseline is None:
        mine = ours or FileIndex([])
        found = [(row, bool(mine.find(row.bundle_name or "", row.filename))) for row in rows]
        return Sorted(
            new=tuple(row for row, is_ours in found if is_ours),
            unknown=tuple(row for row, is_ours in found if not is_ours),
        )
    return _sort_by_baseline(rows, baseline)


def _sort_by_baseline(rows: Iterable[ImportErrorRow], baseline: Mapping[str, str]) -> Sorted:
    known = FileIndex((*_split(key), key) for key in baseline)
    new, old, redacted = [], [], []
    seen: set[str] = set()
    for row in rows:
        keys = known.find(row.bundle_name or "", row.filename)
        seen.update(keys)
        if not keys:
            new.append(row)
        elif REDACTED_FINGERPRINT in (baseline[keys[0]], fingerprint(row)):
            redacted.append(row)
        elif baseline[keys[0]] == fingerprint(row):
            old.append(row)
        else:
            new.append(row)
    return Sorted(
        new=tuple(new),
        old=tuple(old),
        redacted=tuple(redacted),
        fixed=tuple(sorted(baseline.keys() - seen)),
    )


def _split(key: str) -> tuple[str, str]:
    bundle, _, path = key.partition(":")
    return bundle, path


class ErrorWatch:
    """Remembers since when each new error is there, to tell a moment's error from a lasting one."""

    def __init__(self, *, settle: float) -> None:
        self._settle = settle
        self._first: dict[str, tuple[str, float | None]] = {}

    def lasting(self, new: Iterable[ImportErrorRow]) -> tuple[ImportErrorRow, ...]:
        """Return the errors that a later parse has confirmed; call it once a look.

        An error whose text has changed begins anew. Without Airflow's time of the parse nothing
        is confirmed: then the deadline decides.
        """
        first: dict[str, tuple[str, float | None]] = {}
        lasting = []
        for row in new:
            key, text = error_key(row), fingerprint(row)
            before = self._first.get(key)
            if before is None or before[0] != text:
                before = (text, row.timestamp)
            first[key] = before
            if self._confirmed(before[1], row.timestamp):
                lasting.append(row)
        self._first = first
        return tuple(lasting)

    def due(self, row: ImportErrorRow, now: float) -> bool:
        """Return whether one more parse of the file would settle the question."""
        _, first = self._first.get(error_key(row), ("", None))
        return first is not None and now >= first + self._settle

    def _confirmed(self, first: float | None, now: float | None) -> bool:
        return first is not None and now is not None and now > first and now >= first + self._settle


def judge(
    rows: Sorted, lasting: Sequence[ImportErrorRow], *, files: Mapping[str, Sequence[str]]
) -> Finding:
    """Return the finding of one look.

    ``files`` names, for a row's key, the DAGs that the plan has in that file, and where they are
    in git.
    """
    numbers: dict[str, float | int | str] = {
        name: len(part)
        for name, part in (
            ("new", rows.new),
            ("old", rows.old),
            ("fixed", rows.fixed),
            ("redacted", rows.redacted),
            ("unknown", rows.unknown),
        )
    }
    if rows.new:
        said = [describe(row, files.get(error_key(row), ())) for row in rows.new]
        lines = redact_lines(rows.new[0].stack_trace.splitlines(), most=_TRACE_LINES)
        check = Check(
            name=CHECK, verdict="fail", message=names(said, most=3), numbers=numbers, lines=lines
        )
        return Finding(check, Light.RED if lasting else Light.WAITING)
    doubt = _doubt(rows)
    if doubt:
        return Finding(
            Check(name=CHECK, verdict="inconclusive", message=doubt, numbers=numbers), Light.GREEN
        )
    return Finding(
        Check(name=CHECK, verdict="pass", message=_quiet(rows), numbers=numbers), Light.GREEN
    )


def not_permitted(reason: str) -> Finding:
    """Return the finding when Airflow does not let this account see import errors."""
    message = f"not permitted: {reason}"
    return Finding(Check(name=CHECK, verdict="inconclusive", message=message), Light.GREEN)


def describe(row: ImportErrorRow, dags: Sequence[str] = ()) -> str:
    """Return ``sales.py line 3: ModuleNotFoundError: No module named 'x' (DAG sales, …)``."""
    trace = [line for line in row.stack_trace.splitlines() if line.strip()]
    said = redact(trace[-1].strip()) if trace else "no traceback"
    where = [
        match["line"]
        for line in trace
        if (match := _LINE_NUMBER.search(line))
        and basename(match["file"]) == basename(row.filename)
    ]
    line = f" line {where[-1]}" if where else ""
    whose = f" (DAG {names(dags)})" if dags else ""
    return f"{row.filename}{line}: {said}{whose}"


def _doubt(rows: Sorted) -> str:
    parts = []
    if rows.redacted:
        files = names([row.filename for row in rows.redacted])
        parts.append(
            f"{count(len(rows.redacted), 'import error')} may not be read: {files} ({PERMISSION})"
        )
    if rows.unknown:
        files = names([row.filename for row in rows.unknown])
        parts.append(
            f"{count(len(rows.unknown), 'import error')} without a baseline from before the "
            f"change, so they may be new: {files}"
        )
    return "; ".join(parts)


def _quiet(rows: Sorted) -> str:
    parts = ["no new import error"]
    if rows.old:
        files = names([row.filename for row in rows.old])
        parts.append(f"{count(len(rows.old), 'old one')} as before: {files}")
    if rows.fixed:
        parts.append(f"fixed: {names([_split(key)[1] for key in rows.fixed])}")
    return ", ".join(parts)
