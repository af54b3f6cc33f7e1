"""The health of a DagSet: never an error, never a word that lets a sync wait for ever."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata_spec.dagset import DagSetStatus, Figures, Verified
from manifests.lua_health import health, script_in

FOLDER = Path(__file__).parents[2] / "manifests" / "health" / "fermata.dev_DagSet"
SCRIPT = script_in(FOLDER)
INSTEAD: list[Any] = [None, [], {}, "", 0, True, "x"]
CASES = yaml.safe_load((FOLDER / "health_test.yaml").read_text(encoding="utf-8"))["tests"]
ALLOWED = {"Healthy", "Degraded", "Suspended"}
FIELDS = ["apiVersion", "kind", "metadata", "spec", "status"]
STATUS_FIELDS = [
    "observedGeneration",
    "phase",
    "revision",
    "verdict",
    "message",
    "dags",
    "offenders",
    "verified",
    "unproven",
    "packed",
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def load(name: str) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return obj


def dagset(status: object = None, *, generation: object = 3) -> dict[str, Any]:
    whole = {
        "apiVersion": "fermata.dev/v1alpha1",
        "kind": "DagSet",
        "metadata": {"name": "fermata-shop", "generation": generation},
        "spec": {"application": "shop", "dags": []},
    }
    return whole if status is None else whole | {"status": status}


def written(status: DagSetStatus) -> dict[str, Any]:
    """Return a DagSet with what Fermata writes for ``status``."""
    raw = json.loads(json.dumps(status.to_dict()))
    return dagset({**raw, "observedGeneration": 3})


def is_sound(answer: object) -> bool:
    """Return whether Argo CD can neither choke on an answer nor wait because of it."""
    return (
        isinstance(answer, dict)
        and answer.keys() == {"status", "message"}
        and answer["status"] in ALLOWED
        and isinstance(answer["message"], str)
    )


@pytest.mark.parametrize("case", CASES, ids=[Path(case["inputPath"]).stem for case in CASES])
def test_each_way_to_a_health_gives_it(case: dict[str, Any]) -> None:
    assert health(SCRIPT, load(case["inputPath"])) == case["healthStatus"]


def test_each_file_is_in_a_test_and_is_named_for_its_health() -> None:
    files = {path.name for path in (FOLDER / "testdata").iterdir()}

    assert {Path(case["inputPath"]).name for case in CASES} == files
    for case in CASES:
        word = Path(case["inputPath"]).name.partition("_")[0]
        assert case["healthStatus"]["status"].lower() == word


@pytest.mark.parametrize("verdict", ["", "pass", "fail", "inconclusive"])
@pytest.mark.parametrize("dags", [None, Figures(wanted=9, broken=1, missing=2, lost=3, held=4)])
@pytest.mark.parametrize("generation", [1, 3, 4])
def test_while_a_sync_runs_nothing_that_was_left_stops_it(
    verdict: str, dags: Figures | None, generation: int
) -> None:
    status = DagSetStatus(phase="Syncing", verdict=verdict, dags=dags, offenders=("a",))
    obj = written(status)
    obj["metadata"]["generation"] = generation

    assert health(SCRIPT, obj)["status"] == "Healthy"


texts = st.text(max_size=50)
statuses = st.builds(
    DagSetStatus,
    phase=st.sampled_from(["Idle", "Syncing"]),
    revision=texts,
    verdict=st.sampled_from(["", "pass", "fail", "inconclusive"]),
    message=texts,
    verified=st.none()
    | st.builds(
        Verified,
        revision=texts,
        at=texts,
        evidence=texts,
        digests=st.dictionaries(texts, texts, max_size=3),
    ),
    unproven=st.tuples(texts),
    dags=st.none()
    | st.builds(Figures, **dict.fromkeys(["broken", "lost", "held"], st.integers(0, 2**31))),
    offenders=st.lists(texts, max_size=10).map(tuple),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(statuses)
def test_whatever_fermata_writes_has_a_health(status: DagSetStatus) -> None:
    answer = health(SCRIPT, written(status))

    assert is_sound(answer)
    if status.phase == "Syncing":
        assert answer["status"] == "Healthy"
    if answer["status"] == "Healthy" and status.phase == "Idle" and status.to_dict() != {}:
        assert status.verdict in ("", "pass")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_an_object_of_any_shape_has_a_health(obj: dict[str, Any]) -> None:
    assert is_sound(health(SCRIPT, obj))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(STATUS_FIELDS), anything), anything)
def test_a_status_of_any_shape_has_a_health(status: dict[str, Any], generation: object) -> None:
    assert is_sound(health(SCRIPT, dagset(status, generation=generation)))


@pytest.mark.parametrize("case", CASES, ids=[Path(case["inputPath"]).stem for case in CASES])
def test_an_object_that_was_cut_short_anywhere_has_a_health(case: dict[str, Any]) -> None:
    whole = load(case["inputPath"])
    for path in paths(whole):
        for instead in INSTEAD:
            assert is_sound(health(SCRIPT, with_value(whole, path, instead))), (path, instead)


@pytest.mark.parametrize("obj", [None, [], "DagSet", 7, {}], ids=str)
def test_what_is_no_object_is_healthy(obj: object) -> None:
    assert health(SCRIPT, obj) == {"status": "Healthy", "message": ""}


@pytest.mark.parametrize("kind", ["ConfigMap", "dagset", None])
def test_a_foreign_object_is_left_alone(kind: str | None) -> None:
    obj = load("testdata/degraded_missing.yaml") | {"kind": kind}

    assert health(SCRIPT, obj) == {"status": "Healthy", "message": ""}


def test_a_huge_object_has_a_health_in_time_and_a_short_message() -> None:
    many = {f"dag_{n:05}": "0" * 16 for n in range(10_000)}
    obj = dagset(
        {
            "observedGeneration": 3,
            "phase": "Idle",
            "verdict": "fail",
            "message": "x" * 5_000_000,
            "offenders": list(many),
            "unproven": list(many),
            "verified": {"revision": "a", "digests": many},
        }
    )
    obj["spec"]["dags"] = [{"dagId": dag_id, "digest": digest} for dag_id, digest in many.items()]

    answer = health(SCRIPT, obj)

    assert answer["status"] == "Degraded"
    assert answer["message"] == "dag_00000, dag_00001, dag_00002, dag_00003, dag_00004"


def test_the_longest_message_that_is_written_is_shown() -> None:
    status = DagSetStatus(verdict="fail", message="ü" * 9_000)

    assert health(SCRIPT, written(status))["message"] == "ü" * 4096


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("return string.upper('x')", "nil value"),
        ("return ('x'):upper()", "index"),
        ("return os.time()", "nil value"),
        ("while true do end", "interrupted"),
    ],
    ids=["string", "a string's methods", "os", "for ever"],
)
def test_this_sandbox_lacks_what_argo_cds_lacks(script: str, why: str) -> None:
    with pytest.raises(Exception, match=why):
        health(script, {})


def paths(value: object, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each value inside ``value``."""
    inside = list(value.items()) if isinstance(value, dict) else []
    inside += list(enumerate(value)) if isinstance(value, list) else []
    return [p for key, each in inside for p in ((*prefix, key), *paths(each, (*prefix, key)))]


def with_value(whole: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    """Return a copy of ``whole`` with ``value`` at ``path``."""
    copied: Any = copy.deepcopy(whole)
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(copied)
