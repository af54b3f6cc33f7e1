"""Smoke on a real Airflow: what is started, joined, capped, explained, cancelled and removed.

Also the probe, as the renderer makes it, on files that lie as a kubelet lays them out.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from airflow_person import Person
from fermata_hooks.airflow_api import AirflowApi, DagRun, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.demo.volume import write_volume
from fermata_hooks.smoke import SmokeResult, run_id, smoke
from fermata_hooks.termination import Termination
from fermata_plugin.planning import Identity
from fermata_plugin.render import compile_checkout
from fermata_spec.plan import Plan, SmokeDag, SmokePolicy, VerifyPolicy, dump_plan
from workplaces import fermata

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

PATIENCE = 150.0
LONG = 25  # seconds that a task runs which is not to end
DAGS = """\
import time
from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow.decorators import task
    from airflow.models import DAG


@task
def quick(dag_run=None):
    wanted = dag_run.conf.get("run", dag_run.run_id)
    if wanted != dag_run.run_id:
        raise ValueError("the conf says %s" % wanted)


@task
def slow():
    time.sleep({long})


@task(pool="runs_narrow")
def narrow():
    pass


TASKS = dict.fromkeys(("quick", "quick_b", "quick_c"), quick) | {{
    "slow": slow,
    "narrow": narrow,
    "paused_later": narrow,
}}
for name, work in TASKS.items():
    with DAG(
        f"runs_{{name}}",
        schedule=None,
        start_date=datetime(2024, 1, 1),
        is_paused_upon_creation=False,
    ) as dag:
        work()
    globals()[name] = dag
"""
ETL = "from airflow.models.dag import DAG\n\ndag = DAG('runs_etl', schedule=None)\n# {}\n"
FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/*"], mount: runs_volume}
verify: {mount_lag: 2s}
smoke: {probe: {pools: [default_pool], queues: [default], dag_id: runs_probe, deadline: 2m}}
"""


class Scene:
    """An Airflow with the DAGs, and a way to run smoke on it."""

    def __init__(self, airflow: RunningAirflow, api: AirflowApi) -> None:
        self.airflow, self.api = airflow, api
        self.clock = SystemClock(Termination())

    def plan(self, *dags: SmokeDag | str, **policy: float) -> Plan:
        whole = tuple(
            SmokeDag(dag_id=dag, deadline=PATIENCE) if isinstance(dag, str) else dag for dag in dags
        )
        settings = {"deadline": PATIENCE, **policy}
        return Plan(
            application=f"runs-{time.time_ns()}",  # so that no run is another test's
            revision="a" * 40,
            airflow_url="",
            dags=(),
            smoke=SmokePolicy(dags=whole, **settings),  # type: ignore[arg-type]
        )

    def smoke(
        self, plan: Plan, *, sync: float = 1.0, still_held: Callable[[], None] = lambda: None
    ) -> SmokeResult:
        return smoke(
            self.api,
            plan,
            sync=sync,
            clock=self.clock,
            termination=Termination(),
            still_held=still_held,
        )

    def run(self, dag_id: str, plan: Plan, number: int = 1) -> DagRun:
        run = self.api.dag_run(dag_id, run_id(plan, number))
        assert run is not None
        return run

    def runs_of(self, dag_id: str, plan: Plan) -> list[str]:
        prefix = f"fermata-{plan.application}-"
        runs = self.api.history.runs(dag_id)
        return sorted(run.run_id for run in runs if run.run_id.startswith(prefix))

    def eventually(self, look: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < end, self.airflow.log_tail()
            time.sleep(0.3)


@pytest.fixture(scope="module")
def scene(airflow: RunningAirflow) -> Iterator[Scene]:
    (airflow.dags_folder / "runs.py").write_text(DAGS.format(long=LONG))
    pool = {"name": "runs_narrow", "slots": 0, "description": "full for ever"}
    if airflow.version.startswith("3."):
        pool["include_deferred"] = False
    Person(airflow, "ann").asks("POST", "/pools", pool)
    files = PasswordFiles(airflow.username_file, airflow.password_file)
    with AirflowApi(airflow.url, files, clock=SystemClock(Termination())) as api:
        scene = Scene(airflow, api)
        scene.eventually(lambda: api.dag_details("runs_paused_later") is not None)
        yield scene


def test_a_conf_is_filled_from_the_plan_and_a_run_has_a_reason_to_be_skipped(scene: Scene) -> None:
    dag = SmokeDag(dag_id="runs_quick", conf={"run": "{run_id}"}, deadline=PATIENCE)
    skipped = SmokeDag(dag_id="runs_slow", skip="the warehouse moves")

    plan = scene.plan(dag, skipped)
    done = scene.smoke(plan)

    assert done.verdict == "pass", done
    assert "runs_slow: not run: the warehouse moves" in done.message
    assert scene.runs_of("runs_slow", plan) == []


@pytest.mark.long
def test_no_more_run_at_once_than_is_set(scene: Scene) -> None:
    plan = scene.plan("runs_quick", "runs_quick_b", "runs_quick_c", at_once=1)

    done = scene.smoke(plan)

    assert done.verdict == "pass", done
    runs = [scene.run(dag.dag_id, plan) for dag in plan.smoke.dags]
    runs.sort(key=lambda run: run.start or 0.0)
    for earlier, later in pairwise(runs):
        assert earlier.end is not None
        assert later.start is not None
        assert earlier.end <= later.start


def test_a_repeat_joins_the_run_that_is_there(scene: Scene) -> None:
    plan = scene.plan("runs_quick")
    scene.api.trigger("runs_quick", run_id=run_id(plan, 1), conf={}, note="")

    first, again = scene.smoke(plan), scene.smoke(plan)

    assert (first.verdict, again.verdict) == ("pass", "pass")
    assert scene.runs_of("runs_quick", plan) == [run_id(plan, 1)]


@pytest.mark.long
def test_old_runs_are_removed_down_to_the_set_number(scene: Scene) -> None:
    plan = scene.plan("runs_quick", keep=2)
    mine = run_id(scene.plan("runs_quick"), 1)
    scene.api.trigger("runs_quick", run_id=mine, conf={}, note="")

    done = [scene.smoke(plan, sync=float(number)) for number in (1, 2, 3)]

    assert done[-1].checks[-1].message == "1 old run(s) removed, 2 kept for each smoke DAG"
    assert scene.runs_of("runs_quick", plan) == [run_id(plan, 2), run_id(plan, 3)]
    assert scene.api.dag_run("runs_quick", mine) is not None


def test_a_full_pool_is_recognised_and_the_run_is_cancelled(scene: Scene) -> None:
    plan = scene.plan(SmokeDag(dag_id="runs_narrow", deadline=15.0))

    done = scene.smoke(plan)

    assert done.verdict == "inconclusive", done
    assert "pool runs_narrow is full (0 slot(s), none free)" in done.message
    assert scene.run("runs_narrow", plan).state == "failed"


@pytest.mark.long
def test_a_dag_that_is_paused_while_its_run_waits_is_recognised(scene: Scene) -> None:
    plan = scene.plan(SmokeDag(dag_id="runs_paused_later", deadline=8.0))
    looks = iter(range(1000))

    def pause() -> None:
        if next(looks) == 2:
            scene.api.set_paused("runs_paused_later", paused=True)

    done = scene.smoke(plan, still_held=pause)

    assert done.verdict == "inconclusive", done
    assert "the DAG was paused after its run was triggered" in done.message


@pytest.mark.long
def test_a_run_past_its_own_deadline_fails_and_one_past_the_common_one_is_not_begun(
    scene: Scene,
) -> None:
    slow = SmokeDag(dag_id="runs_slow", deadline=PATIENCE)
    plan = scene.plan(slow, "runs_quick", at_once=1, deadline=8.0)

    done = scene.smoke(plan)

    first, second = done.checks
    assert first.verdict != "pass"  # a slow machine may not have begun its task
    assert first.message.startswith("runs_slow: ")
    assert scene.run("runs_slow", plan).state == "failed"
    assert second.verdict == "inconclusive"
    assert "runs_quick: not begun within 8.0s" in second.message
    assert scene.runs_of("runs_quick", plan) == []


@pytest.mark.long
def test_a_task_that_outlives_its_runs_deadline_is_told_and_ended(scene: Scene) -> None:
    plan = scene.plan(SmokeDag(dag_id="runs_slow", deadline=PATIENCE))
    began: list[float] = []

    def shorten() -> None:
        """Let the deadline pass once the task runs: how long that takes is the machine's."""
        if not began and scene.runs_of("runs_slow", plan):
            tasks = scene.api.run_task_instances("runs_slow", run_id(plan, 1))
            began.extend(time.monotonic() for task in tasks if task.state == "running")
            if began:
                object.__setattr__(plan.smoke.dags[0], "deadline", 0.1)

    done = scene.smoke(plan, still_held=shorten)

    assert done.verdict == "fail", done
    assert "task slow still runs" in done.message
    assert scene.run("runs_slow", plan).state == "failed"


def test_sigterm_ends_the_process_and_its_run(scene: Scene, tmp_path: Path) -> None:
    plan = scene.plan("runs_slow")
    file = tmp_path / "plan.json"
    file.write_text(dump_plan(plan))
    env = {
        "PATH": os.environ["PATH"],
        "FERMATA_PLAN": str(file),
        "FERMATA_LEDGER": f"file:{tmp_path}/ledger",
        "FERMATA_AIRFLOW_URL": scene.airflow.url,
        "FERMATA_AIRFLOW_USERNAME_FILE": str(scene.airflow.username_file),
        "FERMATA_AIRFLOW_PASSWORD_FILE": str(scene.airflow.password_file),
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(fermata("smoke"), env=env, stdout=pipe, stderr=pipe, text=True) as hook:
        scene.eventually(lambda: bool(scene.runs_of("runs_slow", plan)))
        hook.send_signal(signal.SIGTERM)
        _, told = hook.communicate(timeout=PATIENCE)

    assert hook.returncode == 143, told
    (mine,) = scene.runs_of("runs_slow", plan)
    run = scene.api.dag_run("runs_slow", mine)
    assert run is not None
    assert run.state == "failed"


@pytest.fixture(scope="module")
def rendered(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A checkout with a probe, rendered, laid out and parsed."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "dags").mkdir()
    (checkout / "fermata.yaml").write_text(FERMATA_YAML)
    (checkout / "dags" / "runs_etl.py").write_text(ETL.format("one"))
    made = compile_checkout(str(checkout), Identity("runs-probe", "b" * 40, "airflow"))
    assert made.problems == []
    assert made.plan is not None
    write_volume(
        scene.airflow.dags_folder / "runs_volume",
        {each.key: each.data for each in made.artifacts}
        | {".airflowignore": made.manifests[0]["data"][".airflowignore"].encode()},
    )
    scene.eventually(lambda: scene.api.dag_details("runs_probe") is not None)
    (dag,) = made.plan.smoke.dags
    policy = replace(made.plan.smoke, dags=(replace(dag, deadline=PATIENCE),))
    return replace(made.plan, smoke=policy)


def test_a_probe_returns_the_digest_of_what_its_worker_has(scene: Scene, rendered: Plan) -> None:
    done = scene.smoke(rendered)

    assert done.verdict == "pass", done
    assert "1 file(s) as in git on a worker of pool default_pool, queue default" in done.message
    (check,) = done.checks
    assert [line.split(":")[0] for line in check.lines] == ["pool default_pool", "queue default"]


def test_a_worker_whose_mount_has_an_older_revision_fails(scene: Scene, rendered: Plan) -> None:
    dags = tuple(
        replace(dag, source_digest="0" * 16) if dag.dag_id == "runs_etl" else dag
        for dag in rendered.dags
    )
    plan = replace(rendered, dags=dags, verify=VerifyPolicy(mount_lag=2.0))

    done = scene.smoke(plan, sync=2.0)

    assert done.verdict == "fail", done
    assert "has other files than git: runs_volume/runs_etl.py is " in done.message
    assert "not 0000000000000000 (1 of 1, after 2" in done.message
