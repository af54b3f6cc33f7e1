"""smoke against an Airflow that speaks HTTP: what is started, joined, explained and cancelled."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.smoke import SmokeResult, run_id, smoke
from fermata_hooks.termination import Termination
from fermata_spec.errors import InconclusiveError, TerminatedError, UnavailableError
from fermata_spec.placeholders import NAMES
from fermata_spec.plan import Plan, SmokeDag, SmokePolicy

SYNC = 1_800_000_000.5
RUN = "fermata-shop-aaaaaaaaaaaa-1800000000"


def held() -> None:
    """Say that the hold is in force."""


class World:
    """An Airflow with the smoke DAG ``probe``, which succeeds, and a plan that runs it."""

    def __init__(self, airflow: FakeAirflow, clock: ScriptedClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        self.termination = Termination()
        self.plan = Plan(
            application="shop",
            revision="a" * 40,
            airflow_url=airflow.url,
            dags=(),
            smoke=SmokePolicy(
                deadline=300.0, dags=(SmokeDag(dag_id="probe", conf={"rows": 3}, deadline=60.0),)
            ),
        )
        self.sync: float | None = SYNC
        airflow.add_dag("probe", is_paused_upon_creation=False)

    def smoke(self, *, still_held: Callable[[], None] = held) -> SmokeResult:
        return smoke(
            self.api,
            self.plan,
            sync=self.sync,
            clock=self.clock,
            termination=self.termination,
            still_held=still_held,
        )

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each run by its id."""
        return {run.run_id: run.state for run in self.airflow.runs.values()}

    def stays(self, *states: str, tasks: str | None = None) -> None:
        """Let runs of ``probe`` go through ``states`` and then no further."""
        self.airflow.dags["probe"].run_states = states
        if tasks:
            self.clock.each_nap = lambda: self._set_tasks(tasks)

    def _set_tasks(self, state: str) -> None:
        for task in self.airflow.tasks:
            task.state = None if state == "none" else state


@pytest.fixture(params=["3.3.2", "2.11.2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(version: str, tmp_path: Path) -> Iterator[World]:
    clock = ScriptedClock()
    with FakeAirflow(version, now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            yield World(airflow, clock, api)


def test_a_run_that_succeeds_passes_under_a_name_of_ours_with_the_conf_of_the_plan(
    world: World,
) -> None:
    done = world.smoke()

    assert done.verdict == "pass"
    assert done.message.startswith("probe: success in ")
    run = world.airflow.runs["probe", RUN]
    assert (run.state, run.conf) == ("success", {"rows": 3})
    assert run.note == f"Fermata smoke of shop at {'a' * 40}"


def test_placeholders_of_the_conf_are_replaced_by_what_the_plan_says(world: World) -> None:
    conf = {"schema": "t_{revision12}", "asked": ["{application}/{dag_id} {run_id}"]}
    dags = (SmokeDag(dag_id="probe", conf=conf, deadline=60.0),)
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, dags=dags))

    world.smoke()

    run = world.airflow.runs["probe", RUN]
    assert run.conf == {"schema": f"t_{'a' * 12}", "asked": [f"shop/probe {RUN}"]}


def test_every_placeholder_that_lint_lets_pass_has_a_value(world: World) -> None:
    conf = {name: f"{{{name}}}" for name in NAMES}
    dags = (SmokeDag(dag_id="probe", conf=conf, deadline=60.0),)
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, dags=dags))

    world.smoke()

    run = world.airflow.runs["probe", RUN]
    assert not [value for value in run.conf.values() if "{" in str(value)]


def test_without_smoke_dags_it_says_plainly_that_nothing_was_run(world: World) -> None:
    world.plan = replace(world.plan, smoke=SmokePolicy())

    done = world.smoke()

    assert (done.verdict, done.message) == ("pass", "no smoke DAG in the plan: nothing was run")
    assert world.airflow.requests == []


def test_a_failure_names_the_first_failing_task_and_shows_the_end_of_its_log(world: World) -> None:
    dag = world.airflow.dags["probe"]
    dag.run_states = ("queued", "running", "failed")
    dag.tasks = ("extract", "load")
    dag.log = ["start", "password=hunter2", "ValueError: 3 rows expected", "Task exited"]

    done = world.smoke()

    assert done.verdict == "fail"
    assert done.failed == ("probe",)
    assert "probe: task load failed: " in done.message
    assert "ValueError: 3 rows expected" in done.message
    lines = "\n".join(done.checks[0].lines)
    assert "ValueError: 3 rows expected" in lines
    assert "hunter2" not in lines


def test_a_repeat_joins_the_run_that_is_under_way(world: World) -> None:
    world.api.trigger("probe", run_id=RUN, conf={}, note="")

    done = world.smoke()

    assert done.verdict == "pass"
    assert world.states == {RUN: "success"}


def test_a_repeat_takes_a_success_of_this_sync_for_its_own(world: World) -> None:
    world.smoke()
    posts = len(world.airflow.sent("POST", "/dagRuns"))

    assert world.smoke().verdict == "pass"
    assert len(world.states) == 1
    assert len(world.airflow.sent("POST", "/dagRuns")) == posts + 1


def test_a_run_that_was_cancelled_by_a_killed_hook_is_followed_by_another(world: World) -> None:
    world.api.trigger("probe", run_id=RUN, conf={}, note="")
    world.api.set_run_state("probe", RUN, "failed")

    done = world.smoke()

    assert done.verdict == "pass"
    assert world.states == {RUN: "failed", run_id(world.plan, 1_800_000_001): "success"}


def test_another_sync_of_the_same_revision_runs_again(world: World) -> None:
    world.smoke()
    world.sync = SYNC + 3600

    assert world.smoke().verdict == "pass"
    assert len(world.states) == 2


def test_a_new_dag_that_airflow_paused_is_inconclusive_at_once_with_the_reason(
    world: World,
) -> None:
    world.airflow.dags["probe"].is_paused = True
    world.airflow.dags["probe"].is_paused_upon_creation = None

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "say is_paused_upon_creation=False" in done.message
    assert world.states == {}
    assert world.clock.elapsed == 0


def test_a_dag_that_a_person_paused_is_inconclusive_with_another_reason(world: World) -> None:
    world.airflow.dags["probe"].is_paused = True

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "paused by somebody" in done.message


def test_a_smoke_dag_that_is_not_there_fails_and_nothing_is_started(world: World) -> None:
    smoke_dags = (*world.plan.smoke.dags, SmokeDag(dag_id="gone"))
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, dags=smoke_dags))

    done = world.smoke()

    assert (done.verdict, done.message) == ("fail", "gone: not in Airflow")
    assert world.states == {}


@pytest.mark.parametrize(
    ("states", "tasks", "verdict", "told"),
    [
        pytest.param(
            ("queued",), "none", "inconclusive", "the scheduler has not started it", id="run queued"
        ),
        pytest.param(("queued", "running"), "queued", "inconclusive", "has taken it", id="queued"),
        pytest.param(
            ("queued", "running"),
            "scheduled",
            "inconclusive",
            "pool default_pool is not full (128 of 128 free)",
            id="scheduled",
        ),
        pytest.param(("queued", "running"), "running", "fail", "still runs", id="running"),
    ],
)
def test_a_run_that_does_not_end_is_explained_and_cancelled(
    world: World, states: tuple[str, ...], tasks: str, verdict: str, told: str
) -> None:
    world.stays(*states, tasks=tasks)

    done = world.smoke()

    assert done.verdict == verdict
    assert told in done.message
    assert 60 <= world.clock.elapsed < 70
    assert world.states == {RUN: "failed"}


def test_a_task_that_waits_for_a_full_pool_names_it(world: World) -> None:
    world.airflow.dags["probe"].pool = "narrow"
    world.airflow.pools["narrow"] = 0
    world.stays("queued", "running", tasks="scheduled")

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "waits for a slot: pool narrow is full (0 slot(s), none free)" in done.message


def test_a_task_in_a_pool_that_is_not_there_names_it(world: World) -> None:
    world.airflow.dags["probe"].pool = "gone"
    world.stays("queued", "running", tasks="scheduled")

    assert "there is no pool gone" in world.smoke().message


def test_a_task_that_no_worker_takes_names_its_queue(world: World) -> None:
    world.airflow.dags["probe"].queue = "spark"
    world.stays("queued", "running", tasks="queued")

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "no worker of queue spark has taken it" in done.message


def test_a_scheduler_that_is_dead_is_named(world: World) -> None:
    world.airflow.health["scheduler"].status = "unhealthy"
    world.stays("queued", tasks="none")

    assert "(the scheduler is not alive)" in world.smoke().message


def test_other_runs_of_the_dag_are_named_where_its_own_is_not_started(world: World) -> None:
    world.api.trigger("probe", run_id="manual-by-ann", conf={}, note="")
    world.stays("queued", tasks="none")

    assert "1 other run(s) of this DAG are active" in world.smoke().message


def test_a_reason_that_may_not_be_read_is_told_as_unknown(world: World) -> None:
    world.stays("queued", "running", tasks="scheduled")
    world.airflow.answers(403, method="GET", path="/pools/", times=0)

    assert "how full pool default_pool is cannot be told" in world.smoke().message


def test_a_dag_that_is_paused_after_its_run_was_triggered_is_recognised(world: World) -> None:
    world.stays("queued")
    world.clock.after(5, lambda: world.airflow.person_pauses("probe"))

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "paused after its run was triggered" in done.message


def test_the_deadline_for_all_ends_what_its_own_would_not(world: World) -> None:
    world.stays("queued", "running", tasks="running")
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, deadline=20.0))

    assert world.smoke().verdict == "fail"
    assert world.clock.elapsed < 30


def test_sigterm_cancels_our_runs_and_no_other(world: World) -> None:
    world.stays("queued", "running")
    world.api.trigger("probe", run_id="manual-by-ann", conf={}, note="")

    def terminate() -> None:
        world.termination.request()
        raise TerminatedError("terminated by SIGTERM")

    world.clock.after(5, terminate)

    with pytest.raises(TerminatedError):
        world.smoke()

    assert world.states == {RUN: "failed", "manual-by-ann": "queued"}


def test_a_hold_that_ends_meanwhile_cancels_our_runs(world: World) -> None:
    world.stays("queued", "running")

    def gone() -> None:
        if world.clock.elapsed > 5:
            raise InconclusiveError("shop: the hold was ended")

    with pytest.raises(InconclusiveError):
        world.smoke(still_held=gone)

    assert world.states == {RUN: "failed"}


def test_an_airflow_that_restarts_meanwhile_is_waited_for(world: World) -> None:
    world.airflow.answers(503, method="GET", path="/dagRuns/", times=8)

    assert world.smoke().verdict == "pass"


def test_an_airflow_that_does_not_come_back_is_inconclusive(world: World) -> None:
    world.clock.after(
        3, lambda: world.airflow.answers(503, method="GET", path="/dagRuns/", times=0)
    )
    world.stays("queued", "running")

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "no answer" in done.message


def test_a_run_that_could_not_be_started_for_certain_is_cancelled(world: World) -> None:
    world.airflow.loses(method="POST", path="/dagRuns", times=0, effect="now")

    with pytest.raises(UnavailableError):
        world.smoke()

    assert world.states == {RUN: "failed"}


def test_names_of_runs_hold_only_what_airflow_takes(world: World) -> None:
    plan = replace(world.plan, application="team/ä b" + "x" * 300)

    name = run_id(plan, 7)

    assert name.startswith("fermata-team---b")
    assert name.endswith("-aaaaaaaaaaaa-7")
    assert len(name) < 200


@pytest.mark.parametrize("version", ["3.3.2"], indirect=True)
def test_a_run_on_an_older_version_of_the_dag_is_no_proof(world: World) -> None:
    dag = world.airflow.dags["probe"]
    world.api.trigger("probe", run_id=RUN, conf={}, note="")  # by an earlier attempt of this sync
    dag.version_number = 2

    done = world.smoke()

    assert done.verdict == "inconclusive"
    assert "on version 1 of the DAG, and 2 was the latest" in done.message


def several(world: World, *dag_ids: str, **policy: int) -> None:
    """Let the plan run these DAGs."""
    for dag_id in dag_ids:
        world.airflow.add_dag(dag_id, is_paused_upon_creation=False)
    dags = tuple(SmokeDag(dag_id=dag_id, deadline=60.0) for dag_id in dag_ids)
    world.plan = replace(world.plan, smoke=SmokePolicy(deadline=300.0, dags=dags, **policy))


def test_no_more_run_at_once_than_is_set(world: World) -> None:
    several(world, "a", "b", "c", "d", "e", at_once=2)
    most = 0

    def count() -> None:
        nonlocal most
        under_way = [run for run in world.airflow.runs.values() if run.end is None]
        most = max(most, len(under_way))

    world.clock.each_nap = count

    done = world.smoke()

    assert done.verdict == "pass"
    assert len(done.checks) == 5
    assert most == 2


def test_one_that_never_gets_its_turn_is_inconclusive(world: World) -> None:
    several(world, "a", "b", at_once=1)
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, deadline=20.0))
    world.airflow.dags["a"].run_states = ("queued", "running")

    done = world.smoke()

    assert {check.name: check.verdict for check in done.checks} == {
        "smoke a": "fail",
        "smoke b": "inconclusive",
    }
    assert "b: not begun within 20s: 1 at once" in done.checks[1].message
    assert list(world.states.values()) == ["failed"]


def test_a_dag_that_is_skipped_is_not_run_and_its_reason_is_recorded(world: World) -> None:
    skipped = SmokeDag(dag_id="heavy", skip="the warehouse moves until Friday")
    smoke = world.plan.smoke
    world.plan = replace(world.plan, smoke=replace(smoke, dags=(*smoke.dags, skipped)))

    done = world.smoke()

    assert done.verdict == "pass"
    assert "heavy: not run: the warehouse moves until Friday" in done.message
    assert len(world.airflow.runs) == 1


def test_a_pass_says_on_which_version_it_ran_or_that_airflow_does_not_tell(
    world: World, version: str
) -> None:
    done = world.smoke()

    told = "on version 1 of the DAG" if version == "3.3.2" else "that this Airflow does not tell"
    assert told in done.message


@pytest.mark.parametrize("version", ["3.3.2"], indirect=True)
@pytest.mark.parametrize(
    ("commit", "verdict"), [("a" * 40, "pass"), ("b" * 40, "inconclusive"), (None, "pass")]
)
def test_a_run_of_a_git_bundle_is_of_this_commit(
    world: World, commit: str | None, verdict: str
) -> None:
    world.plan = replace(world.plan, delivery="git-bundle")
    world.airflow.dags["probe"].bundle_version = commit

    done = world.smoke()

    assert done.verdict == verdict, done


def old_runs(world: World, *names: str, state: str = "success") -> None:
    for number, name in enumerate(names):
        world.airflow.runs["probe", name] = FakeRun(
            dag_id="probe", run_id=name, state=state, start=float(number)
        )


def keeping(world: World, number: int) -> None:
    world.plan = replace(world.plan, smoke=replace(world.plan.smoke, keep=number))


def test_old_runs_of_ours_are_removed_down_to_the_set_number(world: World) -> None:
    old_runs(world, *(f"fermata-shop-{number:012}-1" for number in range(5)))
    keeping(world, 3)

    done = world.smoke()

    assert done.verdict == "pass"
    kept = [f"fermata-shop-{number:012}-1" for number in (3, 4)]
    assert sorted(world.states) == [*kept, RUN]
    assert done.checks[-1].message == "3 old run(s) removed, 3 kept for each smoke DAG"


def test_runs_of_others_and_those_under_way_are_never_removed(world: World) -> None:
    others = ["manual-by-ann", "fermata-shop-eu-000000000001-1", "scheduled__2026"]
    old_runs(world, *others)
    old_runs(world, "fermata-shop-000000000001-1", state="running")
    keeping(world, 1)

    world.smoke()

    assert set(world.states) == {RUN, *others, "fermata-shop-000000000001-1"}


def test_without_a_set_number_nothing_is_asked_and_nothing_removed(world: World) -> None:
    old_runs(world, "fermata-shop-000000000001-1")

    world.smoke()

    assert len(world.airflow.runs) == 2
    assert world.airflow.sent("DELETE") == []


def test_what_may_not_be_removed_is_said_and_passes(world: World) -> None:
    old_runs(world, *(f"fermata-shop-{number:012}-1" for number in range(3)))
    keeping(world, 1)
    world.airflow.answers(403, method="DELETE", times=0)

    done = world.smoke()

    assert done.verdict == "pass"
    assert "needs can_delete on DAG Runs" in done.checks[-1].message
