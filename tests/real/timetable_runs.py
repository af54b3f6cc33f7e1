"""Run by Airflow's own Python: how many runs its timetables start, for the cases on stdin.

A case is a dag as it was and as it is (schedule, start, catchup), until when it has run, and the
time at which it goes on. Airflow's clock is set to the time of each step, as its scheduler has it.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from unittest import mock

from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

MOST = 500
pendulum: Any = importlib.import_module("pendulum")  # Airflow has it, and we do not


def main() -> None:
    cases = json.load(sys.stdin)
    json.dump([runs(case) for case in cases], sys.stdout)


def runs(case: dict[str, Any]) -> int:
    since, now = pendulum.parse(case["since"]), pendulum.parse(case["now"])
    last = None
    if case["old"] is not None:
        for interval in each_run(case["old"], None, since, since):
            last = interval
    return sum(1 for _ in each_run(case["new"], last, now, now))


def each_run(
    dag: dict[str, Any], last: DataInterval | None, until: datetime, now: datetime
) -> Iterator[DataInterval]:
    """Yield the data interval of each run that a scheduler creates by ``until``."""
    name, timetable = timetable_of(dag)
    start = pendulum.parse(dag["start"]) if dag["start"] else None
    restriction = TimeRestriction(earliest=start, latest=None, catchup=dag["catchup"])
    with mock.patch.object(importlib.import_module(name), "utcnow", return_value=now):
        for _ in range(MOST):
            info = timetable.next_dagrun_info(
                last_automated_data_interval=last, restriction=restriction
            )
            if info is None or info.run_after > until:
                return
            last = info.data_interval
            yield last


def timetable_of(dag: dict[str, Any]) -> tuple[str, Any]:
    zone = pendulum.timezone(dag["zone"])
    if dag["airflow"] == 2:
        return "airflow.timetables.interval", CronDataIntervalTimetable(dag["cron"], zone)
    return "airflow.timetables.trigger", CronTriggerTimetable(dag["cron"], timezone=zone)


if __name__ == "__main__":
    main()
