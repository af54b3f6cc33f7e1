"""Airflow's own rules of providers: info, templates, serialisation, documentation, imports."""

import asyncio
import inspect
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import airflow
import jsonschema  # type: ignore[import-untyped]
import pytest

from fakes.argocd_server import ArgoCdServer
from fermata_airflow.compat import BaseOperator, TriggerEvent
from fermata_airflow.decorators.argocd_gate import ArgoCDGateOperator
from fermata_airflow.get_provider_info import get_provider_info
from fermata_airflow.operators import argocd as operators
from fermata_airflow.sensors import argocd as sensors
from fermata_airflow.triggers.argocd import (
    ArgoCDHealthTrigger,
    ArgoCDOperationTrigger,
    ArgoCDRefreshTrigger,
)

TASKS = [
    operators.ArgoCDSyncOperator,
    operators.ArgoCDRollbackOperator,
    operators.ArgoCDRefreshOperator,
    sensors.ArgoCDHealthSensor,
    sensors.ArgoCDOperationSensor,
    ArgoCDGateOperator,
]
TRIGGERS = [
    ArgoCDOperationTrigger(
        argocd_conn_id="c",
        application="shop",
        end_time=2e9,
        project="dags",
        marker="m",
        health={"revision": "abc", "looks": 2},
        terminate_on_kill=True,
    ),
    ArgoCDHealthTrigger(
        argocd_conn_id="c",
        applications=[["shop", "dags", ""]],
        selector="team=data",
        projects=["dags"],
        health={"looks": 1},
        end_time=2e9,
    ),
    ArgoCDRefreshTrigger(argocd_conn_id="c", application="shop", end_time=2e9, hard=True),
]


def test_the_provider_info_is_what_airflow_asks_for() -> None:
    schema = Path(airflow.__file__).with_name("provider_info.schema.json")

    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def test_every_class_that_the_provider_info_names_is_there() -> None:
    info = get_provider_info()
    names = [
        *(row["hook-class-name"] for row in info["connection-types"]),
        *(row["class-name"] for row in info["task-decorators"]),
        *info["extra-links"],
    ]
    for name in names:
        module, _, attribute = name.rpartition(".")
        __import__(module)
        assert hasattr(sys.modules[module], attribute)


@pytest.mark.parametrize("task", TASKS)
def test_every_templated_field_is_an_argument_of_the_same_name(task: Any) -> None:
    inherited = set(inspect.signature(BaseOperator.__init__).parameters)
    known = inherited | {"templates_dict"}
    for cls in task.__mro__:
        if "__init__" in vars(cls):
            known |= set(inspect.signature(cls.__init__).parameters)

    assert set(task.template_fields) <= known


@pytest.mark.parametrize("task", TASKS)
def test_every_argument_that_is_not_of_the_connection_is_documented(task: Any) -> None:
    shared = {"self", "kwargs", "argocd_conn_id", "python_callable", "op_args", "op_kwargs"}
    shared |= {"project", "app_namespace", "poll_interval", "look_interval"}
    arguments = set(inspect.signature(task.__init__).parameters) - shared

    assert [name for name in arguments if f":param {name}:" not in (task.__doc__ or "")] == []


@pytest.mark.parametrize("trigger", TRIGGERS, ids=["operation", "health", "refresh"])
def test_a_trigger_survives_json_and_names_exactly_its_arguments(trigger: Any) -> None:
    path, kwargs = trigger.serialize()
    again = type(trigger)(**json.loads(json.dumps(kwargs)))

    assert path == f"{type(trigger).__module__}.{type(trigger).__name__}"
    assert set(kwargs) == set(inspect.signature(type(trigger).__init__).parameters) - {"self"}
    assert again.serialize() == (path, kwargs)


def events(trigger: Any) -> list[TriggerEvent]:
    async def collect() -> list[TriggerEvent]:
        return [event async for event in trigger.run()]

    return asyncio.run(collect())


def operation(seconds: float = 30, **more: Any) -> ArgoCDOperationTrigger:
    return ArgoCDOperationTrigger(
        argocd_conn_id="argocd_default",
        application="shop",
        project="dags",
        end_time=time.time() + seconds,
        **more,
    )


def test_a_trigger_fires_once_and_its_event_is_json(argocd: ArgoCdServer) -> None:
    argocd.add("shop")
    argocd.begin("shop")
    argocd.later(0.5, lambda: argocd.end("shop", "Succeeded"))
    argocd.later(0.6, lambda: argocd.has_health("shop", "Healthy"))

    (event,) = events(operation(health={"looks": 1}))

    assert event.payload["status"] == "done"
    assert json.loads(json.dumps(event.payload)) == event.payload
    assert event.payload["facts"]["phase"] == "Succeeded"


def test_a_trigger_has_an_end_and_tells_of_refusals(argocd: ArgoCdServer) -> None:
    (missing,) = events(operation())
    argocd.add("shop")
    argocd.begin("shop")
    (late,) = events(operation(seconds=0.5))

    assert missing.payload["status"] == "error"
    assert missing.payload["error"] == "ArgoCDNotFoundError"
    assert late.payload["status"] == "timeout"
    assert "Running" in late.payload["message"]


def test_several_applications_are_waited_for_together(argocd: ArgoCdServer) -> None:
    for name in ("shop", "etl"):
        argocd.add(name)
    argocd.has_health("etl", "Progressing")
    argocd.later(0.5, lambda: argocd.has_health("etl", "Healthy"))
    trigger = ArgoCDHealthTrigger(
        argocd_conn_id="argocd_default",
        applications=[["shop", "dags", ""], ["etl", "dags", ""]],
        health={"looks": 1},
        end_time=time.time() + 30,
    )

    (event,) = events(trigger)

    told = [each["application"] for each in event.payload["facts"]["applications"]]
    assert told == ["shop", "etl"]


def selected(seconds: float = 30) -> ArgoCDHealthTrigger:
    return ArgoCDHealthTrigger(
        argocd_conn_id="argocd_default",
        applications=[["shop", "dags", ""]],
        selector="team=data",
        projects=["dags"],
        health={"looks": 1},
        end_time=time.time() + seconds,
        poll_interval=0.2,
    )


def test_what_comes_to_match_a_selector_during_the_wait_is_waited_for_too(
    argocd: ArgoCdServer,
) -> None:
    argocd.add("shop")
    argocd.has_health("shop", "Progressing")
    argocd.later(0.3, lambda: argocd.add("etl"))
    argocd.later(0.3, lambda: argocd.has_health("etl", "Progressing"))
    argocd.later(0.6, lambda: argocd.has_health("shop", "Healthy"))
    argocd.later(1.2, lambda: argocd.has_health("etl", "Healthy"))

    (event,) = events(selected())

    told = [each["application"] for each in event.payload["facts"]["applications"]]
    assert told == ["shop", "etl"]


def test_a_newcomer_that_does_not_become_well_is_no_pass(argocd: ArgoCdServer) -> None:
    argocd.add("shop")
    argocd.add("etl")
    argocd.has_health("etl", "Degraded")

    (event,) = events(selected(seconds=1.5))

    assert event.payload["status"] == "timeout"
    assert "etl" in event.payload["message"]


def refresh(seconds: float = 30) -> ArgoCDRefreshTrigger:
    return ArgoCDRefreshTrigger(
        argocd_conn_id="argocd_default",
        application="shop",
        project="dags",
        hard=True,
        end_time=time.time() + seconds,
        poll_interval=0.2,
    )


def test_a_refresh_in_the_triggerer_tells_how_the_application_is(argocd: ArgoCdServer) -> None:
    argocd.add("shop")

    (event,) = events(refresh())

    assert event.payload["status"] == "done"
    assert event.payload["facts"]["health"] == "Healthy"
    assert argocd.refreshed == ["shop"]
    assert any("refresh=hard" in line for line in argocd.requests)


def test_a_refresh_waits_for_a_server_that_is_away_until_its_end(argocd: ArgoCdServer) -> None:
    argocd.add("shop")
    argocd.answers = 503
    (late,) = events(refresh(seconds=1.0))
    argocd.answers = None
    argocd.remove("shop")
    (gone,) = events(refresh())

    assert (late.payload["status"], "503" in late.payload["message"]) == ("timeout", True)
    assert gone.payload["error"] == "ArgoCDNotFoundError"


def test_a_killed_trigger_ends_our_operation_and_nobody_elses(argocd: ArgoCdServer) -> None:
    argocd.add("shop")
    argocd.begin("shop", info={"airflow.marker": "ours"})

    asyncio.run(operation(marker="other", terminate_on_kill=True).on_kill())
    phase = argocd.applications["shop"]["status"]["operationState"]
    assert phase["phase"] == "Running"

    asyncio.run(operation(marker="ours", terminate_on_kill=True).on_kill())
    assert phase["message"] == "Operation terminated"


def loaded_by(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_provider_does_nothing_and_needs_no_airflow() -> None:
    statement = "import fermata_airflow, fermata_airflow.get_provider_info"

    heavy = {"airflow", "httpx", "yaml", "kubernetes", "click", "requests"}
    assert loaded_by(statement) & heavy == set()


def test_its_operators_bring_neither_kubernetes_nor_click_of_their_own_accord() -> None:
    airflows = loaded_by(
        "from airflow.triggers.base import BaseTrigger\nimport fermata_airflow.compat, httpx"
    )

    ours = loaded_by("import fermata_airflow.operators.argocd, fermata_airflow.sensors.argocd")

    assert (ours - airflows) & {"kubernetes", "click", "requests"} == set()
