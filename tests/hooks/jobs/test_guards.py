"""Hold asks the locks and the guards before it pauses anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.agenda import Denial
from fermata_hooks.argocd import ByApi
from fermata_hooks.jobs.hold import preview_hold, run_hold
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.locks import EVERY, Lock
from fermata_spec.errors import RefusedError, SettingsError
from fermata_spec.plan import Plan
from fermata_spec.report import Report
from workplaces import NEW, OLD, Surroundings, changed, make_plan, new_report

HEAD = "apiVersion: fermata.dev/v1alpha1\nkind: Policy\n"
FROZEN = {"freeze": {"starts": ["0 7 * * 5"], "ends": ["0 9 * * 5"]}}  # the clock says 08:00
OPEN = {"freeze": {"starts": ["0 18 * * 5"], "ends": ["0 8 * * 1"]}}


@pytest.fixture
def verified(around: Surroundings, airflow: FakeAirflow) -> Plan:
    for dag_id in ("etl", "load", "month_end"):
        airflow.add_dag(dag_id, file=f"{dag_id}.py")
    plan = make_plan("etl", "load", revision=OLD)
    around.verified(plan)
    return plan


@pytest.fixture
def argocd(clock: ManualClock) -> Iterator[FakeArgoCd]:
    with FakeArgoCd(now=clock.now) as argocd:
        argocd.add("demo")
        argocd.begin("demo")
        yield argocd


def place_with(around: Surroundings, argocd: FakeArgoCd, folder: Path) -> Workplace:
    place = around.place()
    token = argocd.token_file(folder)
    place.__dict__["argocd"] = ByApi(argocd.url, token, clock=around.clock)
    return place


def guarded(plan: Plan, *guards: dict[str, Any], **more: Any) -> Plan:  # noqa: ANN401
    return replace(changed(plan, "etl"), guards=guards, **more)


def held(around: Surroundings, plan: Plan, place: Workplace | None = None) -> Report:
    report = new_report(plan)
    run_hold(plan, place or around.place(), report)
    return report


def denied(around: Surroundings, plan: Plan, place: Workplace | None = None) -> tuple[str, Report]:
    report = new_report(plan)
    with pytest.raises(RefusedError) as caught:
        run_hold(plan, place or around.place(), report)
    assert around.paused() == set()
    return str(caught.value), report


def denial(around: Surroundings) -> Denial:
    return around.place().agendas.read().denials["demo"]


def lock(around: Surroundings, application: str = EVERY, *, lasts: float | None = 60.0) -> None:
    now = around.clock.now()
    around.place().locks.put(
        Lock(
            application=application,
            reason="quarter end",
            owner="ann",
            since=now,
            expires=None if lasts is None else now + lasts,
        )
    )


def test_guards_that_allow_are_told_and_in_nobodys_way(
    around: Surroundings, verified: Plan
) -> None:
    plan = guarded(verified, OPEN, {"branch": {"allow": ["main"]}}, target="main")

    report = held(around, plan)

    told = {check.name: (check.verdict, check.message) for check in report.checks}
    assert told["guard freeze"] == ("pass", "freeze: no freeze now")
    assert told["guard branch"] == ("pass", "branch: the application follows main")
    assert around.paused() == {"etl"}


def test_a_freeze_denies_before_anything_is_paused_and_names_its_end(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    message, report = denied(around, guarded(verified, {**FROZEN, "name": "fridays"}))

    assert "fridays (fermata.yaml) denies: frozen, next opening 2027-01-15T09:00:00Z" in message
    assert [check.verdict for check in report.checks] == ["fail"]
    assert airflow.requests == []
    assert denial(around).rule == "fridays"
    assert denial(around).opens == around.clock.now() + 3600


def test_a_denial_leaves_the_dagset_as_it_was_and_says_why(
    around: Surroundings, verified: Plan
) -> None:
    before = around.place().dagsets.read("demo")

    denied(around, guarded(verified, FROZEN))

    status = around.place().dagsets.read("demo")
    assert (status.phase, status.verified, status.unproven) == ("Idle", before.verified, ())
    assert status.message.startswith("bbbbbbbbbbbb denied by freeze: guard freeze")


def test_a_guard_also_denies_a_sync_that_touches_no_dag(
    around: Surroundings, verified: Plan
) -> None:
    message, _ = denied(around, replace(changed(verified), guards=(FROZEN,)))

    assert "nothing was paused" in message


def test_the_message_of_a_guard_comes_first(around: Surroundings, verified: Plan) -> None:
    message, _ = denied(around, guarded(verified, {**FROZEN, "message": "Ask #data-platform."}))

    assert "denies: Ask #data-platform.: frozen, next opening" in message


def test_a_guard_in_dry_run_says_what_it_would_deny(around: Surroundings, verified: Plan) -> None:
    report = held(around, guarded(verified, {**FROZEN, "dry_run": True}))

    assert report.checks[0].verdict == "pass"
    assert "would deny: frozen" in report.checks[0].message
    assert around.paused() == {"etl"}


@pytest.mark.parametrize("application", [EVERY, "demo"])
def test_a_lock_denies_whatever_is_configured(
    around: Surroundings, verified: Plan, application: str
) -> None:
    lock(around, application)

    message, _ = denied(around, guarded(verified))

    assert "lock (locks) denies" in message
    assert "locked by ann since 2027-01-15T08:00:00Z until 2027-01-15T08:01:00Z: quarter" in message


def test_a_lock_of_another_application_is_in_nobodys_way(
    around: Surroundings, verified: Plan
) -> None:
    lock(around, "other")

    held(around, guarded(verified))

    assert around.paused() == {"etl"}


def test_a_branch_that_is_not_known_is_denied(around: Surroundings, verified: Plan) -> None:
    message, _ = denied(around, guarded(verified, {"branch": {"allow": ["main"]}}))

    assert "the branch is not known (render with --branch)" in message
    assert denial(around).state == "done"
    assert denial(around).outlook.startswith("nothing will happen by itself: branch may say no")


def test_a_change_that_is_too_large_is_denied_with_its_numbers(
    around: Surroundings, verified: Plan
) -> None:
    plan = replace(changed(verified, "etl", "load"), guards=({"change-size": {"dags": 1}},))

    message, _ = denied(around, plan)

    assert "2 DAG(s) touched, 0 of them removed, of 2 verified; 1 touched may be" in message


def test_a_first_deployment_has_no_size(around: Surroundings) -> None:
    plan = make_plan("etl", "load", guards=({"change-size": {"dags": 0, "removed": 0}},))

    report = held(around, plan)

    assert "a first deployment" in report.checks[0].message


def runs(airflow: FakeAirflow, state: str) -> None:
    airflow.runs["month_end", "r1"] = FakeRun(dag_id="month_end", run_id="r1", state=state)


def test_a_protected_dag_that_runs_denies_and_is_named(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    guard = {"protected-dags": {"dags": ["month_end"]}}
    runs(airflow, "running")

    message, _ = denied(around, guarded(verified, guard))

    assert "1 protected DAG(s) run: month_end" in message
    assert denial(around).running == ("month_end",)
    assert denial(around).state == "waiting"


def test_a_protected_dag_that_rests_denies_nothing(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    runs(airflow, "success")

    held(around, guarded(verified, {"protected-dags": {"dags": ["month_end"]}}))

    assert around.paused() == {"etl"}


def test_protected_dags_cost_a_hook_with_nothing_to_do_no_call_to_airflow(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    guards = ({"protected-dags": {"dags": ["month_end"]}}, OPEN, {"change-size": {"dags": 9}})

    held(around, replace(changed(verified), guards=guards))

    asked = [request for request in airflow.requests if "dagRuns" in request or "/dags" in request]
    assert asked == []


@pytest.mark.parametrize(
    ("by", "allowed"),
    [
        ({"username": "ann"}, True),
        ({"username": "bob"}, False),
        ({"automated": True}, False),
        ({}, False),
    ],
)
def test_who_started_the_sync_is_asked_of_its_application(  # noqa: PLR0913 - fixtures
    around: Surroundings,
    verified: Plan,
    argocd: FakeArgoCd,
    tmp_path: Path,
    by: dict[str, Any],
    *,
    allowed: bool,
) -> None:
    state = argocd.applications["demo"]["status"]["operationState"]
    state["operation"]["initiatedBy"] = by
    plan = guarded(verified, {"initiator": {"allow": ["an?"]}})
    place = place_with(around, argocd, tmp_path)

    if allowed:
        held(around, plan, place)
        assert around.paused() == {"etl"}
    else:
        message, _ = denied(around, plan, place)
        assert "guard initiator (fermata.yaml) denies" in message


def test_without_an_application_to_read_what_needs_it_denies(
    around: Surroundings, verified: Plan
) -> None:
    message, _ = denied(around, guarded(verified, {"initiator": {"allow": ["*"]}}))

    assert "its Application cannot be read (no access to Argo CD)" in message


def test_an_application_that_may_not_be_read_denies(
    around: Surroundings, verified: Plan, argocd: FakeArgoCd, tmp_path: Path
) -> None:
    argocd.rights.clear()
    plan = guarded(verified, {"initiator": {"allow": ["*"]}})

    message, _ = denied(around, plan, place_with(around, argocd, tmp_path))

    assert "its Application cannot be read: " in message


def test_a_policy_from_outside_git_denies_what_git_allows(
    around: Surroundings, verified: Plan, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(HEAD + "guards: [{name: no-fridays, branch: {allow: [main]}}]\n")
    place = around.place()
    place = replace(place, settings=replace(place.settings, policy=policy))
    loose = {"name": "no-fridays", "dry_run": True, "branch": {"allow": ["*"]}}

    message, _ = denied(around, guarded(verified, loose, target="feature/x"), place)

    assert "no-fridays (policy.yaml) denies: the application follows feature/x" in message


def test_a_policy_that_cannot_be_read_stops_the_hold(
    around: Surroundings, verified: Plan, tmp_path: Path
) -> None:
    place = around.place()
    place = replace(place, settings=replace(place.settings, policy=tmp_path / "gone"))

    with pytest.raises(SettingsError, match="policy cannot be read"):
        run_hold(guarded(verified), place, new_report(verified))

    assert around.paused() == set()


def annotate(argocd: FakeArgoCd, text: str) -> None:
    argocd.applications["demo"]["metadata"]["annotations"] = {"fermata.dev/break-glass": text}


def test_break_glass_lets_its_revision_through_and_says_so_loudly(
    around: Surroundings,
    verified: Plan,
    argocd: FakeArgoCd,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    annotate(argocd, f"{NEW[:8]} INC-4711")
    lock(around)

    report = held(around, guarded(verified, FROZEN), place_with(around, argocd, tmp_path))

    overridden = [c.message for c in report.checks if c.name.startswith("guard")]
    assert len(overridden) == 2
    assert all(each.startswith("overridden by break-glass (INC-4711): ") for each in overridden)
    assert len([m for m in caplog.messages if "overridden by break-glass (INC-4711)" in m]) == 2
    assert around.paused() == {"etl"}


def test_break_glass_of_another_revision_lets_nothing_through(
    around: Surroundings, verified: Plan, argocd: FakeArgoCd, tmp_path: Path
) -> None:
    annotate(argocd, f"{OLD[:8]} INC-4711")

    message, _ = denied(around, guarded(verified, FROZEN), place_with(around, argocd, tmp_path))

    assert "fermata.dev/break-glass is for aaaaaaaa" in message


def test_a_policy_may_refuse_break_glass(
    around: Surroundings, verified: Plan, argocd: FakeArgoCd, tmp_path: Path
) -> None:
    annotate(argocd, f"{NEW[:8]} INC-4711")
    policy = tmp_path / "policy.yaml"
    policy.write_text(HEAD + "break_glass: refuse\n")
    place = place_with(around, argocd, tmp_path)
    place = replace(place, settings=replace(place.settings, policy=policy))
    place.__dict__["argocd"] = ByApi(argocd.url, argocd.token_file(tmp_path), clock=around.clock)

    message, _ = denied(around, guarded(verified, FROZEN), place)

    assert "fermata.dev/break-glass is refused by the policy" in message


def test_what_another_environment_has_verified_may_go_on(
    around: Surroundings, verified: Plan
) -> None:
    plan = guarded(verified, {"promoted": {"application": "staging"}})
    around.verified(replace(plan, application="staging"))

    report = held(around, plan)

    assert report.checks[0].message.startswith("promoted: the same as staging@bbbbbbbbbbbb")


def test_what_no_other_environment_has_verified_may_not(
    around: Surroundings, verified: Plan
) -> None:
    plan = guarded(verified, {"promoted": {"application": "staging"}})

    nothing, _ = denied(around, plan)
    around.verified(replace(verified, application="staging"))
    older, _ = denied(around, plan)

    assert "staging verified nothing yet" in nothing
    assert "1 DAG(s) are not as in staging@aaaaaaaaaaaa" in older
    assert "etl" in older


def test_a_removal_has_to_be_promoted_too(around: Surroundings, verified: Plan) -> None:
    around.verified(replace(verified, application="staging"))
    plan = make_plan("etl", revision=NEW, guards=({"promoted": {"application": "staging"}},))

    message, _ = denied(around, plan)

    assert "1 DAG(s) are not as in staging@aaaaaaaaaaaa" in message


def test_a_dry_run_of_hold_asks_the_guards_too(around: Surroundings, verified: Plan) -> None:
    plan = guarded(verified, FROZEN)

    with pytest.raises(RefusedError, match="frozen"):
        preview_hold(plan, around.place(), new_report(plan))
