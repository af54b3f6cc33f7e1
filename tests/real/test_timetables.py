"""The runs that ``fermata diff`` foretells are those that Airflow's own timetables start."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fermata_hooks.demo.airflow_server import AirflowServer
from fermata_plugin.differ.settings import LocalTime, Settings
from fermata_plugin.differ.starts import Assumed, runs_to_start

pytestmark = [pytest.mark.airflow]

SCRIPT = Path(__file__).with_name("timetable_runs.py")
NOW = datetime(2026, 3, 29, 10, 30, tzinfo=UTC)  # the day on which summer time begins in Europe
CRONS = ["0 3 * * *", "0 4 * * *", "0 * * * *", "0 0 * * 0", "30 10 * * *"]
STARTS = [NOW - timedelta(days=5, hours=7), NOW - timedelta(hours=2), NOW + timedelta(days=1)]
ZONES = ["UTC", "Europe/Berlin"]


def cases(generation: int) -> list[dict[str, Any]]:
    made = []
    for old, new, start, catchup, zone, idle in product(
        [None, *CRONS[:4]], CRONS, STARTS, (True, False), ZONES, (0, 30)
    ):
        shared = {"start": start.isoformat(), "catchup": catchup, "zone": zone}
        made.append(
            {
                "airflow": generation,
                "old": old and {"cron": old, "airflow": generation, **shared},
                "new": {"cron": new, "airflow": generation, **shared},
                "since": (NOW - timedelta(hours=idle)).isoformat(),
                "now": NOW.isoformat(),
            }
        )
    return made


def settings(dag: dict[str, Any]) -> Settings:
    start = LocalTime(datetime.fromisoformat(dag["start"]), dag["zone"])
    values = {"schedule": dag["cron"], "start_date": start, "catchup": dag["catchup"]}
    return Settings("dag", values, {}, {})


def foretold(case: dict[str, Any]) -> int:
    old = settings(case["old"]) if case["old"] else None
    since = datetime.fromisoformat(case["since"])
    start = runs_to_start(old, settings(case["new"]), Assumed(NOW, since, case["airflow"]))
    return (start.runs or 0) if start is not None else 0


def test_airflow_starts_as_many_runs_as_were_foretold(
    airflow_server: AirflowServer, airflow_version: str, tmp_path: Path
) -> None:
    asked = cases(generation=int(airflow_version[0]))

    done = subprocess.run(
        [airflow_server.installation.python, SCRIPT],
        input=json.dumps(asked),
        env={"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__UNIT_TEST_MODE": "False"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    started = json.loads(done.stdout.splitlines()[-1])
    wrong = [
        (case, {"Airflow": real, "foretold": foretold(case)})
        for case, real in zip(asked, started, strict=True)
        if real != foretold(case)
    ]
    assert wrong == []
