"""The client's knowledge of Airflow against Airflow's own description of its API.

A newer release that knows a state, or no longer knows a path or a parameter of ours, is noticed
here, before anything goes wrong in somebody's cluster.
"""

import json
import urllib.request
from typing import Any

import pytest

from fermata_hooks.airflow_api import (
    ACTIVE_RUN_STATES,
    BUSY_TASK_STATES,
    FINISHED_RUN_STATES,
    FINISHED_TASK_STATES,
    IDLE_TASK_STATES,
)
from fermata_hooks.demo.airflow_server import RunningAirflow

pytestmark = [pytest.mark.airflow]

Json = dict[str, Any]

DESCRIPTIONS = {"2": ("/api/v1/openapi.json", ""), "3": ("/openapi.json", "/api/v2")}
DAG, RUN = "/dags/{}", "/dags/{}/dagRuns/{}"
VERBS = {
    "/version": ("get", set()),
    "/dags": ("get", {"limit", "offset", "order_by", "tags", "dag_id_pattern"}),
    DAG: ("patch", {"update_mask"}),
    f"{DAG}/details": ("get", set()),
    "/dagSources/{}": ("get", set()),
    "/importErrors": ("get", {"limit", "offset", "order_by"}),
    "/dags/~/dagRuns/~/taskInstances/list": ("post", set()),
    f"{RUN}/taskInstances": ("get", {"limit", "offset"}),
    f"{RUN}/taskInstances/{{}}/logs/{{}}": ("get", {"full_content", "map_index"}),
    f"{DAG}/dagRuns": ("post", set()),
    RUN: ("patch", set()),
    "/parseDagFile/{}": ("put", set()),
    "/eventLogs": ("get", {"limit", "offset", "order_by", "included_events", "after"}),
}


@pytest.fixture(scope="module")
def description(airflow: RunningAirflow) -> Json:
    path, _ = DESCRIPTIONS[airflow.release.generation]
    with urllib.request.urlopen(airflow.url + path, timeout=60) as answer:  # noqa: S310 - our own
        return dict(json.load(answer))


def resolved(description: Json, node: Json) -> Json:
    """Return what a node says, or what the one that it refers to says."""
    reference: str = node.get("$ref", "")
    if not reference:
        return node
    found: Any = description
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def enum(description: Json, *names: str) -> set[str]:
    schemas = description["components"]["schemas"]
    (schema,) = [schemas[name] for name in names if name in schemas]
    return {value for value in schema["enum"] if value is not None}


def test_every_state_of_a_task_is_sorted(description: Json) -> None:
    states = enum(description, "TaskInstanceState", "TaskState")

    assert states <= BUSY_TASK_STATES | IDLE_TASK_STATES | FINISHED_TASK_STATES | {"shutdown"}


def test_every_state_of_a_run_is_sorted(description: Json) -> None:
    states = enum(description, "DagRunState", "DagState")

    assert states == ACTIVE_RUN_STATES | FINISHED_RUN_STATES


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_of_ours_is_known_with_its_parameters(
    path: str, description: Json, airflow: RunningAirflow
) -> None:
    root = DESCRIPTIONS[airflow.release.generation][1]
    verb, parameters = VERBS[path]
    paths = {shape(known): item for known, item in description["paths"].items()}

    item = paths[root + path]

    nodes = [*item.get("parameters", []), *item[verb].get("parameters", [])]
    assert parameters <= {resolved(description, node)["name"] for node in nodes}


def shape(path: str) -> str:
    """Return a path with its parameters' names left out; ``~`` of 3.x is one in a batch."""
    parts = ["{}" if part.startswith("{") else part for part in path.split("/")]
    if parts[-1] == "list":
        parts = ["~" if part == "{}" else part for part in parts]
    return "/".join(parts)
