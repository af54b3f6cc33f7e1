"""verify on a real Airflow 3 whose DAGs come from a git bundle: a bare repository on disk."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import components
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_status import verified_now
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.handoff import source_digest, take_baseline
from fermata_hooks.termination import Termination
from fermata_hooks.verification import Verification, verify
from fermata_spec.dagset import DagSetStatus, change
from fermata_spec.errors import UnavailableError
from fermata_spec.plan import Plan, PlannedDag, VerifyPolicy

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

POLICY = VerifyPolicy(deadline=120.0, settle=2.0, serialize_lag=0.0, mount_lag=0.0)
TEXT = """\
from datetime import datetime

from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

# {comment}
with DAG("{dag_id}", schedule=None, start_date=datetime(2024, 1, 1)):
    EmptyOperator(task_id="task_{number}")
"""


def git(folder: Path, *args: str) -> str:
    """Run git without anybody's configuration; return what it prints."""
    who = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder)}
    done = subprocess.run(
        ["git", *who, *args],  # noqa: S607 - the machine's git
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


class Team:
    """A clone with the DAGs ``steady`` and ``moving``, and what was verified of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        self.origin = folder / "origin.git"
        git(folder, "init", "-q", "--bare", str(self.origin))
        git(folder, "clone", "-q", str(self.origin), str(self.folder))
        self.status = DagSetStatus()
        self.clock = SystemClock(Termination())
        self.dags: dict[str, PlannedDag] = {}

    def write(self, dag_id: str, *, number: int = 0, comment: str = "", yaml: bool = False) -> None:
        """Let git have a DAG; ``yaml``: nothing but the bundle can say what Airflow parsed."""
        text = TEXT.format(dag_id=dag_id, number=number, comment=comment)
        path = self.folder / "dags" / f"{dag_id}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        digest = source_digest(text)
        self.dags[dag_id] = PlannedDag(
            dag_id=dag_id,
            digest=digest,
            file=path.name,
            evidence="bundle",
            source_digest="" if yaml else digest,
        )

    def commit(self) -> str:
        """Push what is written; return the commit."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "a change")
        git(self.folder, "push", "-q", "origin", "HEAD:main")
        return git(self.folder, "rev-parse", "HEAD")

    def sync(self, api: AirflowApi, policy: VerifyPolicy = POLICY) -> Verification:
        """Take the baseline, push, and verify what was pushed."""
        plan = Plan(
            application="team",
            revision="0" * 40,
            airflow_url="",
            dags=tuple(self.dags.values()),
            delivery="git-bundle",
            verify=policy,
        )
        before = take_baseline(api, plan, change(plan, self.status).affected, self.clock)
        plan = replace(plan, revision=self.commit())
        done = verify(
            api,
            plan,
            handoff=replace(before, revision=plan.revision),
            status=self.status,
            clock=self.clock,
            still_held=lambda: None,
        )
        if done.verdict == "pass":
            self.status = DagSetStatus(verified=verified_now(plan, self.clock))
        return done


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    team = Team(tmp_path_factory.mktemp("team"))
    team.write("steady")
    team.write("moving")
    team.commit()
    return team


@pytest.fixture(scope="module")
def bundled(
    pytestconfig: pytest.Config, airflow_version: str, team: Team
) -> Iterator[RunningAirflow]:
    """An Airflow 3 whose only bundle is the team's repository."""
    if airflow_version.startswith("2."):
        pytest.skip("Airflow 2 has no bundles")
    environ = pytestconfig.stash[components.found]
    try:
        server = AirflowServer.installed(
            airflow_version, environ=environ, added=("apache-airflow-providers-git",)
        )
    except UnavailableError as exc:
        components.missing(pytestconfig, "airflow", " ".join(str(exc).splitlines()[:3]))
    bundle = {
        "name": "team",
        "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
        "kwargs": {"repo_url": str(team.origin), "tracking_ref": "main", "subdir": "dags"},
    }
    settings = {
        "dag_processor.dag_bundle_config_list": json.dumps([bundle]),
        "dag_processor.refresh_interval": "300",  # as it is: verify has to ask
    }
    with server.running(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def api(bundled: RunningAirflow) -> Iterator[AirflowApi]:
    files = PasswordFiles(bundled.username_file, bundled.password_file)
    with AirflowApi(bundled.url, files, clock=SystemClock(Termination())) as api:
        yield api


@pytest.fixture(scope="module", autouse=True)
def first(team: Team, api: AirflowApi) -> None:
    done = team.sync(api)
    assert done.verdict == "pass", done


def test_a_changed_dag_is_proven_by_its_commit_and_an_unchanged_one_is_no_failure(
    team: Team, api: AirflowApi
) -> None:
    team.write("moving", number=1, yaml=True)

    done = team.sync(api)

    assert done.verdict == "pass", done
    assert "1 of 1 changed DAG shown by Airflow (bundle 1)" in done.message
    assert {dag.dag_id: dag.why for dag in done.dags} == {"moving": "bundle"}


def test_a_change_of_a_comment_which_no_serialized_dag_shows_is_proven_too(
    team: Team, api: AirflowApi
) -> None:
    team.write("moving", number=1, comment="said", yaml=True)

    done = team.sync(api)

    assert done.verdict == "pass", done
    assert "(bundle 1)" in done.message


def test_a_new_file_is_found_without_waiting_for_the_scan(team: Team, api: AirflowApi) -> None:
    team.write("fresh")

    done = team.sync(api)

    assert done.verdict == "pass", done


def test_a_commit_that_does_not_reach_the_bundle_is_not_shown(team: Team, api: AirflowApi) -> None:
    git(team.folder, "remote", "set-url", "--push", "origin", str(team.folder.parent / "other.git"))
    git(team.folder.parent, "init", "-q", "--bare", "other.git")
    try:
        team.write("moving", number=2, yaml=True)
        done = team.sync(api, replace(POLICY, deadline=8.0))
    finally:
        git(team.folder, "remote", "set-url", "--push", "origin", str(team.origin))

    assert done.verdict == "inconclusive", done
    assert "not shown: moving (its bundle is at " in done.message
