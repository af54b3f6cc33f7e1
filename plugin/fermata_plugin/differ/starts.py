"""Which runs a schedule starts once its DAG is on again, by the rules of Airflow's scheduler.

What Airflow does is in its timetables. 2.x: a run covers an interval and is due at its end; a DAG
that has run goes on from the new schedule's last tick before that. 3.x: a run is due at each tick
after the last one. Without catchup only the latest run starts, with it all since the last, or since
the start date where there is no last. That the old schedule has run until ``since`` is assumed;
presets and cron expressions are counted, everything else cannot be told offline.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fermata_plugin.differ.settings import Expression, LocalTime, Settings
from fermata_spec.difference import Start

_TRIGGERS = 3  # the generation that starts a run at a tick, and not at the end of an interval
MOST_RUNS = 1000  # that are counted; more are "at least" so many
_BY_CHANCE = re.compile(r"(?:^|[\s,])[hr]", re.IGNORECASE)  # another time at each reading
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class Assumed(NamedTuple):
    """What is not in git: the time, until when the old schedule has run, Airflow's generation."""

    now: datetime
    since: datetime
    airflow: int


class _Unknown(Exception):  # noqa: N818 - no error
    """Why something cannot be told offline."""


def runs_to_start(old: Settings | None, new: Settings, assumed: Assumed) -> Start | None:
    """Return what ``new`` starts after ``old`` (none: Airflow does not know the DAG yet)."""
    first = old is None
    if first and new.values.get("is_paused_upon_creation") is True:
        return None
    try:
        runs, at_least, since = _runs(old, new, assumed)
    except _Unknown as unknown:
        return Start(dag_id=new.dag_id, runs=None, first=first, why=str(unknown))
    except OverflowError:  # the year 1, or 9999
        why = f"start_date is {new.date('start_date')}"
        return Start(dag_id=new.dag_id, runs=None, first=first, why=why)
    if not runs:
        return None
    why = "the latest run is due" if runs == 1 else f"catchup since {since}"
    return Start(dag_id=new.dag_id, runs=runs, at_least=at_least, first=first, why=why)


def _runs(old: Settings | None, new: Settings, assumed: Assumed) -> tuple[int, bool, str]:
    """Return how many runs start, whether there are more, and since when."""
    if _is_none(new.schedule):
        return 0, False, ""
    start = _at(new.date("start_date"), "start_date")
    if str(new.schedule).strip() == "@once":
        is_due = old is None and (start is None or start <= assumed.now)
        return int(is_due), False, ""
    due = _Due(_ticks(new), start, _at(new.date("end_date"), "end_date"), assumed)
    last = _last_run(old, assumed) if old is not None else None
    since = f"start_date {new.date('start_date')}" if last is None else f"the run of {_shown(last)}"
    return *due.count(last, catchup=_catchup(new, assumed)), since


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _is_none(schedule: object) -> bool:
    return schedule is None or (
        isinstance(schedule, str) and schedule.strip().lower() in {"", "none"}
    )


def _catchup(settings: Settings, assumed: Assumed) -> bool:
    value = settings.values.get("catchup")
    if value is None:
        return assumed.airflow < _TRIGGERS  # [scheduler] catchup_by_default, until then
    if not isinstance(value, bool):
        raise _Unknown(f"catchup is {value}")
    return value


def _last_run(old: Settings, assumed: Assumed) -> datetime | None:
    """Return when the last run of the old schedule was due, if it has had one."""
    if _is_none(old.schedule):
        return None
    if str(old.schedule).strip() == "@once":
        return _at(old.date("start_date"), "the old start_date") or assumed.since
    ticks = _ticks(old)
    last = ticks.last(assumed.since)
    start = _at(old.date("start_date"), "the old start_date")
    first = _LONG_AGO if start is None else _first_due(ticks, start, assumed)
    return last if last >= first else None


def _first_due(ticks: "_Ticks", start: datetime, assumed: Assumed) -> datetime:
    """Return when the first run of a schedule with this start is due."""
    due = ticks.after(start - timedelta(microseconds=1))
    first = next(due, assumed.now)
    return next(due, assumed.now) if assumed.airflow < _TRIGGERS else first


def _at(time: LocalTime | Expression | None, what: str) -> datetime | None:
    if time is None:
        return None
    if isinstance(time, Expression):
        raise _Unknown(f"{what} is {time}")
    return time.at if time.at.tzinfo is not None else time.at.replace(tzinfo=_zone(time.zone))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        raise _Unknown(f"the time zone {name[:60]} is not known here") from None


def _ticks(settings: Settings) -> "_Ticks":
    schedule = settings.schedule
    text = schedule.strip() if isinstance(schedule, str) else ""
    if not text or text == "@continuous":
        raise _Unknown(f"the schedule is {shown_schedule(schedule)}")
    start = settings.date("start_date")
    zone = _zone(start.zone) if isinstance(start, LocalTime) else UTC
    return _Ticks(_PRESETS.get(text, text), zone)


def shown_schedule(schedule: object) -> str:
    """Return a schedule as people write it, cut to what a table has room for."""
    text = "none" if _is_none(schedule) else str(schedule)
    most = 100
    return text if len(text) <= most else f"{text[: most - 1]}…"


class _Ticks:
    """The times of a cron expression in local time, as Airflow counts them.

    Hours that summer time leaves out or has twice count as they pass for a schedule of every hour,
    and by the clock on the wall for any other.
    """

    def __init__(self, cron: str, zone: tzinfo) -> None:
        from croniter import CroniterError, croniter  # noqa: PLC0415 - 25 ms

        self._zone, self._error = zone, CroniterError
        told = f"the schedule is {shown_schedule(cron)}"
        if _BY_CHANCE.search(cron):
            raise _Unknown(told)
        try:
            self._croniter = croniter(cron)
        except CroniterError:
            raise _Unknown(told) from None
        self._is_hourly = self._croniter.expanded[1] == ["*"]

    def last(self, time: datetime) -> datetime:
        """Return the last tick at or before ``time``."""
        return next(self._each(time + timedelta(microseconds=1), "get_prev"), _LONG_AGO)

    def after(self, time: datetime) -> Iterator[datetime]:
        """Yield the ticks after ``time``."""
        return self._each(time, "get_next")

    def _each(self, time: datetime, name: str) -> Iterator[datetime]:
        step = getattr(self._croniter, name)
        while True:
            local = time.astimezone(self._zone).replace(tzinfo=None)
            try:
                tick: datetime = step(datetime, start_time=local)
            except self._error:  # no such day in fifty years
                return
            if self._is_hourly:
                time += tick - local
            else:
                time = tick.replace(tzinfo=self._zone).astimezone(UTC)
            yield time


class _Due:
    """The runs of one schedule that are due by now."""

    def __init__(
        self,
        ticks: _Ticks,
        start: datetime | None,
        end: datetime | None,
        assumed: Assumed,
    ) -> None:
        self._ticks, self._start, self._now = ticks, start, assumed.now
        self._end = end or assumed.now
        self._is_interval = assumed.airflow < _TRIGGERS

    def count(self, last: datetime | None, *, catchup: bool) -> tuple[int, bool]:
        """Return how many start, and whether there are more."""
        after = self._after(last, catchup=catchup)
        if after is None:
            return 0, False
        runs = 0
        for tick in self._ticks.after(after):
            begin = after if self._is_interval else tick
            if tick > self._now or begin > self._end:
                break
            runs, after = runs + 1, tick
            if not catchup or runs == MOST_RUNS:
                break
        return runs, runs == MOST_RUNS

    def _after(self, last: datetime | None, *, catchup: bool) -> datetime | None:
        """Return the time after which every tick is a run; ``None``: there will be none."""
        first = None if self._start is None else self._before(self._start)
        if last is None:
            return first
        if not self._is_interval:
            return last if first is None or catchup else max(last, first)
        aligned = self._ticks.last(last)
        return aligned if first is None else max(aligned, first)

    def _before(self, start: datetime) -> datetime:
        """Return the time after which the first run of a schedule with this start is due."""
        before = start - timedelta(microseconds=1)
        return next(self._ticks.after(before), self._now) if self._is_interval else before
