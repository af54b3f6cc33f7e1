"""verify where the files come by git-sync, in Airflow's image, or otherwise than the plan says.

What is verified is rendered from the checkout that Airflow reads. git-sync keeps each commit in a
folder of its own, and a link that is renamed over the last one; an image brings files with old
times, and other processes that read them.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_status import verified_now
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.handoff import take_baseline
from fermata_hooks.termination import Termination
from fermata_hooks.verification import Verification, verify
from fermata_plugin.planning import Identity
from fermata_plugin.render import compile_checkout
from fermata_spec.dagset import DagSetStatus, change
from fermata_spec.plan import Plan, VerifyPolicy
from fermata_spec.report import Check

pytestmark = [pytest.mark.airflow, pytest.mark.long]  # an Airflow of its own, and restarts of it

PATIENT, HASTY = 120.0, 10.0  # seconds
OLD = 1_600_000_000  # a time of an image's files
FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {{url: "http://airflow:8080"}}
files: {{include: ["dags/**/*.py", "dags/**/*.yaml"]}}
delivery: {delivery}
"""
DAG = """\
from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow.models import DAG

# {comment}
with DAG("{dag_id}", schedule=None, start_date=datetime(2024, 1, 1)):
    pass
"""
OPAQUE = """\
from datetime import datetime
from pathlib import Path

import yaml

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow.models import DAG

for dag_id in yaml.safe_load(Path(__file__).with_name("own.yaml").read_text()):
    globals()[dag_id] = DAG(dag_id, schedule=None, start_date=datetime(2024, 1, 1))
"""
OWN = """\
{dag_id}:
  description: {comment}
  default_args: {{start_date: 2024-01-01}}
  tasks: {{t: {{operator: airflow.providers.standard.operators.empty.EmptyOperator}}}}
"""


def dag_file(dag_id: str, comment: str = "first") -> dict[str, str]:
    return {f"dags/{dag_id}.py": DAG.format(dag_id=dag_id, comment=comment)}


class Site:
    """What git has, what has been verified of it, and Airflow's API."""

    def __init__(self, airflow: RunningAirflow, folder: Path) -> None:
        self.airflow, self.folder = airflow, folder
        self.clock = SystemClock(Termination())
        files = PasswordFiles(airflow.username_file, airflow.password_file)
        self.api = AirflowApi(airflow.url, files, clock=self.clock, timeout=60.0)
        self.git: dict[str, str] = {}
        self.status = DagSetStatus()
        self.number = 0

    def plan(self, delivery: str, deadline: float) -> Plan:
        """Render what git has."""
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        write(checkout, self.git | {"fermata.yaml": FERMATA_YAML.format(delivery=delivery)})
        self.number += 1
        made = compile_checkout(str(checkout), Identity("site", f"{self.number:040x}", "airflow"))
        assert [each for each in made.problems if each.severity == "error"] == []
        assert made.plan is not None
        policy = VerifyPolicy(deadline=deadline, settle=2.0, serialize_lag=0.0, mount_lag=0.0)
        return replace(made.plan, verify=policy)

    def sync(
        self,
        apply: Callable[[Mapping[str, str]], object],
        *,
        delivery: str = "git-sync",
        deadline: float = PATIENT,
    ) -> Verification:
        """Take the baseline, apply, and verify."""
        plan = self.plan(delivery, deadline)
        affected = change(plan, self.status).affected
        before = take_baseline(self.api, plan, affected, self.clock)
        apply(self.git)
        done = verify(
            self.api,
            plan,
            handoff=before,
            status=self.status,
            clock=self.clock,
            still_held=lambda: None,
        )
        if done.verdict == "pass":
            self.status = DagSetStatus(verified=verified_now(plan, self.clock))
        else:
            self.status = replace(self.status, unproven=tuple(sorted(affected)))
        return done


def write(folder: Path, files: Mapping[str, str], *, at: float | None = None) -> None:
    """Write files, all with one time if it is given."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if at is not None:
            os.utime(path, (at, at))


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)


def never(_files: Mapping[str, str]) -> None:
    """Do not apply."""


class GitSync:
    """``root/repo`` is a link to the folder of the commit that was pulled last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.link = root / "repo"
        self.pull({})

    def pull(self, files: Mapping[str, str]) -> None:
        """Bring a commit: its folder first, then the link, and then the last one's folder goes."""
        before = self.link.resolve() if self.link.is_symlink() else None
        commit = self.root / ".worktrees" / f"{time.time_ns():x}"
        (commit / "dags").mkdir(parents=True)
        write(commit, files)
        (self.root / "next").symlink_to(commit.relative_to(self.root))
        (self.root / "next").rename(self.link)
        if before is not None:
            shutil.rmtree(before)


@pytest.fixture(scope="module")
def git_sync(tmp_path_factory: pytest.TempPathFactory) -> GitSync:
    return GitSync(tmp_path_factory.mktemp("git"))


@pytest.fixture(scope="module")
def site(
    airflow_server: AirflowServer, git_sync: GitSync, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with airflow_server.running(dags_folder=git_sync.link / "dags") as airflow:
        site = Site(airflow, tmp_path_factory.mktemp("site"))
        with site.api:
            site.git = dag_file("steady") | dag_file("moving")
            first = site.sync(git_sync.pull)
            assert first.verdict == "pass", first
            yield site


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let what a test has left unproven be mended, whichever test comes next."""
    yield
    if "site" in request.fixturenames:
        site, git_sync = request.getfixturevalue("site"), request.getfixturevalue("git_sync")
        site.git = dag_file("steady") | dag_file("moving", f"mended {site.number}")
        done = site.sync(git_sync.pull)
        assert done.verdict == "pass", done


# A git bundle that Airflow does not have as one (2.x, a plain folder) tells no commit.
@pytest.mark.parametrize("delivery", ["git-sync", "git-bundle"])
def test_a_link_that_flips_to_another_commit_is_proven_by_the_files_text(
    site: Site, git_sync: GitSync, delivery: str
) -> None:
    site.git |= dag_file("moving", f"changed for {delivery}")

    done = site.sync(git_sync.pull, delivery=delivery)

    assert done.verdict == "pass", done
    assert "1 of 1 changed DAG shown by Airflow (source 1)" in done.message
    assert {dag.dag_id: dag.why for dag in done.dags} == {"moving": "source"}


def test_a_new_file_and_one_that_is_gone_are_proven(site: Site, git_sync: GitSync) -> None:
    site.git |= dag_file("fresh")
    added = site.sync(git_sync.pull)
    del site.git["dags/fresh.py"]
    removed = site.sync(git_sync.pull)

    assert added.verdict == "pass", added
    assert removed.verdict == "pass", removed
    assert "1 DAG removed: fresh" in check(removed, "removed").message


def test_a_commit_that_git_sync_has_not_pulled_is_not_shown(
    site: Site,
) -> None:
    site.git |= dag_file("moving", "not pulled")

    done = site.sync(never, deadline=HASTY)

    assert done.verdict == "inconclusive", done
    assert "not shown: moving" in done.message


@pytest.mark.parametrize("delivery", ["git-sync", "image", "git-bundle"])
def test_yaml_that_a_loader_reads_is_inconclusive_with_what_would_prove_it(
    site: Site, git_sync: GitSync, delivery: str
) -> None:
    """Only a git bundle says what Airflow has of it, and here is none."""
    site.git |= {
        "dags/loader.py": OPAQUE,
        "dags/own.yaml": OWN.format(dag_id="own", comment=delivery),
    }

    done = site.sync(git_sync.pull, delivery=delivery, deadline=HASTY)

    assert done.verdict == "inconclusive", done
    told = check(done, "evidence").message
    assert "own" in told
    assert "docs/verify.md" in told


class ImageServer(AirflowServer):
    """An Airflow whose home stays when it stops, so that another image goes on with it."""

    def _specification(self, home: Path, remove: object, *, triggerer: bool) -> dict[str, object]:
        del remove
        return super()._specification(home, (), triggerer=triggerer) | {"remove": []}

    def rolled_out(self, airflow: RunningAirflow) -> None:
        """Let the processes of the last image end, and those of the next begin."""
        processes = airflow._processes  # noqa: SLF001 - Airflow is started by nobody else
        processes.stop()
        processes.start(self._specification(airflow.home, (), triggerer=False), home=airflow.home)
        airflow.wait_until_healthy(airflow.release.components)


@pytest.mark.parametrize("old", [True, False], ids=["with fixed times", "with the build's time"])
def test_files_of_another_image_are_proven_by_their_text_where_airflow_shows_it(
    airflow_server: AirflowServer, airflow_version: str, tmp_path: Path, *, old: bool
) -> None:
    """Airflow 2 does not show a text whose file is older than the text that it has."""
    server = ImageServer(airflow_server.installation)
    image, hidden = tmp_path / "image", old and airflow_version.startswith("2.")

    def baked(files: Mapping[str, str]) -> None:
        shutil.rmtree(image, ignore_errors=True)
        write(image, files, at=OLD if old else None)

    def rolled_out(files: Mapping[str, str]) -> None:
        baked(files)
        server.rolled_out(airflow)

    with server.running(dags_folder=image / "dags", home=tmp_path / "home") as airflow:
        site = Site(airflow, tmp_path)
        with site.api:
            site.git = dag_file("steady") | dag_file("moving")
            first = site.sync(baked, delivery="image")
            assert first.verdict == "pass", first

            site.git |= dag_file("moving", "of the next image")
            stays = site.sync(never, delivery="image", deadline=HASTY)
            done = site.sync(rolled_out, delivery="image", deadline=30.0 if hidden else PATIENT)

    assert stays.verdict == "inconclusive", stays
    assert "not shown: moving" in stays.message
    if hidden:
        assert done.verdict == "inconclusive", done
        assert "give files the time of the build" in check(done, "settle").message
        return
    assert done.verdict == "pass", done
    assert "1 of 1 changed DAG shown by Airflow (source 1)" in done.message
