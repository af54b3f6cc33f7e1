"""verify against an Airflow that speaks HTTP: what passes, what fails, and when."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.handoff import Handoff, source_digest, take_baseline
from fermata_hooks.verification import Verification, verify
from fermata_spec.dagset import DagSetStatus, Verified
from fermata_spec.errors import InconclusiveError, RejectedError
from fermata_spec.plan import Plan, PlannedDag, VerifyPolicy
from fermata_spec.report import Check

OLD, NEW = "0" * 16, "1" * 16
POLICY = VerifyPolicy(deadline=120.0, settle=10.0)
TRACE = 'Traceback:\n  File "/dags/etl.py", line 3, in <module>\nModuleNotFoundError: no nowhere\n'


def planned(dag_id: str, digest: str = OLD) -> PlannedDag:
    return PlannedDag(
        dag_id=dag_id,
        digest=digest,
        file=f"{dag_id}.py",
        evidence="doc_md",
        source=f"dags/{dag_id}.yaml",
    )


def held() -> None:
    """Say that the hold is in force."""


class World:
    """An Airflow with the DAGs ``etl`` and ``report``, of which the plan changes ``etl``."""

    def __init__(self, airflow: FakeAirflow, clock: ScriptedClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        self.plan = Plan(
            application="shop",
            revision="a" * 40,
            airflow_url=airflow.url,
            dags=(planned("etl", NEW), planned("report")),
            verify=POLICY,
        )
        self.status = DagSetStatus(
            verified=Verified(
                revision="b" * 40, at="", evidence="doc_md", digests={"etl": OLD, "report": OLD}
            )
        )
        for dag_id in ("etl", "report"):
            airflow.add_dag(dag_id, file=f"{dag_id}.py", doc_md=f"fermata:{OLD}")
        self.handoff: Handoff | None = take_baseline(api, self.plan, ["etl"], clock)
        airflow.requests.clear()
        clock.each_nap = self.beat

    def beat(self) -> None:
        """Let every component that is alive say so."""
        for component in self.airflow.health.values():
            if component.status == "healthy":
                component.heartbeat = self.clock.now()

    def parse(self, dag_id: str, digest: str) -> None:
        """Let Airflow parse a good file of ``dag_id`` with this digest."""
        airflow = self.airflow
        airflow.import_errors = [e for e in airflow.import_errors if e.file != f"{dag_id}.py"]
        dag = airflow.dags.get(dag_id) or airflow.add_dag(dag_id, file=f"{dag_id}.py")
        dag.doc_md, dag.is_stale, dag.has_import_errors = f"fermata:{digest}", False, False
        dag.last_parsed_time = self.clock.now()

    def fail_to_parse(self, file: str = "etl.py", trace: str = TRACE) -> None:
        """Let Airflow fail to import ``file``, again if it has failed before."""
        for error in self.airflow.import_errors:
            if error.file == file:
                error.timestamp, error.stack_trace = self.clock.now(), trace
                return
        self.airflow.add_import_error(file, trace)

    def arrives(self, seconds: float, dag_id: str = "etl") -> None:
        """Let the new revision of ``dag_id`` be parsed after ``seconds``."""
        self.clock.after(seconds, lambda: self.parse(dag_id, NEW))

    def verify(self, *, still_held: Callable[[], None] = held) -> Verification:
        return verify(
            self.api,
            self.plan,
            handoff=self.handoff,
            status=self.status,
            clock=self.clock,
            still_held=still_held,
        )


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


only_3 = pytest.mark.parametrize("version", ["3.3.2"], indirect=True)
only_2 = pytest.mark.parametrize("version", ["2.11.2"], indirect=True)


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)


def outcomes(done: Verification) -> dict[str, str]:
    return {dag.dag_id: dag.done for dag in done.dags}


def test_passes_once_the_new_revision_was_seen_and_has_settled(world: World) -> None:
    world.arrives(5)

    done = world.verify()

    assert done.verdict == "pass"
    assert "1 of 1 changed DAG shown by Airflow (doc_md 1)" in done.message
    assert 15 <= world.clock.elapsed <= 18
    assert outcomes(done) == {"etl": "parsed"}


def test_the_old_revision_never_passes_however_often_it_is_parsed(world: World) -> None:
    for seconds in range(5, 200, 5):
        world.clock.after(seconds, lambda: world.parse("etl", OLD))

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "not shown: etl" in done.message
    assert 120 <= world.clock.elapsed < 125
    assert outcomes(done) == {"etl": "not shown"}


def test_a_new_import_error_fails_early_with_file_and_error(world: World) -> None:
    for seconds in (2, 7, 14, 30):
        world.clock.after(seconds, world.fail_to_parse)

    done = world.verify()

    assert done.verdict == "fail"
    assert "etl.py line 3: ModuleNotFoundError: no nowhere" in done.message
    assert "(DAG etl, dags/etl.yaml)" in done.message
    assert "ModuleNotFoundError: no nowhere" in check(done, "import errors").lines
    assert world.clock.elapsed < 20
    assert outcomes(done) == {"etl": "cannot be imported"}
    assert done.failed == ("etl",)


def test_verify_asks_for_the_parse_that_confirms_an_error(world: World) -> None:
    world.airflow.on_parse = lambda file: world.fail_to_parse(file) if file == "etl.py" else None

    done = world.verify()

    assert done.verdict == "fail"
    assert 10 <= world.clock.elapsed <= 13


def test_an_import_error_of_a_moment_is_forgiven(world: World) -> None:
    world.clock.after(2, world.fail_to_parse)
    world.arrives(6)

    assert world.verify().verdict == "pass"


def test_an_error_in_a_file_that_no_plan_knows_fails_too(world: World) -> None:
    world.arrives(1)
    for seconds in (3, 8, 15, 22):
        world.clock.after(seconds, lambda: world.fail_to_parse("shared.py"))

    done = world.verify()

    assert done.verdict == "fail"
    assert done.message.startswith("shared.py") or "/shared.py" in done.message
    assert done.failed == ()


def test_an_old_import_error_is_named_and_passes(world: World) -> None:
    world.fail_to_parse("theirs.py")
    world.handoff = take_baseline(world.api, world.plan, ["etl"], world.clock)
    world.arrives(1)
    world.clock.after(3, lambda: world.fail_to_parse("theirs.py"))

    done = world.verify()

    assert done.verdict == "pass"
    assert "1 old one as before" in check(done, "import errors").message


def test_a_retry_of_the_revision_that_broke_a_file_does_not_take_it_for_old(world: World) -> None:
    world.fail_to_parse()
    world.handoff = take_baseline(
        world.api, world.plan, ["etl"], world.clock, previous=world.handoff
    )
    for seconds in (5, 15):
        world.clock.after(seconds, world.fail_to_parse)

    assert world.verify().verdict == "fail"


def test_a_revert_is_judged_by_what_airflow_shows_not_by_what_passed_once(world: World) -> None:
    world.plan = replace(world.plan, dags=(planned("etl"), planned("report")))
    world.status = replace(world.status, unproven=("etl",))
    world.parse("etl", NEW)
    world.clock.after(7, lambda: world.parse("etl", OLD))

    done = world.verify()

    assert done.verdict == "pass"
    assert world.clock.elapsed >= 17


def test_a_missing_dag_is_waited_for_and_fails_at_the_deadline(world: World) -> None:
    world.plan = replace(world.plan, dags=(*world.plan.dags, planned("extra", NEW)))
    world.handoff = take_baseline(world.api, world.plan, ["etl", "extra"], world.clock)
    world.arrives(1)

    done = world.verify()

    assert done.verdict == "fail"
    assert "1 missing: extra (dags/extra.yaml)" in done.message
    assert 120 <= world.clock.elapsed < 125
    assert outcomes(done) == {"etl": "parsed", "extra": "missing"}


@only_3
def test_a_request_for_any_file_of_the_bundle_brings_new_files_at_once(world: World) -> None:
    world.plan = replace(world.plan, dags=(*world.plan.dags, planned("extra", NEW)))
    world.handoff = take_baseline(world.api, world.plan, ["etl", "extra"], world.clock)

    def scan(_file: str) -> None:
        world.parse("etl", NEW)
        world.parse("extra", NEW)

    world.airflow.on_parse = scan

    assert world.verify().verdict == "pass"
    assert world.clock.elapsed < 14


@only_2
def test_on_airflow_2_new_files_wait_for_the_scan_and_the_report_says_so(world: World) -> None:
    world.plan = replace(world.plan, dags=(*world.plan.dags, planned("extra", NEW)))
    world.handoff = take_baseline(world.api, world.plan, ["etl", "extra"], world.clock)
    world.arrives(1)

    done = world.verify()

    assert "dag_dir_list_interval" in check(done, "settle").message


@pytest.mark.parametrize("told", [True, False], ids=["another text", "its text"])
def test_on_airflow_2_a_text_that_is_not_shown_is_told_with_what_may_hide_it(
    world: World, version: str, *, told: bool
) -> None:
    text = "print('new')\n"
    changed = replace(planned("etl"), evidence="source", source_digest=source_digest(text))
    world.plan = replace(world.plan, dags=(replace(changed, digest=NEW), planned("report")))
    world.airflow.dags["etl"].source = "print('old')\n" if told else text

    done = world.verify()

    note = "give files the time of the build" in check(done, "settle").message
    assert note is (told and version == "2.11.2")


@only_3
def test_without_any_dag_new_files_wait_for_the_scan_and_the_report_says_so(world: World) -> None:
    world.airflow.dags.clear()
    world.handoff = take_baseline(world.api, world.plan, ["etl", "report"], world.clock)

    done = world.verify()

    assert done.verdict == "fail"
    assert "refresh_interval" in check(done, "settle").message


def test_a_large_loss_is_a_hard_stop_that_is_said_first(world: World) -> None:
    for number in range(8):
        world.airflow.add_dag(f"theirs{number}")
    world.handoff = take_baseline(world.api, world.plan, ["etl"], world.clock)

    def lose() -> None:
        for number in range(4):
            world.airflow.dags[f"theirs{number}"].is_stale = True

    world.clock.after(3, lose)

    done = world.verify()

    assert done.verdict == "fail"
    assert done.message.startswith("4 DAGs lost (40.0%, more than 5.0%): theirs0")
    assert world.clock.elapsed < 25


def test_a_loss_of_a_moment_is_forgiven(world: World) -> None:
    world.airflow.add_dag("theirs")
    world.handoff = take_baseline(world.api, world.plan, ["etl"], world.clock)
    theirs = world.airflow.dags["theirs"]
    world.clock.after(3, lambda: setattr(theirs, "is_stale", True))
    world.clock.after(8, lambda: setattr(theirs, "is_stale", False))
    world.arrives(5)

    assert world.verify().verdict == "pass"


def test_a_removed_dag_is_proven_by_its_absence(world: World) -> None:
    world.plan = replace(world.plan, dags=(planned("report"),))
    world.handoff = take_baseline(world.api, world.plan, ["etl"], world.clock)
    world.clock.after(6, lambda: setattr(world.airflow.dags["etl"], "is_stale", True))

    done = world.verify()

    assert done.verdict == "pass"
    assert world.clock.elapsed >= 16
    assert outcomes(done) == {"etl": "removed"}


def test_green_must_hold_for_the_whole_settle_window(world: World) -> None:
    world.arrives(1)
    report = world.airflow.dags["report"]
    world.clock.after(8, lambda: setattr(report, "is_stale", True))
    world.clock.after(20, lambda: setattr(report, "is_stale", False))
    world.plan = replace(world.plan, verify=replace(POLICY, max_lost=1.0))

    done = world.verify()

    assert done.verdict == "pass"
    assert world.clock.elapsed >= 30


def test_what_turns_good_just_before_the_deadline_may_settle(world: World) -> None:
    world.arrives(115)

    assert world.verify().verdict == "pass"
    assert 125 <= world.clock.elapsed < 135


@only_3
def test_a_crashed_dag_processor_never_passes_however_green_the_rest(world: World) -> None:
    world.arrives(1)
    world.airflow.health["dag_processor"].status = "unhealthy"

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "dag_processor is unhealthy" in done.message


def test_a_heartbeat_that_stops_never_passes(world: World) -> None:
    world.arrives(70)
    world.clock.each_nap = lambda: None

    assert world.verify().verdict == "inconclusive"


def test_an_airflow_that_restarts_meanwhile_is_waited_for(world: World) -> None:
    world.airflow.answers(502, path="/dags", times=12, body=b"<html>Bad gateway</html>")
    world.arrives(3)

    assert world.verify().verdict == "pass"


def test_an_airflow_that_never_answers_is_inconclusive(world: World) -> None:
    world.airflow.answers(503, path="/dags", times=0)

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "no answer" in done.message


def test_dags_that_may_not_be_read_end_it_at_once(world: World) -> None:
    world.airflow.accounts.denied.add("/dags")

    with pytest.raises(RejectedError):
        world.verify()


def test_import_errors_that_may_not_be_read_are_inconclusive(world: World) -> None:
    world.arrives(1)
    world.airflow.accounts.denied.add("importErrors")

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "can_read on ImportError" in done.message
    assert world.clock.elapsed < 20


def test_an_account_that_may_not_ask_for_parses_only_waits_longer(world: World) -> None:
    world.arrives(4)
    world.airflow.accounts.denied.add("parseDagFile")

    done = world.verify()

    assert done.verdict == "pass"
    assert "Airflow was not asked to parse" in check(done, "settle").message


def test_a_hold_that_somebody_else_ended_is_inconclusive(world: World) -> None:
    def gone() -> None:
        raise InconclusiveError("shop: the hold was ended")

    with pytest.raises(InconclusiveError):
        world.verify(still_held=gone)


def test_nothing_touched_asks_nothing(world: World) -> None:
    world.handoff = take_baseline(world.api, world.plan, (), world.clock)
    world.airflow.requests.clear()

    done = world.verify()

    assert (done.verdict, done.touched) == ("pass", False)
    assert world.airflow.requests == []


def test_without_a_handoff_what_needs_no_baseline_can_pass(world: World) -> None:
    world.handoff = None
    world.arrives(2)

    assert world.verify().verdict == "pass"


def test_without_a_handoff_a_strange_error_is_neither_old_nor_new(world: World) -> None:
    world.handoff = None
    world.fail_to_parse("theirs.py")
    world.arrives(2)

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "without a baseline" in done.message


def test_a_thousand_dags_cost_at_most_twenty_requests_a_look(world: World) -> None:
    for number in range(1000):
        world.airflow.add_dag(f"other{number}")
    world.handoff = take_baseline(world.api, world.plan, ["etl"], world.clock)
    world.arrives(3)
    world.airflow.requests.clear()

    done = world.verify()

    looks = check(done, "settle").numbers["looks"]
    assert done.verdict == "pass"
    assert len(world.airflow.requests) <= 20 * int(looks)
