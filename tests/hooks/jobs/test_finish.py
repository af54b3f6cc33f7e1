"""finish: proves, then gives back whatever came of it, and says the worst."""

import json
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # has no types of its own
import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.holding import Patience, read_status, release_hold
from fermata_hooks.jobs import finish as finish_module
from fermata_hooks.jobs.finish import preview_finish, run_finish, worst
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.release import after_failure
from fermata_spec.dagset import DagSetStatus
from fermata_spec.errors import (
    FermataError,
    InconclusiveError,
    RefusedError,
    RejectedError,
    TerminatedError,
    UnavailableError,
)
from fermata_spec.plan import (
    HoldPolicy,
    OnFailure,
    ReleasePolicy,
    SmokeDag,
    SmokePolicy,
    VerifyPolicy,
)
from fermata_spec.report import REPORT_SCHEMA, Report
from fermata_spec.selectors import Selector
from workplaces import OLD, Surroundings, changed, json_report, make_plan, new_report

QUICK = VerifyPolicy(deadline=60.0, settle=5.0)
SMOKE = SmokePolicy(deadline=60.0, dags=(SmokeDag(dag_id="probe", deadline=30.0),))
TRACE = 'Traceback:\n  File "/dags/etl.py", line 3, in <module>\nModuleNotFoundError: no nowhere\n'


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


class Sync:
    """A sync of a revision that changes ``etl`` beside ``load`` and the smoke DAG ``probe``."""

    def __init__(self, around: Surroundings, airflow: FakeAirflow, clock: ScriptedClock) -> None:
        self.around, self.airflow, self.clock = around, airflow, clock
        self.before = make_plan("etl", "load", "probe", revision=OLD, verify=QUICK, smoke=SMOKE)
        self.plan = changed(self.before, "etl")
        for dag in self.before.dags:
            airflow.add_dag(dag.dag_id, file=dag.file, doc_md=f"fermata:{dag.digest}")
        around.verified(self.before)
        clock.each_nap = self._beat

    def hold(self) -> None:
        run_hold(self.plan, self.around.place(), new_report(self.plan))

    def apply(self) -> None:
        """Let Airflow parse the new revision."""
        for dag in self.plan.dags:
            row = self.airflow.dags[dag.dag_id]
            row.doc_md, row.last_parsed_time = f"fermata:{dag.digest}", self.clock.now()

    def break_etl(self) -> None:
        """Let the new revision fail to import, at each parse anew."""

        def fails(_file: str = "") -> None:
            for error in self.airflow.import_errors:
                error.timestamp = self.clock.now()

        self.airflow.add_import_error("etl.py", TRACE)
        self.airflow.on_parse = fails

    def finish(self) -> Report:
        report = new_report(self.plan, "finish")
        run_finish(self.plan, self.around.place(), report)
        return report

    def finish_badly(self, kind: type[FermataError]) -> tuple[FermataError, Report]:
        report = new_report(self.plan, "finish")
        with pytest.raises(FermataError) as caught:
            run_finish(self.plan, self.around.place(), report)
        assert type(caught.value) is kind, caught.value
        return caught.value, report

    @property
    def status(self) -> DagSetStatus:
        return self.around.place().dagsets.read("demo")

    @property
    def verified(self) -> str:
        verified = self.status.verified
        return verified.revision if verified else ""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is held and nothing owed."""
        holds, lines = read_status(self.around.place().ledger)
        return not holds and not lines and self.around.paused() == set()

    def _beat(self) -> None:
        for component in self.airflow.health.values():
            component.heartbeat = self.clock.now()


@pytest.fixture
def sync(around: Surroundings, airflow: FakeAirflow, clock: ScriptedClock) -> Sync:
    return Sync(around, airflow, clock)


def test_a_good_revision_is_proven_run_and_released(sync: Sync) -> None:
    sync.hold()
    assert sync.around.paused() == {"etl"}
    sync.apply()

    report = sync.finish()

    assert report.verdict == "pass"
    assert {check.name: check.verdict for check in report.checks} == {
        "loss": "pass",
        "inventory": "pass",
        "visibility": "pass",
        "duplicates": "pass",
        "import errors": "pass",
        "health": "pass",
        "warnings": "pass",
        "evidence": "pass",
        "structure": "pass",
        "settle": "pass",
        "smoke probe": "pass",
        "time": "pass",
        "release": "pass",
    }
    assert sync.at_rest
    assert (sync.status.phase, sync.status.verdict) == ("Idle", "pass")
    assert sync.verified == sync.plan.revision
    assert sync.status.unproven == ()


def test_the_report_says_how_long_the_verdict_took(sync: Sync) -> None:
    sync.hold()
    sync.apply()
    began = sync.clock.monotonic()

    report = sync.finish()

    (time,) = (check for check in report.checks if check.name == "time")
    verify, smoke, both = (float(time.numbers[name]) for name in ("verify", "smoke", "seconds"))
    assert verify > 0
    assert smoke > 0
    assert both == pytest.approx(verify + smoke, abs=0.2)
    assert both <= sync.clock.monotonic() - began + 0.1


def test_the_next_hold_names_what_has_changed_without_a_commit(sync: Sync) -> None:
    sync.hold()
    sync.apply()
    sync.finish()
    sync.airflow.providers["apache-airflow-providers-standard"] = "2.0.0"
    sync.plan = changed(sync.plan, "load", revision="c" * 40)
    report = new_report(sync.plan)

    run_hold(sync.plan, sync.around.place(), report)

    said = next(check.message for check in report.checks if check.name == "runtime")
    assert said == (
        "since the last pass, without a commit: "
        "apache-airflow-providers-standard 1.9.0 is 2.0.0 now"
    )


def test_an_operator_that_cannot_be_imported_is_refused_with_file_and_error(sync: Sync) -> None:
    sync.hold()
    sync.break_etl()

    error, report = sync.finish_badly(RefusedError)

    assert "etl.py line 3: ModuleNotFoundError: no nowhere" in str(error)
    assert report.verdict == "fail"
    assert sync.at_rest
    assert (sync.status.phase, sync.status.verdict) == ("Idle", "fail")
    assert "ModuleNotFoundError" in sync.status.message
    assert sync.verified == OLD
    assert sync.airflow.runs == {}


def test_the_revert_of_a_failure_is_proven_and_green(sync: Sync) -> None:
    sync.hold()
    sync.break_etl()
    sync.finish_badly(RefusedError)
    sync.plan = replace(sync.before, revision="c" * 40)
    sync.hold()
    assert sync.around.paused() == {"etl"}
    sync.airflow.import_errors.clear()
    etl = sync.airflow.dags["etl"]
    etl.is_stale = etl.has_import_errors = False
    sync.apply()

    report = sync.finish()

    assert report.verdict == "pass"
    told = next(check.message for check in report.checks if check.name == "import errors")
    assert "fixed: " in told
    assert sync.verified == "c" * 40


def test_a_revision_that_is_never_seen_is_inconclusive_and_released(sync: Sync) -> None:
    sync.hold()

    error, report = sync.finish_badly(InconclusiveError)

    assert "not shown: etl" in str(error)
    assert report.verdict == "inconclusive"
    assert sync.at_rest
    assert sync.verified == OLD


def test_a_failing_smoke_dag_is_refused_and_the_revision_is_not_verified(sync: Sync) -> None:
    sync.airflow.dags["probe"].run_states = ("queued", "running", "failed")
    sync.airflow.dags["probe"].log = ["ValueError: 3 rows expected"]
    sync.hold()
    sync.apply()

    error, _ = sync.finish_badly(RefusedError)

    assert "probe: task hello failed: " in str(error)
    assert sync.at_rest
    assert sync.verified == OLD
    assert sync.status.unproven == ("etl",)


def test_a_paused_smoke_dag_is_inconclusive_and_released(sync: Sync) -> None:
    sync.airflow.dags["probe"].is_paused = True
    sync.hold()
    sync.apply()

    error, _ = sync.finish_badly(InconclusiveError)

    assert "paused" in str(error)
    assert sync.around.paused() == {"probe"}


def kept(sync: Sync, policy: OnFailure) -> list[str]:
    """Hold ``etl`` and ``load``, fail on ``etl``, go through SyncFail, and return what is held."""
    sync.plan = replace(
        changed(sync.before, "etl", "load"), hold=HoldPolicy(on_failure=policy, lease=600.0)
    )
    sync.hold()
    sync.break_etl()
    sync.finish_badly(RefusedError)
    after_failure(sync.plan, sync.around.place(), new_report(sync.plan, "release"))
    return sorted(sync.around.paused())


def test_on_failure_resume_gives_everything_back(sync: Sync) -> None:
    assert kept(sync, "resume") == []


def test_on_failure_quarantine_keeps_what_failed_also_through_sync_fail(sync: Sync) -> None:
    assert kept(sync, "quarantine") == ["etl"]
    figures = sync.status.dags
    assert figures is not None
    assert (figures.held, figures.wanted) == (1, figures.present + figures.missing + figures.broken)
    assert sync.status.offenders == ("etl",)
    assert re.search(
        r"kept held until \S+: bbbbbbbbbbbb failed; on_failure: quarantine", sync.status.message
    )


def test_on_failure_quarantine_keeps_all_that_was_touched_when_a_smoke_dag_fails(
    sync: Sync,
) -> None:
    policy = HoldPolicy(select=Selector(mode="all"), on_failure="quarantine", lease=600.0)
    sync.plan = replace(sync.plan, hold=policy)
    sync.hold()
    assert sync.around.paused() == {"etl", "load"}
    sync.apply()
    sync.airflow.dags["probe"].run_states = ("queued", "running", "failed")

    sync.finish_badly(RefusedError)

    assert sync.around.paused() == {"etl"}
    assert "on_failure: quarantine" in sync.status.message


def test_a_quarantine_is_staggered_too(sync: Sync) -> None:
    sync.plan = replace(
        sync.plan,
        hold=HoldPolicy(select=Selector(mode="all"), on_failure="quarantine", lease=600.0),
        release=ReleasePolicy(stagger=7.0),
    )
    sync.airflow.add_dag("mail", file="mail.py")
    sync.hold()
    assert sync.around.paused() == {"etl", "load", "mail"}
    sync.break_etl()

    _, report = sync.finish_badly(RefusedError)

    assert sync.around.paused() == {"etl"}
    assert sync.clock.naps.count(7.0) == 1
    assert {dag.dag_id for dag in report.dags if dag.done == "running again"} == {"load", "mail"}


def test_a_release_that_its_limit_refuses_takes_nothing_from_what_was_proven(sync: Sync) -> None:
    sync.plan = replace(sync.plan, release=ReleasePolicy(limit=0, over_limit="refuse"))
    sync.hold()
    sync.apply()
    run = FakeRun(dag_id="etl", run_id="waits", state="queued")
    sync.airflow.runs["etl", "waits"] = run

    error, _ = sync.finish_badly(RefusedError)

    assert "resuming starts 1 run(s) of 1 DAG(s), the limit is 0" in str(error)
    assert sync.verified == sync.plan.revision
    assert sync.around.paused() == {"etl"}


def test_on_failure_keep_keeps_all_until_the_next_sync(sync: Sync) -> None:
    assert kept(sync, "keep") == ["etl", "load"]

    sync.plan = replace(sync.before, revision="c" * 40)
    sync.hold()
    sync.airflow.import_errors.clear()
    etl = sync.airflow.dags["etl"]
    etl.is_stale = etl.has_import_errors = False
    sync.apply()

    assert sync.finish().verdict == "pass"
    assert sync.at_rest


def test_on_failure_says_nothing_of_what_could_not_be_told(sync: Sync) -> None:
    sync.plan = replace(sync.plan, hold=HoldPolicy(on_failure="keep"))
    sync.hold()

    sync.finish_badly(InconclusiveError)

    assert sync.at_rest


def test_a_persons_pause_is_kept_and_told(sync: Sync) -> None:
    sync.airflow.person_pauses("load")
    sync.hold()
    sync.apply()

    report = sync.finish()

    assert report.verdict == "pass"
    assert sync.around.paused() == {"load"}


def test_sigterm_in_the_middle_of_verify_still_releases(sync: Sync) -> None:
    sync.hold()
    place = sync.around.place()
    report = new_report(sync.plan, "finish")

    def terminate() -> None:
        place.termination.request()
        raise TerminatedError("terminated by SIGTERM")

    sync.clock.after(3, terminate)

    with pytest.raises(TerminatedError):
        run_finish(sync.plan, place, report)

    assert sync.at_rest
    assert (sync.status.phase, sync.status.verdict) == ("Idle", "inconclusive")
    assert "terminated" in sync.status.message


def test_sigterm_in_the_middle_of_smoke_cancels_the_run_and_releases(sync: Sync) -> None:
    sync.airflow.dags["probe"].run_states = ("queued", "running")
    sync.hold()
    sync.apply()
    place = sync.around.place()

    def terminate() -> None:
        place.termination.request()
        raise TerminatedError("terminated by SIGTERM")

    sync.clock.after(20, terminate)

    with pytest.raises(TerminatedError):
        run_finish(sync.plan, place, new_report(sync.plan, "finish"))

    assert sync.at_rest
    assert [run.state for run in sync.airflow.runs.values()] == ["failed"]
    assert sync.verified == OLD


def test_a_bug_in_a_proof_still_releases_and_stays_a_bug(
    sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    sync.hold()
    monkeypatch.setattr(finish_module, "prove", bug)  # no input is known that would do it

    with pytest.raises(ZeroDivisionError):
        sync.finish()

    assert sync.at_rest
    assert (sync.status.phase, sync.status.verdict) == ("Idle", "inconclusive")


def test_an_airflow_that_is_gone_is_told_for_the_proof_and_for_the_release(sync: Sync) -> None:
    sync.hold()
    sync.airflow.answers(503, times=0)

    error, report = sync.finish_badly(InconclusiveError)

    assert "no answer" in str(error)
    assert "release: " in str(error)
    assert [check.verdict for check in report.checks if check.name == "release"] == ["inconclusive"]
    assert sync.around.paused() == {"etl"}
    assert len(read_status(sync.around.place().ledger)[1]) == 1


def test_a_refused_release_is_told_although_the_revision_is_good(sync: Sync) -> None:
    sync.hold()
    sync.apply()
    sync.airflow.answers(403, method="PATCH", times=0)

    error, report = sync.finish_badly(InconclusiveError)

    assert "refused by Airflow: etl" in str(error)
    assert report.verdict == "inconclusive"
    assert sync.verified == sync.plan.revision


def test_a_repeat_after_a_pass_proves_nothing_again(sync: Sync) -> None:
    sync.hold()
    sync.apply()
    sync.finish()
    sync.airflow.requests.clear()

    report = sync.finish()

    assert report.verdict == "pass"
    assert (
        report.message
        == "proven already in this sync: nothing to prove again; release: nothing was held"
    )
    assert sync.airflow.requests == []
    assert sync.verified == sync.plan.revision


def test_a_hold_that_somebody_else_ended_is_inconclusive(sync: Sync) -> None:
    sync.hold()
    place = sync.around.place()
    release_hold(place.holding, "demo", revision=None, patience=Patience())
    sync.apply()

    error, _ = sync.finish_badly(InconclusiveError)

    assert "is not in force any more" in str(error)
    assert sync.verified == OLD


def test_nothing_touched_ends_at_once_without_a_request(sync: Sync) -> None:
    sync.plan = replace(sync.before, revision="c" * 40)
    sync.hold()
    sync.airflow.requests.clear()

    report = sync.finish()

    assert report.verdict == "pass"
    assert report.message == ("no DAG is touched: nothing to prove; release: nothing was held")
    assert sync.airflow.requests == []
    assert sync.clock.elapsed == 0
    assert (sync.status.phase, sync.status.verdict) == ("Idle", "pass")
    assert sync.verified == OLD


def test_without_a_hold_before_it_finish_proves_what_it_can(sync: Sync) -> None:
    sync.apply()

    assert sync.finish().verdict == "pass"
    assert sync.verified == sync.plan.revision


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(sync: Sync) -> None:
    sync.hold()
    before = sync.status
    report = new_report(sync.plan, "finish")

    preview_finish(sync.plan, sync.around.place(), report)

    assert report.verdict == "pass"
    assert [(dag.dag_id, dag.done) for dag in report.dags][:2] == [
        ("etl", "would be verified"),
        ("probe", "would run"),
    ]
    assert sync.status == before
    assert sync.around.paused() == {"etl"}
    assert sync.airflow.runs == {}


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([RefusedError("a"), UnavailableError("b")], 3),
        ([InconclusiveError("a"), RefusedError("b")], 3),
        ([InconclusiveError("a"), UnavailableError("b")], 5),
        ([RejectedError("a"), InconclusiveError("b")], 4),
        ([RefusedError("a"), TerminatedError("b")], 143),
        ([UnavailableError("a")], 75),
    ],
)
def test_the_worst_failure_gives_the_exit_code(failures: list[FermataError], code: int) -> None:
    assert worst(failures).exit_code == code


# As Kubernetes sees it: a process, its exit code and its streams. Real time, so short waits.

HASTY = VerifyPolicy(deadline=4.0, settle=0.0)


@pytest.fixture
def hasty(sync: Sync) -> Sync:
    sync.before = replace(sync.before, verify=HASTY)
    sync.plan = replace(sync.plan, verify=HASTY)
    return sync


@pytest.mark.slow
@pytest.mark.parametrize(
    ("happens", "code", "told"),
    [
        pytest.param(Sync.apply, 0, "DAG(s) as git wants them", id="good"),
        pytest.param(Sync.break_etl, 3, "no nowhere", id="import error"),
        pytest.param(lambda _: None, 5, "not shown: etl", id="never seen"),
    ],
)
def test_the_process_ends_with_the_verdicts_code_and_one_line(
    hasty: Sync, happens: Callable[[Sync], None], code: int, told: str, tmp_path: Path
) -> None:
    hasty.hold()
    happens(hasty)
    file = tmp_path / "report.json"

    done = hasty.around.run("finish", "--format", "json", plan=hasty.plan, FERMATA_REPORT=str(file))

    assert done.returncode == code, done.stderr
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback (most recent" not in done.stderr
    report = json_report(done)
    jsonschema.validate(report, REPORT_SCHEMA)
    assert json.loads(file.read_text()) == report
    assert hasty.at_rest


@pytest.mark.slow
def test_a_terminated_process_ends_with_143_and_has_released(hasty: Sync) -> None:
    hasty.plan = replace(hasty.plan, verify=replace(HASTY, deadline=60.0))
    hasty.hold()

    with hasty.around.start("finish", "--format", "json", plan=hasty.plan) as process:
        assert process.stderr is not None
        while "not shown: etl" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)

    assert process.returncode == 143, err
    assert "terminated by SIGTERM" in err.splitlines()[-1]
    assert json.loads(out)["verdict"] == "inconclusive"
    assert hasty.at_rest
