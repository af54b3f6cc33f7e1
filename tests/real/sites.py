"""A site of DAG files in a real Airflow, each synced as the hooks would: for tests of proof."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from fermata_hooks.airflow_api import AirflowApi
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
{more}"""
BESIDE = """
with DAG("{dag_id}", schedule=None, start_date=datetime(2024, 1, 1)):
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
    folder: str = "proof"
    beside: str = ""  # another DAG of the same file
    name: str = ""  # of the file, if it is not called after the DAG

    @property
    def stem(self) -> str:
        return self.name or self.dag_id

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
            more=BESIDE.format(dag_id=self.beside, task=self.task) if self.beside else "",
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
            file=f"{self.folder}/{self.stem}.py",
            evidence="source" if self.python else "doc_md",
            source_digest=text,
            source=f"git/{self.stem}.py",
        )


def held() -> None:
    """Say that the hold is in force."""


class Site:
    """DAG files of ours in Airflow's DAGs folder, and what was verified of them."""

    def __init__(self, airflow: RunningAirflow, api: AirflowApi, *, folder: str = "proof") -> None:
        self.api = api
        self.clock = SystemClock(Termination())
        self.folder = airflow.dags_folder / folder
        self.folder.mkdir()
        self.status = DagSetStatus()
        self.git: dict[str, File] = {}

    def commit(self, *files: File, without: str = "") -> None:
        self.git |= {file.dag_id: file for file in files}
        self.git.pop(without, None)

    def plan(
        self, policy: VerifyPolicy = POLICY, *smoke: SmokeDag, only: Collection[str] = ()
    ) -> Plan:
        """Return the plan of what git has, or of ``only`` some of it."""
        files = [self.git[dag_id] for dag_id in only or self.git]
        return Plan(
            application="proof",
            revision=f"{time.time_ns():040x}",
            airflow_url="",
            dags=tuple(file.planned for file in files),
            verify=policy,
            smoke=SmokePolicy(deadline=60.0, dags=smoke),
        )

    def sync(
        self,
        policy: VerifyPolicy = POLICY,
        *,
        apply: bool = True,
        at_each_look: Callable[[], None] = held,
    ) -> Verification:
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
            still_held=at_each_look,
        )
        if done.verdict == "pass":
            self.status = DagSetStatus(verified=verified_now(plan, self.clock))
        else:
            self.status = replace(self.status, unproven=tuple(sorted(affected)))
        return done

    def apply(self) -> None:
        for file in self.git.values():
            path = self.folder / f"{file.stem}.py"
            if not path.exists() or path.read_text() != file.text:
                path.write_text(file.text)
        for path in self.folder.glob("*.py"):
            if path.stem not in {file.stem for file in self.git.values()}:
                path.unlink()

    def smoke(
        self, dag_id: str, *, api: AirflowApi | None = None, deadline: float = 60.0
    ) -> SmokeResult:
        plan = self.plan(POLICY, SmokeDag(dag_id=dag_id, deadline=deadline))
        return smoke(
            api or self.api,
            plan,
            sync=time.time(),
            clock=self.clock,
            termination=Termination(),
            still_held=held,
        )


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)
