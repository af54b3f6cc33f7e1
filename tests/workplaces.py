"""A hook's collaborators over a fake Airflow and a ledger in a folder, and its process."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.clock import Clock
from fermata_hooks.dagset_status import syncing, verified_now
from fermata_hooks.documents import Document, Documents, FileDocuments
from fermata_hooks.identity_settings import AirflowIdentity
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.settings import FolderLedger, Settings
from fermata_hooks.termination import Termination
from fermata_spec.dagset import DagSetStatus
from fermata_spec.plan import Plan, PlannedDag, dump_plan
from fermata_spec.report import Report

OLD, NEW = "a" * 40, "b" * 40
PATIENCE = 60  # seconds for a process that does not end


def planned(dag_id: str, *, digest: str = "0" * 16) -> PlannedDag:
    """Return a DAG of a plan, defined by a file of its own."""
    return PlannedDag(dag_id=dag_id, digest=digest, file=f"{dag_id}.py", evidence="doc_md")


def make_plan(*dags: str | PlannedDag, revision: str = NEW, **more: Any) -> Plan:  # noqa: ANN401
    """Return a plan of ``dags``; ``more`` are fields of ``Plan``."""
    whole = tuple(planned(dag) if isinstance(dag, str) else dag for dag in dags)
    plan = Plan(application="demo", revision=revision, airflow_url="http://127.0.0.1:1", dags=whole)
    return replace(plan, **more)


def changed(plan: Plan, *dag_ids: str, revision: str = NEW) -> Plan:
    """Return the next revision of ``plan``, in which ``dag_ids`` have another digest."""
    dags = tuple(
        replace(dag, digest="f" * 16) if dag.dag_id in dag_ids else dag for dag in plan.dags
    )
    return replace(plan, revision=revision, dags=dags)


def new_report(plan: Plan, hook: str = "hold") -> Report:
    """Return a report that has just begun."""
    return Report(hook=hook, application=plan.application, revision=plan.revision, started="")


class CountedDocuments:
    """Documents in a folder, and how often they were asked for."""

    def __init__(self, folder: Path) -> None:
        self._documents = FileDocuments(folder)
        self.calls: Counter[str] = Counter()

    def read(self, name: str) -> Document:
        """Read, counted."""
        self.calls[f"read {name}"] += 1
        return self._documents.read(name)

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        """Replace, counted."""
        self.calls[f"replace {name}"] += 1
        return self._documents.replace(name, content, expected=expected)

    def put(self, name: str, content: bytes) -> None:
        """Put, counted."""
        self.calls[f"put {name}"] += 1
        self._documents.put(name, content)

    def delete(self, name: str, *, expected: str | None = None) -> None:
        """Delete, counted."""
        self.calls[f"delete {name}"] += 1
        self._documents.delete(name, expected=expected)

    def versions(self, prefix: str) -> dict[str, str]:
        """List, counted."""
        self.calls[f"list {prefix}"] += 1
        return self._documents.versions(prefix)


class Surroundings:
    """One Airflow, one folder, one clock; each ``place`` is one process of its own."""

    def __init__(self, airflow: FakeAirflow, folder: Path, clock: Clock) -> None:
        self.airflow = airflow
        self.clock = clock
        self.folder = folder / "ledger"
        self.credentials = airflow.credential_files(folder)
        self.plan_file = folder / "plan.json"

    def place(
        self,
        *,
        documents: Documents | None = None,
        clock: Clock | None = None,
        late: float = 300.0,
    ) -> Workplace:
        """Return the collaborators of a process that begins now."""
        username, password = self.credentials
        place = Workplace(
            settings=Settings(
                ledger=FolderLedger(self.folder),
                identity=AirflowIdentity(username_file=username, password_file=password),
            ),
            clock=clock or self.clock,
            termination=Termination(),
            airflow_url=self.airflow.url,
            late=late,
        )
        if documents is not None:
            place.__dict__["documents"] = documents  # what the cached property would make
        return place

    def verified(self, plan: Plan) -> None:
        """Let ``plan`` be what Airflow holds, proven."""
        status = DagSetStatus(revision=plan.revision, verified=verified_now(plan, self.clock))
        self.place().dagsets.write(plan.application, status)

    def syncing(self, plan: Plan) -> None:
        """Let a sync of ``plan`` be under way."""
        syncing(self.place().dagsets, plan)

    def paused(self) -> set[str]:
        """Return the ids of the DAGs that are paused."""
        return {dag.dag_id for dag in self.airflow.dags.values() if dag.is_paused}

    def environ(self, plan: Plan | None = None, **more: str) -> dict[str, str]:
        """Return the environment of a hook's process; ``plan`` is written to a file."""
        username, password = self.credentials
        environ = {
            "PATH": os.environ["PATH"],
            "FERMATA_LEDGER": f"file:{self.folder}",
            "FERMATA_AIRFLOW_URL": self.airflow.url,
            "FERMATA_AIRFLOW_USERNAME_FILE": str(username),
            "FERMATA_AIRFLOW_PASSWORD_FILE": str(password),
        }
        if plan is not None:
            self.plan_file.write_text(dump_plan(plan))
            environ["FERMATA_PLAN"] = str(self.plan_file)
        return environ | more

    def run(
        self, *args: str, plan: Plan | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``fermata`` to its end."""
        return subprocess.run(
            fermata(*args),
            env=self.environ(plan, **more),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *args: str, plan: Plan | None = None, **more: str) -> "subprocess.Popen[str]":
        """Start ``fermata``; to be used as a context, and ended inside it."""
        return subprocess.Popen(
            fermata(*args),
            env=self.environ(plan, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def fermata(*args: str) -> list[str]:
    """Return the command line of a subcommand."""
    return [sys.executable, "-m", "fermata_cli", *args]


def outcomes(report: Report) -> Mapping[str, str]:
    """Return what was done with each DAG."""
    return {dag.dag_id: dag.done for dag in report.dags}


def json_report(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return the report that a process printed with ``--format json``."""
    report: dict[str, Any] = json.loads(done.stdout)
    return report
