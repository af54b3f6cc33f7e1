"""The buttons of a DagSet: which there are, and what one leaves on the object."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_hooks.dagset_requests import _ID, ACTIONS, PREFIX
from manifests.lua_actions import FOLDER, customization
from manifests.lua_health import action

TESTS = yaml.safe_load((FOLDER / "action_test.yaml").read_text(encoding="utf-8"))
DISCOVERY = (FOLDER / "discovery.lua").read_text(encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return obj


def press(button: str, obj: dict[str, Any]) -> dict[str, Any]:
    script = (FOLDER / button / "action.lua").read_text(encoding="utf-8")
    pressed: dict[str, Any] = action(script, obj)
    return pressed


@pytest.mark.parametrize("case", TESTS["discoveryTests"], ids=lambda c: Path(c["inputPath"]).stem)
def test_the_buttons_are_found(case: dict[str, Any]) -> None:
    found = action(DISCOVERY, load(case["inputPath"]))

    wanted = {each["name"]: each.get("disabled", False) for each in case["result"]}
    assert {name: each["disabled"] for name, each in found.items()} == wanted


@pytest.mark.parametrize(
    "case",
    TESTS["actionTests"],
    ids=lambda c: f"{c['action']} {Path(c['inputPath']).stem}",
)
def test_a_button_leaves_a_request_and_changes_nothing_else(case: dict[str, Any]) -> None:
    obj = load(case["inputPath"])
    before = int(time.time())

    pressed = press(case["action"], obj)

    annotations = pressed["metadata"].pop("annotations")
    obj["metadata"].pop("annotations", None)
    assert pressed == obj | {"spec": obj["spec"] | {"dags": {}}}  # Lua has one kind of table
    for name, wanted in case["annotations"].items():
        if wanted.startswith("SECONDS"):
            assert before <= int(annotations[name].partition("-")[0]) <= time.time()
            assert re.fullmatch(wanted.replace("SECONDS", r"\d+"), annotations[name])
            assert _ID.fullmatch(annotations[name])
        else:
            assert annotations[name] == wanted
    assert annotations.keys() == case["annotations"].keys()


def test_there_is_a_button_for_each_request_that_the_watch_knows() -> None:
    assert set(action(DISCOVERY, load("testdata/idle.yaml"))) == set(ACTIONS)
    for name in ACTIONS:
        annotations = press(name, load("testdata/idle.yaml"))["metadata"]["annotations"]
        assert list(annotations) == [PREFIX + name]


@pytest.mark.parametrize("obj", [None, {}, {"status": 7}, {"status": {"phase": []}}], ids=str)
def test_an_object_of_any_shape_has_buttons(obj: object) -> None:
    assert set(action(DISCOVERY, obj)) == set(ACTIONS)


def test_what_argo_cd_gets_is_made_of_these_files() -> None:
    made = (FOLDER.parent / "actions.yaml").read_text(encoding="utf-8")

    assert made == customization()
    parsed = yaml.safe_load(made)
    assert parsed["discovery.lua"] == DISCOVERY
    names = [each["name"] for each in parsed["definitions"]]
    assert names == list(ACTIONS)
