"""The demo as a user starts it: it shows what it says, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fermata_hooks.demo.airflow_server import STOP_DEADLINE, AirflowServer

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("airflow_server")]

DEADLINE = 400.0
CLAIMS = [
    # act 1
    r"✓ Airflow has invoices, orders, smoke, stock, and all are on",
    r"✓ the smoke DAG ran for this revision: fermata-shop-",
    # act 2
    r"✓ only orders is held",
    r"✓ its task extract still runs, and hold waits for it",
    r"✓ extract has succeeded, and load has not started",
    r"✓ the scheduler's copy of orders carries this revision's digest [0-9a-f]{16}",
    r"✓ orders is on again, and ana's pause of stock is kept",
    r"✓ its task load ran after the release, and the run succeeded",
    r"orders +changed +on +paused by fermata +on",
    r"stock +paused by ana +paused by ana +paused by ana",
    # act 3
    r"✓ verify says no \(exit code 3\)",
    r"✓ it names the file and the error: invoices\.yaml\.py: ModuleNotFoundError: ",
    r"✓ nothing is left held, and every DAG is as it was",
    r"✓ the revert is green: no import error is left",
    # act 4
    r"✓ render stops, and says where: dags/orders\.yaml:15:22",
    r"✓ nothing was rendered, nothing is applied, nothing is held",
    # the end
    r"Act 4 +\$ fermata render +[0-9.]+s",
]


class Demo:
    """The demo as a process, with a folder of its own for temporary files."""

    def __init__(self, folder: Path, version: str, *options: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "log"
        environ = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "XDG_CACHE_HOME")
            if name in os.environ
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fermata_cli", "demo", "--airflow", version, *options],
                env={**environ, "LANG": "C.UTF-8", "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> None:
        self.wait_until(lambda: re.search(pattern, self.said) is not None)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + DEADLINE
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < give_up_at, self.said
            time.sleep(0.05)

    def left_behind(self) -> list[str]:
        """Return what is left: files, and processes that know of the folder."""
        files = [str(path) for path in self.temporary.iterdir()]
        return files + processes_that_mention(str(self.temporary))


def processes_that_mention(text: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in seen:
            found.append(f"process {process.name}: {seen[:200]!r}")
    return found


@contextmanager
def demo(folder: Path, version: str, *options: str) -> Iterator[Demo]:
    made = Demo(folder, version, *options)
    try:
        yield made
    finally:
        made.process.terminate()
        try:
            made.process.wait(STOP_DEADLINE)
        finally:
            made.process.kill()
            made.process.wait()


def test_shows_the_whole_story_and_leaves_nothing(airflow_version: str, tmp_path: Path) -> None:
    with demo(tmp_path, airflow_version) as running:
        code = running.process.wait(DEADLINE)

    assert code == 0, running.said
    assert [claim for claim in CLAIMS if not re.search(claim, running.said)] == []
    assert "✗" not in running.said
    assert running.left_behind() == []


def test_terminated_while_airflow_starts_leaves_nothing(
    airflow_version: str, tmp_path: Path
) -> None:
    with demo(tmp_path, airflow_version) as running:
        running.wait_until(lambda: bool(list(running.temporary.glob("*/airflow/scheduler.log"))))

        running.process.terminate()

        assert running.process.wait(STOP_DEADLINE + 20) == 143, running.said
    assert "Traceback" not in running.said
    assert running.left_behind() == []


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("scheduler's loop", id="while hold waits"),
        pytest.param("smoke: run fermata-", id="while smoke runs", marks=pytest.mark.long),
        pytest.param("git revert", id="between two syncs", marks=pytest.mark.long),
    ],
)
def test_ctrl_c_pressed_twice_in_a_terminal_leaves_nothing(
    airflow_version: str, tmp_path: Path, moment: str
) -> None:
    with demo(tmp_path, airflow_version) as running:
        running.wait_for(moment)

        for _ in range(2):
            os.killpg(running.process.pid, signal.SIGINT)  # a terminal sends it to the group

        assert running.process.wait(STOP_DEADLINE + 20) == 130, running.said
    assert running.left_behind() == []


def test_a_folder_that_is_in_use_is_refused(airflow_version: str, tmp_path: Path) -> None:
    occupied = tmp_path / "mine"
    occupied.mkdir()
    (occupied / "letter").write_text("dear")

    with demo(tmp_path, airflow_version, "--dir", str(occupied)) as running:
        assert running.process.wait(30) == 2

    assert running.said.strip().endswith("mine: not empty")
    assert [path.name for path in occupied.iterdir()] == ["letter"]


def test_what_is_kept_stays_up_until_it_is_told_to_stop(
    airflow_server: AirflowServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"

    with airflow_server.running(home=home, remove=[tmp_path / "more"]) as airflow:
        (tmp_path / "more").mkdir()
        airflow.keep()

    airflow.wait_until_healthy(airflow.release.components)
    os.kill(airflow.pid, signal.SIGTERM)
    give_up_at = time.monotonic() + STOP_DEADLINE
    while home.exists() or (tmp_path / "more").exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    assert processes_that_mention(str(home)) == []
