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
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fermata_hooks.demo import airflow_config, supervisor
from fermata_hooks.demo.airflow_install import Installation, Say, install
from fermata_hooks.demo.airflow_release import DEFAULT_VERSION, Release, Role, release_of
from fermata_hooks.demo.processes import last_lines
from fermata_spec.errors import UnavailableError

START_DEADLINE = 180.0  # 8 s on an idle machine, a minute on a loaded one
STOP_DEADLINE = 2 * supervisor.GRACE + 10.0
HOOK_USER = "fermata"
USERS: Mapping[str, Role] = {HOOK_USER: "admin"}

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class RunningAirflow:
    """A server that answers; its folder ``home`` holds all it writes."""

    release: Release
    url: str
    home: Path
    dags_folder: Path
    pid: int

    @property
    def version(self) -> str:
        """Return ``3.3.2``."""
        return self.release.version

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
        return _log_tail(self.home, lines)


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
    ) -> "AirflowServer":
        """Return the server of ``version``, installed now if it is not in the cache."""
        release = release_of(version)
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
    ) -> Iterator[RunningAirflow]:
        """Start Airflow, wait until it is healthy, and stop it when the block ends.

        ``settings`` are further lines of ``airflow.cfg`` (``section.option``); ``users`` says
        who may log in, as what; ``shortened`` cuts Airflow's own waits; ``home`` is a folder to
        be made for it (and removed), a temporary one by default. Raises ``UnavailableError``
        with the logs' last lines when it does not come up.
        """
        release = self.installation.release
        home = home or Path(tempfile.gettempdir()) / f"fermata-airflow-{secrets.token_hex(6)}"
        dags_folder = dags_folder or home / "dags"
        port, users = _free_port(), dict(users or USERS)
        values = airflow_config.settings(
            release, home, port=port, users=users, dags_folder=dags_folder
        )
        values |= release.shortened if shortened else {}
        try:
            self._prepare(home, values | dict(settings or {}), users)
            dags_folder.mkdir(parents=True, exist_ok=True)
            with self._processes(home, triggerer=triggerer) as process:
                airflow = RunningAirflow(
                    release, f"http://127.0.0.1:{port}", home, dags_folder, process.pid
                )
                _wait_until_healthy(airflow, process, triggerer=triggerer)
                yield airflow
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _prepare(self, home: Path, values: Mapping[str, str], users: Mapping[str, Role]) -> None:
        home.mkdir(mode=0o700, parents=True)
        airflow_config.write(home, values)
        shutil.copyfile(self.installation.database, home / "airflow.db")
        airflow_config.write_users(self.installation.release, home, users)

    @contextmanager
    def _processes(self, home: Path, *, triggerer: bool) -> Iterator[subprocess.Popen[bytes]]:
        """Run Airflow's processes under a supervisor that ends with us (see its module)."""
        python = self.installation.python
        env = airflow_config.environment(python, home)
        commands = dict(self.installation.release.processes)
        if triggerer:
            commands["triggerer"] = ("triggerer", "--skip-serve-logs")
        spec = {
            "processes": [
                {
                    "argv": [str(python), "-m", "airflow", *arguments],
                    "env": env,
                    "log": str(home / f"{name}.log"),
                }
                for name, arguments in commands.items()
            ],
            "remove": [str(home)],
        }
        with (home / "supervisor.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", supervisor.__file__],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=home,
                start_new_session=True,  # a terminal's Ctrl-C is for us: we stop it in order
            )
        try:
            _tell(process, json.dumps(spec))
            yield process
        finally:
            _stop(process)


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    if process.stdin is None:
        raise RuntimeError("a supervisor without stdin")
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Close the supervisor's stdin and wait until it has stopped everything."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(
    airflow: RunningAirflow, process: subprocess.Popen[bytes], *, triggerer: bool
) -> None:
    """Return once every component reports healthy."""
    wanted = {"metadatabase", "scheduler"} | ({"triggerer"} if triggerer else set())
    if airflow.release.generation == "3":
        wanted.add("dag_processor")
    give_up_at = time.monotonic() + START_DEADLINE
    while not wanted <= _healthy_components(airflow):
        if process.poll() is not None:
            raise UnavailableError(
                f"Airflow {airflow.version}: a process ended while it started\n{airflow.log_tail()}"
            )
        if time.monotonic() >= give_up_at:
            raise UnavailableError(
                f"Airflow {airflow.version}: not healthy after {START_DEADLINE:g}s\n"
                f"{airflow.log_tail()}"
            )
        time.sleep(0.2)


def _healthy_components(airflow: RunningAirflow) -> set[str]:
    try:
        with _DIRECT.open(airflow.url + airflow.release.ready_path, timeout=10) as answer:
            health: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return set()
    return {name for name, state in health.items() if state and state.get("status") == "healthy"}


def _log_tail(home: Path, lines: int) -> str:
    tails = []
    for log in sorted(home.glob("*.log")):
        text = log.read_text(encoding="utf-8", errors="replace")
        tails.append(f"--- {log.stem}\n{last_lines(text, lines)}")
    return "\n".join(tails)
