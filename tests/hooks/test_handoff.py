"""What hold hands over to finish: taken once, kept by a retry, and never half believed."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.documents import FileDocuments
from fermata_hooks.handoff import (
    Handoff,
    Shape,
    _baseline,
    _model,
    document_name,
    pack,
    read_handoff,
    source_digest,
    take_baseline,
    unpack,
    write_handoff,
)
from fermata_spec.errors import SettingsError
from fermata_spec.plan import HoldPolicy, Plan, PlannedDag

TEXT = "from airflow.sdk import DAG\n"
PLAN = Plan(
    application="shop",
    revision="a" * 40,
    airflow_url="http://airflow",
    hold=HoldPolicy(lease=3600.0),
    dags=(
        PlannedDag(dag_id="etl", digest="1" * 16, file="etl.py", evidence="doc_md"),
        PlannedDag(
            dag_id="py",
            digest=source_digest(TEXT),
            file="py.py",
            evidence="source",
            source_digest=source_digest(TEXT),
        ),
    ),
)


class World:
    """An Airflow with ``etl``, ``py`` and a stale DAG."""

    def __init__(self, airflow: FakeAirflow, clock: ManualClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        airflow.add_dag("etl", file="etl.py")
        airflow.add_dag("py", file="py.py", source="something older\n")
        airflow.add_dag("old", is_stale=True)

    def take(self, *affected: str, plan: Plan = PLAN, previous: Handoff | None = None) -> Handoff:
        return take_baseline(self.api, plan, affected, self.clock, held=affected, previous=previous)


@pytest.fixture(params=["3.3.2", "2.11.2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = ManualClock()
    with FakeAirflow(str(request.param), now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            yield World(airflow, clock, api)


def test_the_baseline_is_what_was_there_before(world: World) -> None:
    error = world.airflow.add_import_error("broken.py", "SyntaxError: no")

    taken = world.take("etl", "gone")

    assert taken.affected == ("etl", "gone")
    assert taken.held == ("etl", "gone")
    assert taken.inventory == ("etl", "py")
    assert taken.last_parsed == {"etl": world.clock.now()}
    assert taken.started == int(world.clock.now())
    [(key, fingerprint)] = taken.import_errors.items()
    assert key.endswith(error.file)
    assert len(fingerprint) == 16


def test_nothing_affected_asks_airflow_nothing(world: World) -> None:
    taken = world.take()

    assert (taken.affected, taken.inventory) == ((), ())
    assert world.airflow.requests == []


def test_what_the_dags_are_made_of_is_written_down(world: World) -> None:
    dag = world.airflow.dags["etl"]
    dag.timetable, dag.tasks, dag.retries, dag.owners = "@daily", ("a", "b"), 2, ["ann"]

    taken = world.take("etl", "gone")

    shape = Shape(schedule="@daily", tasks={"a": ("ann", 2), "b": ("ann", 2)})
    assert taken.shapes == {"etl": shape}


def test_without_the_permission_to_see_tasks_the_rest_is_taken(world: World) -> None:
    world.airflow.accounts.denied.add("/tasks")

    taken = world.take("etl")

    assert (taken.shapes, taken.inventory) == ({}, ("etl", "py"))


def test_a_text_that_is_there_already_is_written_down(world: World) -> None:
    assert world.take("etl", "py").shown == ()

    world.airflow.dags["py"].source = TEXT

    assert world.take("etl", "py").shown == ("py",)


def test_of_too_many_texts_the_rest_counts_as_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_baseline, "MAX_SOURCES", 0)

    assert world.take("py").shown == ("py",)


def test_a_retry_of_the_revision_keeps_the_first_attempts_baseline(world: World) -> None:
    first = world.take("etl", "py")
    world.airflow.dags["py"].source = TEXT
    world.airflow.add_import_error("etl.py")
    world.airflow.dags["etl"].is_stale = True
    world.clock.sleep(60)

    second = world.take("etl", "py", previous=first)

    assert second.import_errors == {}
    assert second.inventory == first.inventory
    assert second.shown == ()
    assert second.started == first.started + 60


@pytest.mark.parametrize("reason", ["another revision", "older than the lease"])
def test_another_attempt_takes_its_own_baseline(world: World, reason: str) -> None:
    first = world.take("etl")
    world.airflow.add_import_error("broken.py")
    plan = replace(PLAN, revision="b" * 40) if reason == "another revision" else PLAN
    if reason == "older than the lease":
        world.clock.sleep(3601)

    assert len(world.take("etl", plan=plan, previous=first).import_errors) == 1


TAKEN = Handoff(
    application="shop",
    revision="a" * 40,
    started=12.5,
    affected=("etl",),
    import_errors={"dags:x.py": "0" * 16},
    last_parsed={"etl": 3.25},
    inventory=("etl", "ä"),
    shown=("etl",),
    shapes={"etl": Shape(schedule="@daily", tasks={"load": ("ann", 2)})},
    held=("etl",),
    useful_until=3612.5,
)


@pytest.mark.parametrize(
    "applications",
    [("shop", "shop-2"), ("a" * 80, "a" * 81), ("team_shop", "team-shop"), ("Shop", "shop")],
    ids=["plain", "too long for a name", "of another namespace", "in capitals"],
)
def test_each_application_has_a_config_map_of_its_own(applications: tuple[str, str]) -> None:
    names = [f"fermata-{document_name(application)}" for application in applications]

    assert len(set(names)) == 2
    assert all(re.fullmatch(r"fermata-sync-[a-z0-9-]{1,50}", name) for name in names)


def test_the_config_map_is_called_after_its_application() -> None:
    assert f"fermata-{document_name('shop')}" == "fermata-sync-shop"


def test_it_says_when_its_use_is_over(world: World) -> None:
    assert world.take("etl").useful_until == world.take("etl").started + PLAN.hold.lease
    assert world.take().useful_until == world.clock.now() + PLAN.hold.lease


def test_what_is_written_is_read(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)

    write_handoff(documents, replace(TAKEN, revision="b" * 40))
    write_handoff(documents, TAKEN)

    assert read_handoff(documents, "shop", "a" * 40) == TAKEN


def test_another_revisions_handoff_is_none(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)
    write_handoff(documents, TAKEN)

    assert read_handoff(documents, "shop", "c" * 40) is None
    assert read_handoff(documents, "other", "a" * 40) is None


def damaged() -> dict[str, bytes]:
    whole = json.loads(gzip.decompress(pack(TAKEN)))
    return {
        "nothing": b"",
        "no gzip": b"hello",
        "cut short": pack(TAKEN)[:-20],
        "not JSON": gzip.compress(b"{"),
        "a list": gzip.compress(b"[]"),
        "a newer format": gzip.compress(json.dumps(whole | {"format": 2}).encode()),
        "a missing key": gzip.compress(json.dumps({"format": 1, "application": "shop"}).encode()),
        "a wrong type": gzip.compress(json.dumps(whole | {"import_errors": [1]}).encode()),
        "a bomb": gzip.compress(b" " * 20_000),
    }


@pytest.mark.parametrize("kind", damaged())
def test_a_damaged_handoff_is_as_good_as_none(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_model, "MAX_BYTES", 10_000)
    documents = FileDocuments(tmp_path)
    documents.replace(
        document_name("shop"),
        damaged()[kind],
        expected=documents.read(document_name("shop")).version,
    )

    assert read_handoff(documents, "shop", "a" * 40) is None
    with pytest.raises(SettingsError):
        unpack(damaged()[kind])


def test_the_same_handoff_is_the_same_bytes() -> None:
    assert pack(TAKEN) == pack(unpack(pack(TAKEN)))


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_parse_times_survive(times: dict[str, float]) -> None:
    taken = replace(TAKEN, last_parsed=times)

    assert unpack(pack(taken)) == taken
