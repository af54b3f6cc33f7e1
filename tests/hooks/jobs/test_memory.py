"""A hook's pod has 256 MiB: hold and release of 10,000 DAGs stay far below."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from workplaces import OLD, Surroundings, changed, make_plan

DAGS = 10_000
MOST_MIB = 150
PROCESS = """
import sys
from pathlib import Path
from fermata_cli.frame import run

code = run(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
sys.exit(code)
"""


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    with FakeAirflow("3.3.2") as airflow:
        yield airflow


def peak_mib(around: Surroundings, command: str) -> float:
    """Run a hook and return the most memory that it ever had."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, command, "--format", "json"],
        env=around.environ(FERMATA_PLAN=str(around.plan_file)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1]) / 1024


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
def test_ten_thousand_dags_are_held_and_released_in_little_memory(
    airflow: FakeAirflow, tmp_path: Path
) -> None:
    dag_ids = [f"team_{number % 40:02}.load_source_{number:05}" for number in range(DAGS)]
    for dag_id in dag_ids:
        airflow.add_dag(dag_id, tags=["daily", "team"], owners=["alice"], file=f"{dag_id}.py")
    around = Surroundings(airflow, tmp_path, WallClock())
    before = make_plan(*dag_ids, revision=OLD)
    around.verified(before)
    around.environ(changed(before, *dag_ids))

    hold = peak_mib(around, "hold")
    held = len(around.paused())
    release = peak_mib(around, "release")

    assert held == DAGS
    assert around.paused() == set()
    assert max(hold, release) < MOST_MIB, f"hold {hold:.0f} MiB, release {release:.0f} MiB"
