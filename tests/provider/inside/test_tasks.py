"""Operators, sensors and the gate, called as a worker calls them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.argocd_server import ArgoCdServer
from fermata_airflow.compat import AirflowSensorTimeout, AirflowSkipException
from fermata_airflow.decorators.argocd_gate import ArgoCDGateOperator
from fermata_airflow.exceptions import (
    ArgoCDBusyError,
    ArgoCDDegradedError,
    ArgoCDNotFoundError,
    ArgoCDOperationFailedError,
    ArgoCDRevisionError,
    ArgoCDSettingsError,
    ArgoCDTimeoutError,
)
from fermata_airflow.hooks.argocd import ArgoCDHook
from fermata_airflow.links import LINK_KEY
from fermata_airflow.operators.argocd import (
    AUTO_SYNC_KEY,
    ArgoCDRefreshOperator,
    ArgoCDRollbackOperator,
    ArgoCDSyncOperator,
)
from fermata_airflow.sensors.argocd import ArgoCDHealthSensor, ArgoCDOperationSensor

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:
    from airflow.exceptions import TaskDeferred

NEW = "b" * 40
FAST: dict[str, Any] = {"poll_interval": 0.1, "deferrable": False}


class TaskInstance(SimpleNamespace):
    """What a task sees of its own instance."""

    def xcom_push(self, key: str, value: object) -> None:
        self.xcoms[key] = value


def context(task: Any, *, number: int = 1, max_tries: int = 0) -> dict[str, Any]:
    ti = TaskInstance(
        dag_id="nightly",
        run_id="r1",
        task_id=task.task_id,
        map_index=-1,
        try_number=number,
        max_tries=max_tries,
        task=task,
        xcoms={},
    )
    return {"ti": ti, "task_instance": ti, "params": {}}


@pytest.fixture
def run(argocd: ArgoCdServer) -> Callable[..., Any]:
    argocd.add("shop")
    argocd.runs("shop")

    def execute(task: Any, **attempt: int) -> Any:
        task.allow_nested_operators = True
        return task.execute(context(task, **attempt))

    return execute


def sync(**more: Any) -> ArgoCDSyncOperator:
    given = FAST | {"looks": 1, "look_interval": 0.1, "timeout": 30} | more
    return ArgoCDSyncOperator(task_id="sync", application="shop", **given)


def rollback(**more: Any) -> ArgoCDRollbackOperator:
    given = FAST | {"looks": 1, "look_interval": 0.1, "timeout": 30} | more
    return ArgoCDRollbackOperator(task_id="rollback", application="shop", **given)


Run = Callable[..., Any]


def test_a_sync_waits_for_health_and_tells_what_it_did(argocd: ArgoCdServer, run: Run) -> None:
    facts = run(sync(revision=NEW, infos={"why": "test"}))

    assert facts["phase"] == "Succeeded"
    assert facts["revision"] == NEW
    assert facts["resources_changed"] == 1
    assert facts["health"] == "Healthy"
    assert facts["infos"]["airflow.dag_id"] == "nightly"
    assert facts["infos"]["why"] == "test"
    assert argocd.started == ["shop"]


def test_a_retry_goes_on_and_a_clear_begins_anew(argocd: ArgoCdServer, run: Run) -> None:
    run(sync(retries=2), number=1, max_tries=2)
    run(sync(retries=2), number=2, max_tries=2)
    assert len(argocd.started) == 1

    run(sync(retries=2), number=3, max_tries=4)
    assert len(argocd.started) == 2


def test_a_failed_sync_is_an_error_with_argo_cds_words(argocd: ArgoCdServer, run: Run) -> None:
    argocd.runs("shop", outcome="Failed", message="tasks failed")

    with pytest.raises(ArgoCDOperationFailedError, match=r"tasks failed \[PreSync/fermata-hold"):
        run(sync())

    argocd.runs("shop")
    assert run(sync(retries=1), number=2)["phase"] == "Succeeded"


def test_another_operation_is_waited_for_adopted_or_an_error(
    argocd: ArgoCdServer, run: Run
) -> None:
    argocd.begin("shop")
    with pytest.raises(ArgoCDBusyError):
        run(sync(on_busy="fail"))
    argocd.later(0.3, lambda: argocd.end("shop", "Succeeded"))
    argocd.later(0.4, lambda: argocd.has_health("shop", "Healthy"))
    run(sync(on_busy="adopt"))
    assert argocd.started == []

    argocd.begin("shop")
    argocd.later(0.3, lambda: argocd.end("shop", "Failed"))
    assert run(sync(on_busy="wait"))["phase"] == "Succeeded"
    assert argocd.started == ["shop"]


def test_a_dry_run_waits_for_no_health(argocd: ArgoCdServer, run: Run) -> None:
    argocd.has_health("shop", "Degraded")
    argocd.runs("shop", health="Degraded")

    assert run(sync(dry_run=True))["dry_run"] is True


def test_killing_the_task_ends_our_operation_and_nobody_elses(
    argocd: ArgoCdServer, run: Run
) -> None:
    argocd.runs("shop", seconds=30)
    task = sync(timeout=0.5)
    with pytest.raises(Exception, match="the wait has come to its end"):
        run(task)

    task.on_kill()
    state = argocd.applications["shop"]["status"]["operationState"]
    assert state["message"] == "Operation terminated"

    argocd.begin("shop")
    task.on_kill()
    assert argocd.applications["shop"]["status"]["operationState"]["phase"] == "Running"


def test_a_deferred_sync_hands_over_a_trigger_and_takes_its_event(
    run: Run,
) -> None:
    task = sync(deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        run(task)

    assert caught.value.method_name == "execute_complete"
    assert caught.value.timeout.total_seconds() == pytest.approx(90, abs=5)
    facts = task.execute_complete({}, {"status": "done", "message": "m", "facts": {"phase": "x"}})
    assert facts == {"phase": "x"}
    for status, kind in (("failed", ArgoCDOperationFailedError), ("degraded", ArgoCDDegradedError)):
        with pytest.raises(kind, match="why"):
            task.execute_complete({}, {"status": status, "message": "why"})
    event = {"status": "error", "error": "ArgoCDNotFoundError", "message": "gone"}
    with pytest.raises(ArgoCDNotFoundError, match="gone"):
        task.execute_complete({}, event)


def test_a_deferred_sync_waits_for_anothers_operation_in_the_triggerer_too(
    argocd: ArgoCdServer, run: Run
) -> None:
    argocd.begin("shop")
    task = sync(deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        run(task)
    assert caught.value.method_name == "begin_again"

    argocd.end("shop", "Failed")
    with pytest.raises(TaskDeferred) as again:
        task.begin_again(context(task), {"status": "failed", "message": "m"}, end=2e9)
    assert again.value.method_name == "execute_complete"
    assert argocd.started == ["shop"]


def test_a_rollback_brings_back_the_last_good_or_a_given_entry_with_hooks(
    argocd: ArgoCdServer, run: Run
) -> None:
    run(sync(revision=NEW))

    assert run(rollback())["revision"] == "a" * 40
    assert argocd.bodies[-1]["strategy"] == {"hook": {"force": False}}
    assert run(rollback(history_id="1", task_group=None), number=2)["revision"] in ("a" * 40, NEW)


def test_a_rollback_without_anything_to_go_back_to_is_an_error(run: Run) -> None:
    with pytest.raises(ArgoCDNotFoundError, match="no entry 9 in its history of 1"):
        run(rollback(history_id=9))


def test_a_rollback_under_auto_sync_is_refused_or_suspends_it(
    argocd: ArgoCdServer, run: Run
) -> None:
    argocd.runs("auto")
    argocd.add("auto", automated=True)
    argocd.heads["auto"] = NEW
    task = ArgoCDSyncOperator(task_id="s", application="auto", **FAST | {"looks": 1})
    run(task)
    with pytest.raises(ArgoCDRevisionError, match="suspend_auto_sync"):
        run(ArgoCDRollbackOperator(task_id="r", application="auto", **FAST))

    task = ArgoCDRollbackOperator(
        task_id="r", application="auto", suspend_auto_sync=True, **FAST | {"looks": 1}
    )
    told = context(task)
    task.allow_nested_operators = True
    task.execute(told)

    assert told["ti"].xcoms[AUTO_SYNC_KEY] == {"prune": True}
    assert "automated" not in argocd.applications["auto"]["spec"]["syncPolicy"]


def test_a_refresh_tells_how_the_application_is_and_notes_its_link(
    argocd: ArgoCdServer, run: Run
) -> None:
    del run
    task = ArgoCDRefreshOperator(task_id="refresh", application="shop", hard=True, deferrable=False)
    told = context(task)
    task.allow_nested_operators = True

    assert task.execute(told)["health"] == "Healthy"
    assert argocd.refreshed == ["shop"]
    assert told["ti"].xcoms[LINK_KEY] == f"{argocd.url}/applications/shop"


def test_a_deferred_refresh_hands_over_a_trigger_and_takes_its_event(
    argocd: ArgoCdServer, run: Run
) -> None:
    task = ArgoCDRefreshOperator(task_id="refresh", application="shop", deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        run(task)

    assert caught.value.method_name == "execute_complete"
    assert argocd.refreshed == []
    facts = {"health": "Healthy"}
    assert task.execute_complete({}, {"status": "done", "message": "m", "facts": facts}) == facts
    with pytest.raises(ArgoCDTimeoutError, match="why"):
        task.execute_complete({}, {"status": "timeout", "message": "why"})


def health(**more: Any) -> ArgoCDHealthSensor:
    given = FAST | {"looks": 1, "poke_interval": 0.1, "timeout": 20} | more
    return ArgoCDHealthSensor(task_id="healthy", **given)


def test_a_sensor_waits_until_every_application_is_well(argocd: ArgoCdServer, run: Run) -> None:
    argocd.add("etl")
    argocd.has_health("etl", "Progressing")
    argocd.later(0.4, lambda: argocd.has_health("etl", "Healthy"))

    facts = run(health(selector="team=data", looks=2, look_interval=0.1))

    assert [each["application"] for each in facts["applications"]] == ["shop", "etl"]


def test_a_selector_that_matches_nothing_is_no_pass(run: Run) -> None:
    with pytest.raises(ArgoCDNotFoundError, match="selector team=nobody: no application matches"):
        run(health(selector="team=nobody"))


def test_a_sensor_ends_with_airflows_own_timeout(argocd: ArgoCdServer, run: Run) -> None:
    argocd.has_health("shop", "Degraded")

    with pytest.raises(AirflowSensorTimeout):
        run(health(applications="shop", timeout=0.3))
    task = health(applications="shop", deferrable=True)
    with pytest.raises(AirflowSensorTimeout, match="why"):
        task.execute_complete({}, {"status": "timeout", "message": "why"})


def test_a_sensor_waits_for_the_operation_that_runs(argocd: ArgoCdServer, run: Run) -> None:
    argocd.begin("shop")
    argocd.later(0.3, lambda: argocd.end("shop", "Failed", "no"))
    task = ArgoCDOperationSensor(
        task_id="ended", application="shop", poke_interval=0.1, timeout=20, deferrable=False
    )

    with pytest.raises(ArgoCDOperationFailedError):
        run(task)


def gate(**more: Any) -> ArgoCDGateOperator:
    given: dict[str, Any] = {"applications": "shop", **FAST, **more}
    return ArgoCDGateOperator(
        task_id="gated", python_callable=lambda: "ran", op_args=[], op_kwargs={}, **given
    )


def test_a_gate_runs_the_body_skips_it_or_waits(argocd: ArgoCdServer, run: Run) -> None:
    assert run(gate()) == "ran"

    argocd.has_health("shop", "Degraded")
    with pytest.raises(AirflowSkipException, match="Degraded"):
        run(gate())
    with pytest.raises(TaskDeferred):
        run(gate(on_unhealthy="wait", deferrable=True))
    argocd.later(0.3, lambda: argocd.has_health("shop", "Healthy"))
    assert run(gate(on_unhealthy="wait")) == "ran"


def test_wrong_arguments_are_noticed_where_the_dag_is_parsed() -> None:
    for wrong in ({"on_busy": "shrug"}, {"looks": 0}):
        with pytest.raises(ArgoCDSettingsError):
            sync(**wrong)
    with pytest.raises(ArgoCDSettingsError):
        health()
    with pytest.raises(ArgoCDSettingsError):
        gate(on_unhealthy="shrug")


def test_the_forms_test_button_says_who_we_are_and_what_we_may(argocd: ArgoCdServer) -> None:
    ok, told = ArgoCDHook().test_connection()
    assert ok
    assert told == f"proj:dags:airflow at {argocd.url}; dags/*: get: yes, sync: yes"

    argocd.tokens.clear()
    ok, told = ArgoCDHook().test_connection()
    assert not ok
    assert "no session information" in told


def test_the_hook_reads_all_parts_of_an_application(argocd: ArgoCdServer, run: Run) -> None:
    del run
    hook = ArgoCDHook()
    shop = hook.target("shop")
    argocd.logs["hold"] = ["one", "two"]

    assert hook.manifests(shop)[0]["kind"] == "ConfigMap"
    assert hook.diff(shop) == []
    argocd.has_drifted("shop")
    assert hook.diff(shop)[0]["wanted"] == {"kind": "ConfigMap", "metadata": {"name": "dags"}}
    assert hook.resource_tree(shop)[0]["name"] == "dags"
    assert hook.job_log(shop, namespace="airflow", job="hold") == ["one", "two"]
    assert [entry.id for entry in hook.history(shop)] == [0]
    resource = {"group": "fermata.dev", "kind": "DagSet", "namespace": "airflow", "name": "dags"}
    hook.run_action(shop, "verify", resource | {"version": "v1alpha1"})
    assert argocd.actions[0]["action"] == "verify"
    hook.rollback(shop, 0)
    assert hook.audit_facts(shop)["project"] == "dags"


def test_a_project_that_nobody_says_is_read_from_the_application(
    argocd: ArgoCdServer, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del run
    token = argocd.token_file(tmp_path)
    address = f"argocd://127.0.0.1:{argocd.port}/http?token_file={token}"
    monkeypatch.setenv("AIRFLOW_CONN_ARGOCD_DEFAULT", address)

    assert ArgoCDHook().target("shop").project == "dags"
