"""The probe: what a worker of each pool and queue has to show, and what its answer means.

What stands in the rendered file is run here for real, on files on this disk, for each task.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.handoff import source_digest
from fermata_hooks.smoke import SmokeResult, smoke
from fermata_hooks.termination import Termination
from fermata_plugin.probe import probe_text, tasks
from fermata_spec.config_proof import Probe
from fermata_spec.plan import Plan, PlannedDag, SmokeDag, SmokePolicy, VerifyPolicy

PROBE = Probe(pools=("default_pool", "a b"), queues=("spark",))
ETL, YAML = "print('etl')\r\n", "DIGESTS = {'report': '0123456789abcdef'}\n"


class Worker:
    """A DAGs folder, and the probe's own code in it."""

    def __init__(self, folder: Path, probe: str) -> None:
        self.folder = folder
        (folder / "team").mkdir()
        (folder / "team" / "etl.py").write_text(ETL, newline="")
        (folder / "report.yaml.py").write_text(YAML)
        self.module: dict[str, Any] = {"__file__": str(folder / "fermata_probe.py")}
        exec(compile(probe, "fermata_probe.py", "exec"), self.module)  # noqa: S102 - what is rendered

    def look(self, conf: Mapping[str, Any]) -> str:
        return str(self.module["probe"](SimpleNamespace(conf=conf)))


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    class Dag:
        def __init__(self, *_args: object, **_more: object) -> None: ...
        def __enter__(self) -> None: ...
        def __exit__(self, *_about: object) -> None: ...

    sdk = ModuleType("airflow.sdk")
    sdk.__dict__.update(DAG=Dag, task=lambda **_where: lambda _function: lambda: None)
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    folder = tmp_path / "dags"
    folder.mkdir()
    return Worker(folder, probe_text(PROBE))


class World:
    def __init__(self, airflow: FakeAirflow, clock: ScriptedClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        etl = source_digest(ETL)
        dags = (
            PlannedDag(
                dag_id="etl",
                digest="e" * 16,
                file="team/etl.py",
                evidence="source",
                source_digest=etl,
            ),
            PlannedDag(
                dag_id="report",
                digest="0123456789abcdef",
                file="report.yaml.py",
                evidence="doc_md",
            ),
            PlannedDag(dag_id="opaque", digest="f" * 16, file="own.yaml", evidence="none"),
            PlannedDag(
                dag_id="fermata_probe",
                digest="1" * 16,
                file="fermata_probe.py",
                evidence="doc_md",
            ),
        )
        probe = SmokeDag(dag_id="fermata_probe", deadline=60.0, probes=tasks(PROBE))
        self.plan = Plan(
            application="shop",
            revision="a" * 40,
            airflow_url=airflow.url,
            dags=dags,
            verify=VerifyPolicy(mount_lag=0.0),
            smoke=SmokePolicy(dags=(probe,)),
        )
        self.dag = airflow.add_dag(
            "fermata_probe", is_paused_upon_creation=False, tasks=tuple(tasks(PROBE))
        )

    def smoke(self, *touched: str) -> SmokeResult:
        return smoke(
            self.api,
            self.plan,
            sync=1.0,
            clock=self.clock,
            termination=Termination(),
            still_held=lambda: None,
            touched=touched,
        )

    @property
    def conf(self) -> Mapping[str, Any]:
        (run,) = self.airflow.runs.values()
        return run.conf


@pytest.fixture(params=["3.3.2", "2.11.2"])
def world(request: pytest.FixtureRequest, worker: Worker, tmp_path: Path) -> Iterator[World]:
    clock = ScriptedClock()
    with FakeAirflow(str(request.param), now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            world = World(airflow, clock, api)
            world.dag.returns = worker.look
            yield world


def test_a_worker_that_has_the_files_of_git_passes_and_is_named(world: World) -> None:
    done = world.smoke()

    assert done.verdict == "pass", done
    assert "2 file(s) as in git on a worker of pool default_pool, pool a b, queue spark" in (
        done.message
    )
    (check,) = done.checks
    assert len(check.lines) == 3
    assert check.numbers["files"] == 2


def test_only_files_of_touched_dags_are_asked_for(world: World) -> None:
    world.smoke("report", "opaque")

    assert world.conf["files"] == {"report.yaml.py": ["0123456789abcdef"]}


def test_a_worker_with_another_text_fails_with_what_it_has(world: World, worker: Worker) -> None:
    (worker.folder / "team" / "etl.py").write_text("print('old')\n")
    old = source_digest("print('old')\n")

    done = world.smoke()

    assert done.verdict == "fail", done
    assert f"team/etl.py is {old}, not {source_digest(ETL)} (1 of 2" in done.message


def test_a_worker_without_a_file_fails_with_the_reason(world: World, worker: Worker) -> None:
    (worker.folder / "report.yaml.py").unlink()

    done = world.smoke()

    assert done.verdict == "fail", done
    assert "report.yaml.py is FileNotFoundError, not 0123456789abcdef" in done.message


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="an empty text"),
        pytest.param("no JSON", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param('{"digest": 7}', id="no digest"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_an_answer_that_is_none_is_inconclusive(world: World, answer: str | None) -> None:
    world.dag.returns = lambda _conf: answer

    done = world.smoke()

    assert done.verdict == "inconclusive", done
    assert "nothing that the probe returns" in done.message


@pytest.mark.parametrize(
    "answer",
    [
        {"digest": "0" * 16},
        {"digest": "0" * 16, "differ": [], "files": {}},
        {"digest": "0" * 16, "differ": {"team/etl.py": 7, "no such": ["x"]}, "waited": "long"},
    ],
)
def test_a_wrong_digest_fails_whatever_else_is_said(
    world: World, answer: dict[str, object]
) -> None:
    world.dag.returns = lambda _conf: json.dumps(answer)

    assert world.smoke().verdict == "fail"


def test_an_answer_that_may_not_be_read_is_inconclusive_with_the_permission(world: World) -> None:
    world.airflow.answers(403, path="/xcomEntries/", times=0)

    done = world.smoke()

    assert done.verdict == "inconclusive", done
    assert "needs can_read on XComs" in done.message


def test_a_mount_that_lags_is_waited_for_at_most_half_of_the_runs_deadline(world: World) -> None:
    world.plan = replace(world.plan, verify=replace(world.plan.verify, mount_lag=120.0))

    world.smoke()

    assert world.conf["wait"] == 30.0


def test_a_conf_of_somebody_elses_cannot_lead_out_of_the_folder(worker: Worker) -> None:
    asked = {"/etc/passwd": ["root"], "../../secret": ["x"]}

    answer = json.loads(worker.look({"files": asked}))

    assert answer["differ"] == {"/etc/passwd": ["outside"], "../../secret": ["outside"]}


def test_a_probe_that_lies_deeper_still_counts_from_the_dags_folder(worker: Worker) -> None:
    worker.module["__file__"] = str(worker.folder / "team" / "deep" / "fermata_probe.py")

    answer = json.loads(
        worker.look({"own": "team/deep/fermata_probe.py", "files": {"team/etl.py": ["etl"]}})
    )

    assert answer["differ"] == {}
