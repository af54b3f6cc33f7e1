"""What the state of an application means for somebody who waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argocd_applications import NEW, NEWER, OLD, SHOP, at, deployed, operation, shop
from fermata_airflow.argocd.application import Application, read_application
from fermata_airflow.argocd.judgement import (
    GRACE,
    HealthJudge,
    OperationJudge,
    SyncJudge,
    last_good,
    not_at,
)


def verdict(judge: OperationJudge | HealthJudge, application: Application, now: float = 0) -> str:
    outcome = judge.look(application, now)
    return outcome.status if outcome else ""


# Operations


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        pytest.param(shop(requested="m-1"), "", id="asked for"),
        pytest.param(shop(state=operation("Running")), "", id="running"),
        pytest.param(shop(state=operation("Terminating")), "", id="terminating"),
        pytest.param(
            shop(state=operation("Running", finishedAt=at(20))), "", id="between two attempts"
        ),
        pytest.param(shop(state=operation("Succeeded")), "done", id="succeeded"),
        pytest.param(shop(state=operation("Failed")), "failed", id="failed"),
        pytest.param(shop(state=operation("Error")), "failed", id="error"),
        pytest.param(
            shop(requested="m-1", state=operation("Failed", marker="m-0")),
            "",
            id="asked for, an earlier one failed",
        ),
    ],
)
def test_an_operation_has_ended_by_its_phase_alone(application: Application, expected: str) -> None:
    assert verdict(OperationJudge("shop", marker="m-1"), application) == expected


def test_anothers_end_is_not_ours() -> None:
    judge = OperationJudge("shop", marker="m-1")

    assert verdict(judge, shop(state=operation("Failed", marker="other"))) == ""
    assert "not seen yet" in judge.why
    assert judge.again is not None


def test_an_operation_that_never_shows_up_is_lost_after_a_grace() -> None:
    judge = OperationJudge("shop", marker="m-1")

    assert verdict(judge, shop(), 100) == ""
    assert verdict(judge, shop(), 100 + GRACE - 1) == ""
    assert verdict(judge, shop(), 100 + GRACE) == "lost"


def test_an_operation_that_another_replaced_is_done_if_the_history_has_it() -> None:
    judge = OperationJudge("shop", marker="m-1")
    verdict(judge, shop(state=operation("Running", started=10)))
    history = [{"id": 1, "revision": NEW, "deployStartedAt": at(10), "deployedAt": at(15)}]

    replaced = shop(history=history, state=operation("Running", marker="other", started=20))

    assert verdict(judge, replaced) == "done"


def test_an_operation_that_another_replaced_is_lost_if_the_history_has_it_not() -> None:
    judge = OperationJudge("shop", marker="m-1")
    verdict(judge, shop(state=operation("Running", started=10)), 0)
    replaced = shop(state=operation("Running", marker="other", started=20))

    verdict(judge, replaced, GRACE)

    assert verdict(judge, replaced, 2 * GRACE) == "lost"


def test_without_a_marker_whichever_runs_is_waited_for_and_no_later_one() -> None:
    judge = OperationJudge("shop")
    assert verdict(judge, shop(requested="somebody's")) == ""
    assert verdict(judge, shop(state=operation("Running", marker="x", started=10))) == ""

    later = shop(
        history=[{"id": 1, "revision": NEW, "deployStartedAt": at(10), "deployedAt": at(15)}],
        state=operation("Running", marker="y", started=30),
    )

    assert verdict(judge, later) == "done"


def test_without_a_marker_and_without_an_operation_there_is_nothing_to_wait_for() -> None:
    assert verdict(OperationJudge("shop"), shop()) == "done"


def test_a_failure_names_the_hooks_and_resources_that_failed() -> None:
    rows = [
        {
            "kind": "Job",
            "name": "hold",
            "hookType": "PreSync",
            "hookPhase": "Failed",
            "message": "deadline",
        },
        {"kind": "ConfigMap", "name": "x", "status": "SyncFailed", "message": "invalid"},
        {"kind": "ConfigMap", "name": "y", "status": "Synced", "message": "y unchanged"},
    ]
    state = operation("Failed", message="tasks failed", syncResult={"resources": rows})

    outcome = OperationJudge("shop", marker="m-1").look(shop(state=state), 0)

    assert outcome is not None
    told = "Failed after 5s: tasks failed [PreSync/hold: deadline; ConfigMap/x: invalid]"
    assert told in outcome.message


def test_a_deleted_application_ends_every_wait() -> None:
    judges = (OperationJudge("shop"), HealthJudge("shop"))

    outcomes = [judge.look(None, 0) for judge in judges]

    assert [outcome.status for outcome in outcomes if outcome] == ["deleted", "deleted"]


# Health


@pytest.mark.parametrize(
    ("application", "why"),
    [
        pytest.param(shop(), "", id="well"),
        pytest.param(shop(health="Progressing"), "Progressing", id="progressing"),
        pytest.param(shop(health="Degraded"), "Degraded", id="degraded"),
        pytest.param(shop(health=""), "Unknown", id="no health"),
        pytest.param(shop(sync="OutOfSync"), "OutOfSync", id="drifted"),
        pytest.param(shop(requested="x"), "in progress", id="operation asked for"),
        pytest.param(shop(state=operation("Running")), "in progress", id="operation running"),
        pytest.param(
            shop(state=operation(started=60), reconciled=65),
            "has not looked",
            id="compared in the second of the end",
        ),
        pytest.param(
            shop(state=operation(started=60), reconciled=66), "", id="compared after the end"
        ),
    ],
)
def test_well_is_healthy_synced_quiet_and_compared_since(
    application: Application, why: str
) -> None:
    judge = HealthJudge("shop")

    assert verdict(judge, application) == ("" if why else "done")
    assert why in judge.why


def test_a_comparison_that_is_too_old_is_worth_a_refresh() -> None:
    judge = HealthJudge("shop", after=shop(reconciled=60).reconciled)

    judge.look(shop(reconciled=60), 0)
    assert judge.wants_refresh

    assert verdict(judge, shop(reconciled=61)) == "done"
    assert not judge.wants_refresh


def test_several_looks_are_in_a_row_and_apart() -> None:
    judge = HealthJudge("shop", looks=3, look_interval=2.0)

    seen = [verdict(judge, shop(), now) for now in (0.0, 0.5, 2.0)]
    seen.append(verdict(judge, shop(health="Progressing"), 3.0))
    seen += [verdict(judge, shop(), now) for now in (4.0, 6.0)]

    assert seen == [""] * 6
    assert judge.again == 2.0
    assert verdict(judge, shop(), 8.0) == "done"


def test_turning_degraded_fails_at_once_if_asked_and_only_after_health() -> None:
    judge = HealthJudge("shop", looks=2, fail_on_degraded=True)

    assert verdict(judge, shop(health="Degraded")) == ""
    assert verdict(judge, shop()) == ""
    assert verdict(judge, shop(health="Degraded")) == "degraded"


@pytest.mark.parametrize(
    ("history", "compared", "is_at"),
    [
        pytest.param(deployed(OLD, NEW), NEW, True, id="live"),
        pytest.param(deployed(OLD, NEW, NEWER), NEWER, True, id="a later one is live"),
        pytest.param(deployed(OLD), OLD, False, id="not yet"),
        pytest.param(deployed(OLD), NEW, True, id="it changed nothing here"),
        pytest.param(deployed(OLD, NEW, OLD), OLD, False, id="left again: rolled back"),
        pytest.param(deployed(OLD, NEW, OLD, NEW), NEW, True, id="back, and there again"),
        pytest.param([], OLD, False, id="nothing was ever deployed"),
    ],
)
def test_at_a_revision_or_a_later_one(
    history: list[dict[str, object]], compared: str, *, is_at: bool
) -> None:
    assert (not_at(shop(history=history, revision=compared), NEW) == "") is is_at


def test_a_revision_may_be_shortened_but_not_to_nothing() -> None:
    application = shop(history=deployed(OLD, NEW), revision=NEW)

    assert not_at(application, NEW[:7]) == ""
    assert not_at(application, NEW[:6]) != ""


def test_a_sync_is_done_when_its_operation_has_succeeded_and_then_its_health_is_good() -> None:
    judge = SyncJudge(OperationJudge("shop", marker="m-1"), HealthJudge("shop"))

    assert judge.look(shop(health="Healthy", state=operation("Running")), 0) is None
    assert judge.look(shop(health="Progressing", state=operation()), 0) is None
    assert "Progressing" in judge.why
    outcome = judge.look(shop(state=operation()), 0)

    assert outcome is not None
    assert outcome.status == "done"
    assert outcome.operation is not None
    assert outcome.operation.phase == "Succeeded"


def test_the_last_good_is_the_newest_other_than_what_the_last_operation_was_about() -> None:
    after_a_success = shop(
        history=deployed(OLD, NEW), state=operation(syncResult={"revision": NEW})
    )
    after_a_failure = shop(
        history=deployed(OLD), state=operation("Failed", syncResult={"revision": NEW})
    )
    never_another = shop(history=deployed(NEW), state=operation(syncResult={"revision": NEW}))

    assert [entry and entry.revisions for entry in map(last_good, (after_a_success,))] == [(OLD,)]
    assert [entry and entry.revisions for entry in map(last_good, (after_a_failure,))] == [(OLD,)]
    assert last_good(never_another) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *(
                        "metadata",
                        "spec",
                        "status",
                        "operation",
                        "operationState",
                        "history",
                        "sync",
                    ),
                    *(
                        "health",
                        "info",
                        "revision",
                        "revisions",
                        "syncResult",
                        "resources",
                        "phase",
                    ),
                )
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_whatever_argo_cd_says_is_read_and_judged_without_an_error(raw: object) -> None:
    application = read_application(raw, known=SHOP)

    for judge in (OperationJudge("shop", marker="m"), HealthJudge("shop", revision=NEW)):
        outcome = judge.look(application, 0)
        assert outcome is None or outcome.status != "done"
