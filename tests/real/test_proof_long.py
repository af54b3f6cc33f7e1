"""What verify makes of rarer states of a real Airflow: one of these tests' own, to be spoilt."""

import json
import os
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo import airflow_config
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.expectations import check_expectations
from fermata_hooks.termination import Termination
from fermata_spec.plan import Expectations
from real.sites import HASTY, POLICY, File, Site, check

pytestmark = [pytest.mark.airflow, pytest.mark.long]

FOLDER = "rare"
PATIENCE = 180.0  # seconds for Airflow to come to see something on a loaded machine
STEADY = File(dag_id="rare_steady", folder=FOLDER)
BROKEN = "from nowhere import Operator"
GOOD_MEMBER = STEADY.text.replace("rare_steady", "rare_zipped")


@pytest.fixture(scope="module")
def own(
    airflow_server: AirflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    """An Airflow with a secrets backend that holds one connection and one variable."""
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "connections.json").write_text('{"only_there": "http://only.there"}')
    (secrets / "variables.json").write_text('{"only_there": "x"}')
    settings = {
        "secrets.backend": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "secrets.backend_kwargs": json.dumps(
            {f"{each}_file_path": f"{secrets}/{each}.json" for each in ("connections", "variables")}
        ),
    }
    with airflow_server.running(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def api(own: RunningAirflow) -> Iterator[AirflowApi]:
    files = PasswordFiles(own.username_file, own.password_file)
    with AirflowApi(own.url, files, clock=SystemClock(Termination())) as api:
        yield api


@pytest.fixture(scope="module")
def site(own: RunningAirflow, api: AirflowApi) -> Site:
    site = Site(own, api, folder=FOLDER)
    site.commit(STEADY)
    first = site.sync()
    assert first.verdict == "pass", first
    return site


@pytest.fixture
def only_3(own: RunningAirflow) -> None:
    """Skip on Airflow 2, where this has not been brought to a good end yet."""
    if own.version.startswith("2."):
        pytest.skip("seen on Airflow 3 only")


@pytest.fixture(autouse=True)
def mended(site: Site) -> Iterator[None]:
    """Let git go back to the one steady DAG."""
    yield
    for dag_id in [*site.git]:
        site.commit(without=dag_id)
    site.commit(STEADY)
    for path in site.folder.glob("*.zip"):
        path.unlink()
    done = site.sync(replace(POLICY, deadline=PATIENCE))
    assert done.verdict == "pass", done


def test_a_task_that_is_gone_although_a_run_under_way_needs_it_is_told(
    site: Site, api: AirflowApi
) -> None:
    etl = File(dag_id="rare_etl", folder=FOLDER, paused=True)
    site.commit(etl)
    assert site.sync().verdict == "pass"
    api.trigger("rare_etl", run_id="unfinished", conf={}, note="")
    site.commit(replace(etl, number=1, task="toil"))

    done = site.sync()

    assert done.verdict == "pass", done
    told = check(done, "structure").message
    assert "would be fail: gone, and a run under way needs it: rare_etl.work" in told
    assert "in unfinished" in told


def test_a_dag_that_has_another_id_in_the_same_file_is_called_renamed(site: Site) -> None:
    site.commit(File(dag_id="rare_old", folder=FOLDER, name="renamed"))
    assert site.sync().verdict == "pass"
    site.commit(File(dag_id="rare_new", folder=FOLDER, name="renamed"), without="rare_old")

    done = site.sync(replace(POLICY, deadline=PATIENCE))

    assert done.verdict == "pass", done
    assert "rare_old is rare_new now" in check(done, "removed").message


@pytest.mark.usefixtures("only_3")
def test_errors_are_known_again_however_their_files_are_called(site: Site, api: AirflowApi) -> None:
    site.commit(File(dag_id="rare_broken", folder=FOLDER))
    pack(site.folder / "pack.zip", zdag=GOOD_MEMBER)
    assert site.sync().verdict == "pass"
    eventually(lambda: "rare_zipped" in {dag.dag_id for dag in api.dags()})
    site.commit(File(dag_id="rare_broken", folder=FOLDER, first=BROKEN))
    site.apply()
    pack(site.folder / "pack.zip", zdag=GOOD_MEMBER, zbad=BROKEN + "  # airflow DAG")
    eventually(lambda: len(api.import_errors()) == 2)
    names = sorted(row.filename for row in api.import_errors())
    assert names[0].endswith("/pack.zip/zbad.py")
    assert names[1].endswith("rare/rare_broken.py")
    site.commit(replace(STEADY, number=1), without="rare_broken")

    done = site.sync(HASTY, apply=False)

    told = check(done, "import errors")
    assert told.verdict == "pass", done
    assert told.numbers["old"] == 2, told


@pytest.mark.usefixtures("only_3")
def test_a_new_error_in_a_member_of_a_zip_is_new(site: Site, api: AirflowApi) -> None:
    pack(site.folder / "pack.zip", zdag=GOOD_MEMBER)
    eventually(lambda: "rare_zipped" in {dag.dag_id for dag in api.dags()})
    site.commit(replace(STEADY, number=2))
    began = False

    def spoil() -> None:
        nonlocal began
        if not began:
            began = True
            pack(site.folder / "pack.zip", zdag=GOOD_MEMBER, zbad=BROKEN + "  # airflow DAG")

    done = site.sync(replace(POLICY, deadline=PATIENCE, settle=10.0), at_each_look=spoil)

    assert done.verdict == "fail", done
    assert "pack.zip/zbad.py" in done.message
    assert "ModuleNotFoundError" in done.message


@pytest.mark.usefixtures("only_3")
def test_a_component_that_stands_still_proves_nothing(own: RunningAirflow, site: Site) -> None:
    site.commit(replace(STEADY, number=3))

    with standing_still(own, "dag-processor"):
        done = site.sync(replace(POLICY, deadline=60.0, settle=40.0))

    assert done.verdict == "inconclusive", done
    assert "dag_processor is unhealthy" in check(done, "health").message


@pytest.mark.usefixtures("only_3")
def test_what_is_expected_is_there_absent_or_not_to_be_seen(
    own: RunningAirflow, api: AirflowApi, airflow_server: AirflowServer
) -> None:
    python = airflow_server.installation.python
    for arguments in (
        ("connections", "add", "warehouse", "--conn-uri", "http://warehouse"),
        ("variables", "set", "region", "north"),
        ("pools", "set", "loads", "3", "a pool"),
    ):
        subprocess.run(
            [str(python), "-m", "airflow", *arguments],
            env=airflow_config.environment(python, own.home),
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    wanted = Expectations(
        pools=("loads", "nobodys"),
        connections=("warehouse", "only_there"),
        variables=("region", "only_there"),
        providers={"apache-airflow-providers-standard": ">=99"},
    )

    checks = {check.name: check for check in check_expectations(api, wanted)}

    assert {name: check.verdict for name, check in checks.items()} == {
        "expects apache-airflow-providers-standard": "fail",
        "expects pool loads": "pass",
        "expects pool nobodys": "fail",
        "expects connection warehouse": "pass",
        "expects connection only_there": "inconclusive",
        "expects variable region": "pass",
        "expects variable only_there": "inconclusive",
    }
    assert "secrets backend" in checks["expects variable only_there"].message


def pack(path: Path, **members: str) -> None:
    """Write a zip of DAG files, as a whole at once."""
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.py", text)
    partial.rename(path)


def eventually(look: object) -> None:
    assert callable(look)
    clock = SystemClock(Termination())
    give_up_at = clock.monotonic() + PATIENCE
    while not look():
        assert clock.monotonic() < give_up_at
        clock.sleep(0.5)


@contextmanager
def standing_still(own: RunningAirflow, command: str) -> Iterator[None]:
    """Stop a process of ``own`` without ending it."""
    pids = [pid for pid in _children(own.pid) if command in _arguments(pid)]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
