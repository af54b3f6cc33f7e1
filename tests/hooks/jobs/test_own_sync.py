"""What hold knows of its own sync: a DAG that started it is not waited for, and which commit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.holding import read_status
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import RefusedError
from fermata_spec.initiator import Initiator
from fermata_spec.plan import Plan
from fermata_spec.report import Report
from workplaces import NEW, OLD, Surroundings, changed, make_plan, new_report

SYNCED = "c" * 40
OURS = Initiator("etl", "deploys", "sync", "marker-1")


@pytest.fixture
def argocd(clock: ManualClock) -> Iterator[FakeArgoCd]:
    with FakeArgoCd(now=clock.now) as argocd:
        yield argocd


@pytest.fixture
def plan(around: Surroundings, airflow: FakeAirflow, argocd: FakeArgoCd) -> Plan:
    """A change of ``etl``, while the task ``etl.sync`` waits for the sync on a worker."""
    airflow.add_dag("etl", file="etl.py")
    verified = make_plan("etl", revision=OLD)
    around.verified(verified)
    airflow.add_task("etl", "deploys", "sync", "running")
    argocd.add(verified.application)
    return changed(verified, "etl")


@pytest.fixture
def place(around: Surroundings, argocd: FakeArgoCd, tmp_path: Path) -> Workplace:
    place = around.place()
    settings = replace(
        place.settings, argocd_url=argocd.url, argocd_token_file=argocd.token_file(tmp_path)
    )
    return replace(place, settings=settings)


def test_the_run_that_the_operation_names_is_no_blocker(
    place: Workplace, argocd: FakeArgoCd, plan: Plan
) -> None:
    argocd.begin(plan.application, info=OURS.infos())
    report = new_report(plan)

    run_hold(plan, place, report)

    assert report.verdict == "pass"
    assert report.blockers == []


def test_another_run_of_the_same_dag_is_a_blocker(
    place: Workplace, airflow: FakeAirflow, argocd: FakeArgoCd, plan: Plan
) -> None:
    argocd.begin(plan.application, info=OURS.infos())
    airflow.add_task("etl", "nightly", "load", "running")
    report = new_report(plan)

    with pytest.raises(RefusedError):
        run_hold(plan, place, report)

    assert [blocker.run_id for blocker in report.blockers] == ["nightly"]


@pytest.mark.parametrize(
    "what", ["nobody names a run", "the operation is over", "not permitted", "no answer"]
)
def test_where_no_run_is_known_every_task_is_a_blocker(
    what: str, place: Workplace, argocd: FakeArgoCd, plan: Plan
) -> None:
    argocd.begin(plan.application, info={} if what == "nobody names a run" else OURS.infos())
    if what == "the operation is over":
        argocd.end(plan.application, "Succeeded")
    elif what == "not permitted":
        argocd.rights.clear()
    elif what == "no answer":
        argocd.answers = 503

    with pytest.raises(RefusedError, match=r"etl\.sync"):
        run_hold(plan, place, new_report(plan))


def checks(report: Report) -> dict[str, str]:
    return {check.name: check.message for check in report.checks}


def test_the_hold_names_its_operation(place: Workplace, argocd: FakeArgoCd, plan: Plan) -> None:
    started = argocd.begin(plan.application, info=OURS.infos())

    run_hold(plan, place, new_report(plan))

    (hold,) = read_status(place.ledger)[0]
    assert hold.operation == started


@pytest.mark.parametrize(
    ("synced", "said"),
    [(SYNCED, True), (NEW, False), ("main", False), ("", False)],
    ids=["a newer commit", "this commit", "a branch", "not told"],
)
def test_an_older_rendering_is_named_where_the_commit_of_the_sync_is_known(
    place: Workplace, argocd: FakeArgoCd, plan: Plan, synced: str, *, said: bool
) -> None:
    argocd.begin(plan.application, info=OURS.infos(), revision=synced)
    report = new_report(plan)

    run_hold(plan, place, report)

    assert ("revision" in checks(report)) is said
    if said:
        assert synced[:12] in checks(report)["revision"]
        assert plan.revision[:12] in checks(report)["revision"]


def test_one_request_tells_all_of_it(place: Workplace, argocd: FakeArgoCd, plan: Plan) -> None:
    argocd.begin(plan.application, info=OURS.infos())

    run_hold(plan, place, new_report(plan))

    assert sum(n for kind, n in place.calls.items() if kind.startswith("argo cd")) == 1
