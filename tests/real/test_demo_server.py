"""A real Airflow comes up with real users, and goes without a trace."""

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest

from fermata_hooks.demo.airflow_server import STOP_DEADLINE, AirflowServer, RunningAirflow
from fermata_spec.errors import UnavailableError

pytestmark = [pytest.mark.airflow]

DAGS_PATH = {"2": "/api/v1/dags", "3": "/api/v2/dags"}


def processes_that_mention(text: str) -> list[str]:
    """Return the command lines and open folders of processes that have to do with ``text``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in seen:
            found.append(f"{process.name}: {seen[:200]!r}")
    return found


def wait_until_gone(pid: int) -> None:
    give_up_at = time.monotonic() + STOP_DEADLINE
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < give_up_at, f"{pid} has not ended"
        time.sleep(0.1)


def open_url(url: str, *, headers: dict[str, str], body: object = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        url, data=data, headers={"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


def sign_in(airflow: RunningAirflow, username: str, password: str) -> int:
    """Return the status of the first request that tells who one is."""
    if airflow.release.generation == "2":
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        return open_url(airflow.url + "/api/v1/dags", headers={"Authorization": f"Basic {basic}"})
    body = {"username": username, "password": password}
    return open_url(airflow.url + "/auth/token", headers={}, body=body)


def test_the_user_of_the_files_may_come_in(airflow: RunningAirflow) -> None:
    username = airflow.username_file.read_text()
    password = airflow.password_file.read_text()

    assert sign_in(airflow, username, password) in {200, 201}


def test_a_wrong_password_may_not(airflow: RunningAirflow) -> None:
    username = airflow.username_file.read_text()

    assert sign_in(airflow, username, "guessed") in {401, 403}


def test_nobody_may_not(airflow: RunningAirflow) -> None:
    url = airflow.url + DAGS_PATH[airflow.release.generation]

    assert open_url(url, headers={}) in {401, 403}


def test_what_is_secret_is_only_for_its_owner_to_read(airflow: RunningAirflow) -> None:
    files = [airflow.home / "airflow.cfg", airflow.username_file, airflow.password_file]

    assert airflow.home.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_listens_on_the_loopback_only(airflow: RunningAirflow) -> None:
    listening = list(listeners(airflow.pid))

    assert listening
    assert {address for address in listening if not address.startswith("0100007F:")} == set()


def listeners(supervisor: int) -> Iterable[str]:
    """Yield the local addresses, as /proc writes them, that a session's processes listen on."""
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            session = int((process / "stat").read_text().rpartition(")")[2].split()[3])
            if session == supervisor:
                sockets |= {str(fd.readlink()) for fd in (process / "fd").iterdir()}
        except OSError:
            continue
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1]


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(
    airflow_server: AirflowServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"

    with (
        pytest.raises(UnavailableError, match=r"(?s)a process ended while it started.*scheduler"),
        airflow_server.running(home=home, settings={"core.executor": "NoSuchExecutor"}),
    ):
        pass

    assert not home.exists()
    assert processes_that_mention(str(home)) == []


def test_installing_again_does_nothing(airflow_server: AirflowServer, airflow_version: str) -> None:
    said: list[str] = []
    before = airflow_server.installation.recipe.stat()

    again = AirflowServer.installed(airflow_version, say=said.append)

    assert again == airflow_server
    assert said == []
    assert again.installation.recipe.stat() == before


OWNER = """
import os, sys
from pathlib import Path
from fermata_hooks.demo.airflow_server import AirflowServer
home = Path(sys.argv[2])
with AirflowServer.installed(sys.argv[1]).running(home=home) as airflow:
    print(airflow.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.usefixtures("airflow_server")
def test_an_owner_that_is_killed_leaves_nothing(airflow_version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"

    done = subprocess.run(
        [sys.executable, "-c", OWNER, airflow_version, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == -9
    wait_until_gone(int(done.stdout))
    assert not home.exists()
    assert processes_that_mention(str(home)) == []
