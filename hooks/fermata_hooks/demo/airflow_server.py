"""A real Airflow on this machine, for the length of a ``with`` block.

    with AirflowServer.installed("3.3.2").running() as airflow:
        airflow.url, airflow.username_file, airflow.password_file, airflow.dags_folder

Installed from the package index into a cache the first time; loopback only; SQLite; real users
with passwords. When the block ends, however it ends, its processes and its folder are gone.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fermata_hooks.demo import airflow_config, supervisor
from fermata_hooks.demo.airflow_install import Installation, Say, install
from fermata_hooks.demo.airflow_release import DEFAULT_VERSION, Release, Role, release_of
from fermata_hooks.demo.processes import last_lines
from fermata_spec.errors import UnavailableError

START_DEADLINE = 180.0  # 8 s on an idle machine, a minute on a loaded one
GRACE = 5.0  # between SIGTERM and SIGKILL: 3 s are enough, and nothing that it writes is kept
STOP_DEADLINE = GRACE + supervisor.KILL_DEADLINE + 10.0
POLL = 0.2
# Below what systems give to outgoing connections, one of which might take it before Airflow does.
FIRST_PORT, PORTS = 20000, 10000
HOOK_USER = "fermata"
USERS: Mapping[str, Role] = {HOOK_USER: "admin"}

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RunningAirflow:
    """A server that answers; its folder ``home`` holds all it writes."""

    def __init__(
        self, release: Release, url: str, *, home: Path, dags_folder: Path, processes: "Processes"
    ) -> None:
        self.release = release
        self.url = url
        self.home = home
        self.dags_folder = dags_folder
        self._processes = processes

    @property
    def version(self) -> str:
        """Return ``3.3.2``."""
        return self.release.version

    @property
    def pid(self) -> int:
        """Return the process that stops all of it when it gets SIGTERM."""
        return self._processes.pid

    @property
    def username_file(self) -> Path:
        """Return the file with the name of the user for the hooks."""
        return self.credential_files(HOOK_USER)[0]

    @property
    def password_file(self) -> Path:
        """Return the file with the password of the user for the hooks."""
        return self.credential_files(HOOK_USER)[1]

    def credential_files(self, user: str) -> tuple[Path, Path]:
        """Return the files with the name and the password of ``user``."""
        folder = self.home / "credentials" / user
        return folder / "username", folder / "password"

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of each process' log, under the process' name."""
        tails = []
        for log in sorted(self.home.glob("*.log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            tails.append(f"--- {log.stem}\n{last_lines(text, lines)}")
        return "\n".join(tails)

    def keep(self) -> None:
        """Stay up when the block and this process end, until ``pid`` gets SIGTERM."""
        self._processes.keep()

    def wait_until_healthy(self, components: Collection[str]) -> None:
        """Return once every one of ``components`` reports healthy."""
        give_up_at = time.monotonic() + START_DEADLINE
        while not set(components) <= self._healthy():
            problem = ""
            if not self._processes.alive:
                problem = "a process ended while it started"
            elif time.monotonic() >= give_up_at:
                problem = f"not healthy after {START_DEADLINE:g}s"
            if problem:
                raise UnavailableError(f"Airflow {self.version}: {problem}\n{self.log_tail()}")
            time.sleep(POLL)

    def _healthy(self) -> set[str]:
        try:
            with _DIRECT.open(self.url + self.release.health_path, timeout=10) as answer:
                health: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return set()
        return {name for name, now in health.items() if now and now.get("status") == "healthy"}


@dataclass(frozen=True)
class AirflowServer:
    """An Airflow that is installed and can be started, as often as one likes."""

    installation: Installation

    @classmethod
    def installed(
        cls,
        version: str = DEFAULT_VERSION,
        *,
        environ: Mapping[str, str] | None = None,
        say: Say = lambda _line: None,
        added: tuple[str, ...] = (),
    ) -> "AirflowServer":
        """Return the server of ``version``, installed now if it is not in the cache.

        ``added`` are packages that it has besides.
        """
        release = replace(release_of(version), added=added)
        environ = os.environ if environ is None else environ
        return cls(install(release, environ=environ, say=say))

    @contextmanager
    def running(  # noqa: PLR0913 - all optional, all by keyword
        self,
        *,
        dags_folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
        users: Mapping[str, Role] | None = None,
        shortened: bool = True,
        triggerer: bool = False,
        home: Path | None = None,
        remove: Collection[Path] = (),
    ) -> Iterator[RunningAirflow]:
        """Start Airflow, wait until it is healthy, and stop it when the block ends.

        ``settings`` are further lines of ``airflow.cfg`` (``section.option``); ``users`` says
        who may log in, as what; ``shortened`` cuts Airflow's own waits; ``home`` is a folder to
        be made for it, a temporary one by default; it is removed when Airflow has stopped, and
        so are the folders in ``remove``, even if this process is killed. Raises
        ``UnavailableError`` with the logs' last lines when Airflow does not come up.
        """
        release = self.installation.release
        home = home or Path(tempfile.gettempdir()) / f"fermata-airflow-{secrets.token_hex(6)}"
        dags_folder = dags_folder or home / "dags"
        port, users = _free_port(), dict(users or USERS)
        values = airflow_config.settings(
            release, home, port=port, users=users, dags_folder=dags_folder
        )
        values |= release.shortened if shortened else {}
        processes = Processes()
        try:
            self._prepare(home, values | dict(settings or {}), users)
            dags_folder.mkdir(parents=True, exist_ok=True)
            processes.start(self._specification(home, remove, triggerer=triggerer), home=home)
            airflow = RunningAirflow(
                release,
                f"http://127.0.0.1:{port}",
                home=home,
                dags_folder=dags_folder,
                processes=processes,
            )
            airflow.wait_until_healthy({*release.components, *(["triggerer"] * triggerer)})
            yield airflow
        except BaseException:
            processes.stop()
            raise
        finally:
            if processes.kept:
                processes.let_go()
            else:
                processes.stop()
                for folder in (home, *remove):
                    shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self, home: Path, values: Mapping[str, str], users: Mapping[str, Role]) -> None:
        home.mkdir(mode=0o700, parents=True)
        airflow_config.write(home, values)
        shutil.copyfile(self.installation.database, home / "airflow.db")
        airflow_config.write_users(self.installation.release, home, users)

    def _specification(
        self, home: Path, remove: Collection[Path], *, triggerer: bool
    ) -> dict[str, object]:
        """Return what the supervisor reads (see its module)."""
        python = self.installation.python
        commands = dict(self.installation.release.processes)
        if triggerer:
            commands["triggerer"] = ("triggerer", "--skip-serve-logs")
        processes = [
            {
                "argv": [str(python), "-m", "airflow", *arguments],
                "env": airflow_config.environment(python, home),
                "log": str(home / f"{name}.log"),
            }
            for name, arguments in commands.items()
        ]
        folders = [str(folder) for folder in (home, *remove)]
        return {"processes": processes, "remove": folders, "grace": GRACE}


class Processes:
    """Airflow's processes, by way of the supervisor that ends with us."""

    def __init__(self) -> None:
        self._supervisor: subprocess.Popen[bytes] | None = None
        self.kept = False

    @property
    def pid(self) -> int:
        """Return the supervisor's process id; 0 before the start."""
        return self._supervisor.pid if self._supervisor else 0

    @property
    def alive(self) -> bool:
        """Whether all of them still run."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self, specification: Mapping[str, object], *, home: Path) -> None:
        """Start them; if this is interrupted half way, the supervisor sees our end and stops."""
        with (home / "supervisor.log").open("wb") as log:
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", supervisor.__file__],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # a terminal's Ctrl-C is for us: we stop it in order
            )
        self._tell(json.dumps(specification))

    def keep(self) -> None:
        """Let them outlive us: nobody waits for them any more."""
        self._tell("keep")
        self.kept = True

    def let_go(self) -> None:
        """Close our end of what was kept."""
        if self._supervisor is not None and self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
            self._supervisor.returncode = 0  # else Python warns that it still runs

    def stop(self) -> None:
        """Stop them, and return when they are gone."""
        if self._supervisor is None:
            return
        if self.kept:
            self._supervisor.terminate()
            self.kept = False
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()

    def _tell(self, line: str) -> None:
        if self._supervisor is None or self._supervisor.stdin is None:
            raise RuntimeError("the supervisor has not been started")
        self._supervisor.stdin.write(line.encode() + b"\n")
        self._supervisor.stdin.flush()


def _free_port() -> int:
    """Return a port that nobody listens on, out of reach of outgoing connections."""
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
