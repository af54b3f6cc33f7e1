"""Keep Airflow's processes for as long as somebody wants them, and not a moment longer.

Run as a script, in a session of its own, standard library only. The first line of stdin is one
JSON object: ``processes`` (each ``argv``, ``env``, ``log``), ``remove`` (folders) and ``grace``
(seconds between SIGTERM and SIGKILL). Everything is stopped, and the folders are removed, as soon
as stdin ends: so even a killed owner leaves nothing behind. A line ``keep`` cuts that tie; then
SIGTERM is the way to stop. When one process ends by itself the others are stopped too, the exit
code is 1, and an owner that is still there finds the logs in the folders.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

POLL = 0.1
KILL_DEADLINE = 5.0
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>: orphans of our processes become ours


class Supervisor:
    """The processes, and whether they are still wanted."""

    def __init__(self) -> None:
        self._stop = False
        self._leaders: set[int] = set()
        self._stdin_open = True
        self._unread = b""

    def run(self) -> int:
        """Do what the module promises; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        _adopt_orphans()
        spec = self._read_spec()
        if spec is None:
            return 0
        code = 1
        try:
            for process in spec["processes"]:
                self._leaders.add(_spawn(process))
            code = self._watch()
        finally:
            _stop_all(spec["grace"])
            if code == 0 or not self._stdin_open:
                for folder in spec["remove"]:
                    shutil.rmtree(folder, ignore_errors=True)
        return code

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _read_spec(self) -> dict[str, Any] | None:
        """Return the first line of stdin, or ``None`` when it ends before."""
        while not self._stop and b"\n" not in self._unread and self._stdin_open:
            self._listen(POLL)
        line, newline, self._unread = self._unread.partition(b"\n")
        spec: dict[str, Any] | None = json.loads(line) if newline else None
        return spec

    def _watch(self) -> int:
        """Wait until nobody wants the processes, or one of them ended: return 0 or 1."""
        kept = False
        while not self._stop and (self._stdin_open or kept):
            if b"keep\n" in self._unread:
                kept = True
            for pid, status in _reap():
                if pid in self._leaders:
                    sys.stderr.write(f"process {pid} ended: status {status}\n")
                    return 1
            self._listen(POLL)
        return 0

    def _listen(self, seconds: float) -> None:
        """Take what stdin has, for at most ``seconds``; notice its end."""
        if not self._stdin_open:
            time.sleep(seconds)
        elif select.select([0], [], [], seconds)[0]:
            data = os.read(0, 65536)
            self._unread += data
            self._stdin_open = bool(data)


def _spawn(process: dict[str, Any]) -> int:
    """Start one process with its log as stdout and stderr; return its id."""
    argv: list[str] = process["argv"]
    log = os.open(process["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, log, fd) for fd in (1, 2)]
        return os.posix_spawn(
            argv[0],
            argv,
            process["env"],
            file_actions=actions,
            setsigdef=[signal.SIGPIPE],  # Python ignores it, and so would its children
        )
    finally:
        os.close(log)
        os.close(null)


def _adopt_orphans() -> None:
    """On Linux: become the parent of our processes' orphans, so that none can get away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap() -> Iterable[tuple[int, int]]:
    """Yield the children that have ended, with their wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status


def _stop_all(grace: float) -> None:
    """SIGTERM to every descendant, ``grace`` to leave, then SIGKILL until none is left."""
    _signal_all(_descendants(), signal.SIGTERM)
    until = time.monotonic() + grace
    while (left := _descendants()) and time.monotonic() < until:
        time.sleep(POLL)
    until = time.monotonic() + KILL_DEADLINE
    while left and time.monotonic() < until:
        _signal_all(left, signal.SIGKILL)
        time.sleep(POLL)
        left = _descendants()


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _descendants() -> list[int]:
    """Return the ids of all processes below this one that nobody has buried yet."""
    for _ in _reap():
        pass
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found, unseen = [], [os.getpid()]
    while unseen:
        below = children.get(unseen.pop(), [])
        found += below
        unseen += below
    return found


def _parents() -> list[tuple[int, int]]:
    """Return (process, parent) for all processes: from /proc, else from ``ps``."""
    if not Path("/proc/self/stat").exists():
        return _parents_by_ps()
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        found.append((int(stat.parent.name), int(fields[1])))
    return found


def _parents_by_ps() -> list[tuple[int, int]]:
    argv = ["/bin/ps", "-A", "-o", "pid=,ppid="]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as ps:  # noqa: S603 - ours
        listing, _ = ps.communicate()
    rows = [line.split() for line in listing.splitlines()]
    return [(int(pid), int(parent)) for pid, parent in rows if int(pid) != ps.pid]


if __name__ == "__main__":
    sys.exit(Supervisor().run())
