"""Whatever happens to the owner, no process and no folder is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fermata_hooks.demo import supervisor

DEADLINE = 20.0
STUBBORN = "trap '' TERM HUP INT; echo $$ > $0.pid; while :; do sleep 0.1; done"
PARENT = "sh -c 'echo $$ > '$0.pid'; exec sleep 600' & echo $$; wait"
RUNAWAY = "setsid sh -c 'echo $$ > '$0.pid'; exec sleep 600' < /dev/null & sleep 600"


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < give_up_at, "not within the deadline"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


class Supervised:
    """A supervisor over one shell script, which writes a process id to ``pid_file``."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.pid_file = folder / "script.pid"
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, script: str, *, grace: float = 5.0) -> int:
        """Start ``script``; return the process id that it wrote."""
        argv = ["/bin/sh", "-c", script, str(self.pid_file.with_suffix(""))]
        log = str(self.home / "log")
        process = {"argv": argv, "env": {"PATH": os.defpath}, "log": log}
        self.tell(json.dumps({"processes": [process], "remove": [str(self.home)], "grace": grace}))
        until(lambda: self.pid_file.exists() and self.pid_file.read_text().endswith("\n"))
        return int(self.pid_file.read_text())

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def disappear(self) -> None:
        """Do what the death of the owner does to its pipe."""
        assert self.process.stdin is not None
        self.process.stdin.close()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    made.disappear()
    made.process.kill()
    made.process.wait()


@pytest.mark.parametrize(
    ("script", "grace"),
    [
        pytest.param(PARENT, 5.0, id="a child of a child"),
        pytest.param(RUNAWAY, 5.0, id="a process in a session of its own"),
        pytest.param(STUBBORN, 0.3, id="a process that ignores SIGTERM"),
    ],
)
def test_stops_everything_when_its_owner_is_gone(
    supervised: Supervised, script: str, grace: float
) -> None:
    pid = supervised.run(script, grace=grace)

    supervised.disappear()

    assert supervised.process.wait(DEADLINE) == 0
    assert not alive(pid)
    assert not supervised.home.exists()


def test_lets_processes_outlive_the_owner_when_told_to_keep_them(supervised: Supervised) -> None:
    pid = supervised.run(PARENT)

    supervised.tell("keep")
    supervised.disappear()

    with pytest.raises(subprocess.TimeoutExpired):
        supervised.process.wait(0.5)
    assert alive(pid)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(DEADLINE) == 0
    assert not alive(pid)
    assert not supervised.home.exists()


def test_stops_the_others_when_one_ends_and_leaves_the_log_to_its_owner(
    supervised: Supervised,
) -> None:
    pid = supervised.run("sleep 600 & echo $! > $0.pid; echo broken; exit 3")

    assert supervised.process.wait(DEADLINE) == 1
    assert not alive(pid)
    assert (supervised.home / "log").read_text() == "broken\n"


def test_an_owner_that_dies_before_it_says_anything_is_no_error(supervised: Supervised) -> None:
    supervised.disappear()

    assert supervised.process.wait(DEADLINE) == 0
