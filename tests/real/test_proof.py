"""verify and smoke on a real Airflow: what they promise, with its own parsing and its own runs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.dagset_status import verified_now
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.handoff import source_digest, take_baseline
from fermata_hooks.smoke import SmokeResult, smoke
from fermata_hooks.termination import Termination
from fermata_hooks.verification import Verification, verify
from fermata_spec.dagset import DagSetStatus, change
from fermata_spec.plan import Plan, PlannedDag, SmokeDag, SmokePolicy, VerifyPolicy
from fermata_spec.report import Check

pytestmark = [pytest.mark.airflow]

FOLDER = "proof"
POLICY = VerifyPolicy(deadline=90.0, settle=2.0, serialize_lag=0.0, mount_lag=0.0)
HASTY = replace(POLICY, deadline=8.0)
DAG_FILE = """\
{first}
from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow.decorators import task
    from airflow.models import DAG


@task(pool="{pool}")
def {task}():
    print("number {number}, password=hunter2")
    {body}


with DAG(
    "{dag_id}",
    schedule=None,
    start_date={start},
    doc_md="fermata:{digest}",
    is_paused_upon_creation={paused},
):
    {task}()
"""


@dataclass(frozen=True, kw_only=True)
class File:
    """A DAG file as git has it; ``number`` is what changes."""

    dag_id: str
    number: int = 0
    python: bool = False
    first: str = ""
    body: str = "pass"
    paused: bool = False
    task: str = "work"
    pool: str = "default_pool"
    start: str = "datetime(2024, 1, 1)"

    @property
    def text(self) -> str:
        return DAG_FILE.format(
            dag_id=self.dag_id,
            number=self.number,
            digest=self.digest,
            first=self.first,
            body=self.body,
            paused=self.paused,
            task=self.task,
            pool=self.pool,
            start=self.start,
        )

    @property
    def digest(self) -> str:
        return f"{self.number:016x}"

    @property
    def planned(self) -> PlannedDag:
        text = source_digest(self.text) if self.python else ""
        return PlannedDag(
            dag_id=self.dag_id,
            digest=text or self.digest,
            file=f"{FOLDER}/{self.dag_id}.py",
            evidence="source" if self.python else "doc_md",
            source_digest=text,
            source=f"git/{self.dag_id}.py",
        )


def held() -> None:
    """Say that the hold is in force."""


class Site:
    """DAG files of ours in Airflow's DAGs folder, and what was verified of them."""

    def __init__(self, airflow: RunningAirflow, api: AirflowApi) -> None:
        self.api = api
        self.clock = SystemClock(Termination())
        self.folder = airflow.dags_folder / FOLDER
        self.folder.mkdir()
        self.status = DagSetStatus()
        self.git: dict[str, File] = {}

    def commit(self, *files: File, without: str = "") -> None:
        self.git |= {file.dag_id: file for file in files}
        self.git.pop(without, None)

    def plan(self, policy: VerifyPolicy = POLICY, *smoke: SmokeDag) -> Plan:
        return Plan(
            application="proof",
            revision=f"{time.time_ns():040x}",
            airflow_url="",
            dags=tuple(file.planned for file in self.git.values()),
            verify=policy,
            smoke=SmokePolicy(deadline=60.0, dags=smoke),
        )

    def sync(self, policy: VerifyPolicy = POLICY, *, apply: bool = True) -> Verification:
        """Take the baseline, apply what git has, and verify."""
        plan = self.plan(policy)
        affected = change(plan, self.status).affected
        handoff = take_baseline(self.api, plan, affected, self.clock)
        if apply:
            self.apply()
        done = verify(
            self.api,
            plan,
            handoff=handoff,
            status=self.status,
            clock=self.clock,
            still_held=held,
        )
        if done.verdict == "pass":
            self.status = DagSetStatus(verified=verified_now(plan, self.clock))
        else:
            self.status = replace(self.status, unproven=tuple(sorted(affected)))
        return done

    def apply(self) -> None:
        for file in self.git.values():
            path = self.folder / f"{file.dag_id}.py"
            if not path.exists() or path.read_text() != file.text:
                path.write_text(file.text)
        for path in self.folder.glob("*.py"):
            if path.stem not in self.git:
                path.unlink()

    def smoke(self, dag_id: str) -> SmokeResult:
        plan = self.plan(POLICY, SmokeDag(dag_id=dag_id, deadline=60.0))
        return smoke(
            self.api,
            plan,
            sync=time.time(),
            clock=self.clock,
            termination=Termination(),
            still_held=held,
        )


STEADY = (File(dag_id="proof_steady"), File(dag_id="proof_python", python=True))


@pytest.fixture(scope="module")
def site(airflow: RunningAirflow) -> Iterator[Site]:
    """Two DAGs that Airflow has parsed, proven by the first verify of all."""
    clock = SystemClock(Termination())
    files = PasswordFiles(airflow.username_file, airflow.password_file)
    with AirflowApi(airflow.url, files, clock=clock) as api:
        site = Site(airflow, api)
        site.commit(*STEADY)
        first = site.sync()
        assert first.verdict == "pass", first
        yield site


@pytest.fixture(autouse=True)
def mended(site: Site) -> Iterator[None]:
    """Let a test that ends without a pass be followed by a revision that mends what it broke."""
    yield
    if site.status.unproven:
        site.commit(*STEADY)
        for dag_id in site.status.unproven:
            if dag_id not in {file.dag_id for file in STEADY}:
                site.commit(without=dag_id)
        done = site.sync()
        assert done.verdict == "pass", done


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)


def test_a_changed_dag_is_proven_by_its_digest_in_the_serialized_dag(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=1))

    done = site.sync()

    assert done.verdict == "pass", done
    assert "1 of 1 changed DAG shown by Airflow (doc_md 1)" in done.message


def test_a_changed_python_file_is_proven_by_its_text_and_a_further_parse(site: Site) -> None:
    site.commit(File(dag_id="proof_python", number=1, python=True))

    done = site.sync()

    assert done.verdict == "pass", done
    assert "(source 1)" in done.message


def test_a_change_that_was_not_applied_is_inconclusive(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=9))

    done = site.sync(HASTY, apply=False)

    assert done.verdict == "inconclusive", done
    assert "not shown: proof_steady" in done.message


def test_a_new_dag_is_waited_for(site: Site) -> None:
    site.commit(File(dag_id="proof_new"))

    done = site.sync()

    assert done.verdict == "pass", done


def test_a_dag_that_does_not_come_is_missing(site: Site) -> None:
    site.commit(File(dag_id="proof_absent"))

    done = site.sync(HASTY, apply=False)

    assert done.verdict == "fail", done
    assert "1 missing: proof_absent (git/proof_absent.py)" in done.message


def test_an_operator_that_cannot_be_imported_fails_early_with_file_and_line(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=2, first="from nowhere import Operator"))
    began = time.monotonic()

    done = site.sync()

    assert done.verdict == "fail", done
    assert f"{FOLDER}/proof_steady.py line 1: ModuleNotFoundError" in done.message
    assert "(DAG proof_steady, git/proof_steady.py)" in done.message
    assert time.monotonic() - began < POLICY.deadline / 2
    assert any(
        "from nowhere import Operator" in line for line in check(done, "import errors").lines
    )
    assert done.failed == ("proof_steady",)


def test_a_removed_dag_is_proven_by_its_absence(site: Site) -> None:
    site.commit(File(dag_id="proof_short_lived"))
    assert site.sync().verdict == "pass"
    site.commit(without="proof_short_lived")

    done = site.sync()

    assert done.verdict == "pass", done
    assert "1 DAG removed: proof_short_lived" in check(done, "removed").message


def test_what_a_change_makes_of_a_dag_is_told(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=3, task="toil"))

    done = site.sync()

    assert done.verdict == "pass", done
    assert check(done, "structure").message == "proof_steady: without work, with toil"


def test_what_airflow_warns_of_is_told(site: Site) -> None:
    kind = "runtime varying value"
    odd = File(dag_id="proof_odd", start="datetime.now()")
    if site.api.version().api == "v1":  # 3.x warns of no pool: its DAG processor knows none
        kind, odd = "non-existent pool", File(dag_id="proof_odd", pool="nobodys")
    site.commit(odd)

    done = site.sync()

    assert done.verdict == "pass", done
    assert f"proof_odd: {kind}: " in check(done, "warnings").message


def test_a_smoke_dag_runs_and_succeeds(site: Site) -> None:
    done = site.smoke("proof_steady")

    assert done.verdict == "pass", done
    assert done.message.startswith("proof_steady: success in ")


def test_a_failing_smoke_dag_shows_the_end_of_its_log(site: Site) -> None:
    site.commit(File(dag_id="proof_fails", body='raise ValueError("3 rows expected")'))
    assert site.sync().verdict == "pass"

    done = site.smoke("proof_fails")

    assert done.verdict == "fail", done
    assert "task work failed" in done.message
    assert "ValueError" in done.message
    log = "\n".join(done.checks[0].lines)
    assert "3 rows expected" in log
    assert "hunter2" not in log


def test_a_new_smoke_dag_that_airflow_pauses_is_inconclusive_at_once(site: Site) -> None:
    site.commit(File(dag_id="proof_paused", paused=True))
    assert site.sync().verdict == "pass"

    done = site.smoke("proof_paused")

    assert done.verdict == "inconclusive", done
    assert "say is_paused_upon_creation=False" in done.message
