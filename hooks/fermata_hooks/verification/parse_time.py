"""How long Airflow takes to parse the files of the DAGs, against a budget and against before.

A file that takes longer than Airflow allows (30 s by default) is an import error one day: it is
better told before. Airflow tells how long the last parse took on 3.1 and newer.
"""

from collections.abc import Collection, Iterable, Mapping

from fermata_hooks.airflow_api import Dag
from fermata_hooks.handoff import file_key
from fermata_hooks.verification._finding import Finding, Light, names
from fermata_spec.plan import Mode
from fermata_spec.report import Check
from fermata_spec.units import format_duration

CHECK = "parse time"
TIMES, SECONDS = 2.0, 1.0
"""Told as longer than before: so many times as long, and by so much."""


def judge(
    rows: Iterable[Dag],
    *,
    touched: Collection[str],
    before: Mapping[str, float],
    budget: float,
    proven: bool,
) -> Finding | None:
    """Return the finding of one look at the planned DAGs; none where Airflow does not tell.

    ``before``: seconds by file. ``proven``: no parse is waited for that could be a shorter one.
    """
    now, ours = _by_file(rows, touched)
    if not now:
        return None
    over = [file for file in _slowest_first(now) if now[file] > budget]
    grown = [file for file in _slowest_first(now) if file in ours and _grew(now, before, file)]
    slowest = max(now.values())
    numbers: dict[str, float | int | str] = {
        "files": len(now),
        "slowest": round(slowest, 2),
        "budget": budget,
        "over": len(over),
        "grown": len(grown),
    }
    told = [f"{_path(f)} took {now[f]:.1f}s, {before[f]:.1f}s before" for f in grown]
    if too_slow := [file for file in over if file in ours]:
        said = names([f"{_path(file)} took {now[file]:.1f}s" for file in too_slow], most=3)
        message = f"longer than {format_duration(budget)}: {'; '.join([said, *told[:3]])}"
        check = Check(name=CHECK, verdict="fail", message=message, numbers=numbers)
        return Finding(check, Light.RED if proven else Light.WAITING)
    message = f"at most {slowest:.1f}s a file, of {format_duration(budget)}"
    if over:
        message = f"longer than {format_duration(budget)}, and not touched: {names(_paths(over))}"
    if told:
        message += f"; longer than before: {names(told, most=3)}"
    return Finding(Check(name=CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN)


def untold(mode: Mode) -> list[Finding]:
    """Return the finding where Airflow does not tell: none, unless it is counted on."""
    if mode != "enforce":
        return []
    message = "this Airflow does not tell how long a parse takes (3.1 and newer do)"
    return [Finding(Check(name=CHECK, verdict="inconclusive", message=message), Light.GREEN)]


def _by_file(
    rows: Iterable[Dag], touched: Collection[str]
) -> tuple[dict[str, float], frozenset[str]]:
    """Return the seconds of each file, and the files that hold a touched DAG."""
    seconds: dict[str, float] = {}
    ours = set()
    for row in rows:
        if row.parse_seconds is None or row.is_stale:
            continue
        seconds[file_key(row)] = row.parse_seconds
        if row.dag_id in touched:
            ours.add(file_key(row))
    return seconds, frozenset(ours)


def _grew(now: Mapping[str, float], before: Mapping[str, float], file: str) -> bool:
    then = before.get(file)
    return then is not None and now[file] > TIMES * then and now[file] - then > SECONDS


def _slowest_first(seconds: Mapping[str, float]) -> list[str]:
    return sorted(seconds, key=lambda file: (-seconds[file], file))


def _path(file: str) -> str:
    return file.partition(":")[2]


def _paths(files: Iterable[str]) -> list[str]:
    return [_path(file) for file in files]
