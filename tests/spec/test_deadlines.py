"""Deadlines nest: what a hook waits for < the hook's own < ``activeDeadlineSeconds``."""

from fermata_spec.deadlines import (
    active_deadline,
    changing_deadline,
    finish_deadline,
    hold_deadline,
    release_deadline,
    smoke_deadline,
    verify_deadline,
)
from fermata_spec.plan import HoldPolicy, Plan, SmokeDag, SmokePolicy, VerifyPolicy

PLAN = Plan(
    application="etl",
    revision="abc",
    airflow_url="http://airflow:8080",
    dags=(),
    hold=HoldPolicy(drain_deadline=900, late=300),
    verify=VerifyPolicy(deadline=600, settle=10),
    smoke=SmokePolicy(deadline=1200, dags=(SmokeDag(dag_id="smoke"),)),
)


def test_hold_outlives_its_drain_and_a_late_answer() -> None:
    assert changing_deadline(PLAN.hold.late) > PLAN.hold.late
    assert hold_deadline(PLAN) > PLAN.hold.drain_deadline + changing_deadline(PLAN.hold.late)


def test_finish_outlives_verify_smoke_and_release() -> None:
    assert finish_deadline(PLAN) > 600 + 10 + 1200 + changing_deadline(PLAN.hold.late)


def test_a_part_of_finish_ends_before_finish_does() -> None:
    for part in (verify_deadline(PLAN), smoke_deadline(PLAN), release_deadline(PLAN)):
        assert part < finish_deadline(PLAN)


def test_kubernetes_ends_only_what_hangs() -> None:
    for own in (hold_deadline(PLAN), finish_deadline(PLAN), release_deadline(PLAN)):
        assert active_deadline(own) > own
