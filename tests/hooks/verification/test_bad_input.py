"""Whatever comes back in place of Airflow's answers has a verdict, and none of them is pass."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.scripted_clock import ScriptedClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.handoff import take_baseline
from fermata_hooks.verification import Verification, verify
from fermata_spec.dagset import DagSetStatus, Verified
from fermata_spec.errors import FermataError, RejectedError
from fermata_spec.plan import Plan, PlannedDag, VerifyPolicy
from fermata_spec.report import Check

NEW, OLD = "1" * 16, "0" * 16
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
HTML = {"Content-Type": "text/html"}


class World:
    """An Airflow with ``etl``, changed and parsed already, and ``report``, untouched."""

    def __init__(self, airflow: FakeAirflow, clock: ScriptedClock, api: AirflowApi) -> None:
        self.airflow, self.clock, self.api = airflow, clock, api
        for dag_id, digest in (("etl", NEW), ("report", OLD)):
            airflow.add_dag(dag_id, file=f"{dag_id}.py", doc_md=f"fermata:{digest}")
        self.plan = Plan(
            application="shop",
            revision="a" * 40,
            airflow_url="",
            dags=tuple(
                PlannedDag(dag_id=dag_id, digest=digest, file=f"{dag_id}.py", evidence="doc_md")
                for dag_id, digest in {"etl": NEW, "report": OLD}.items()
            ),
            verify=VerifyPolicy(deadline=30.0, settle=2.0),
        )
        self.before: Callable[[], object] = lambda: None
        clock.each_nap = self.beat

    def beat(self) -> None:
        """Let every component say that it is alive."""
        for component in self.airflow.health.values():
            component.heartbeat = self.clock.now()

    def verify(self) -> Verification:
        handoff = take_baseline(self.api, self.plan, ["etl"], self.clock)
        self.before()
        verified = Verified(revision="b" * 40, at="", evidence="doc_md", digests={"report": OLD})
        return verify(
            self.api,
            self.plan,
            handoff=handoff,
            status=DagSetStatus(verified=verified),
            clock=self.clock,
            still_held=lambda: None,
        )

    def answer(self, body: bytes | dict[str, object], *, path: str, times: int = 0) -> None:
        """Let these be the answers to what is asked from verify on."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = HTML if content[:1] == b"<" else {"Content-Type": "application/json"}
        self.before = lambda: self.airflow.answers(
            200, path=path, times=times, body=content, headers=kind
        )


@pytest.fixture(params=["3.3.2", "2.11.2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = ScriptedClock()
    with FakeAirflow(str(request.param), now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            yield World(airflow, clock, api)


only_3 = pytest.mark.parametrize("world", ["3.3.2"], indirect=True)


def check(done: Verification, name: str) -> Check:
    return next(check for check in done.checks if check.name == name)


def test_without_any_of_it_it_passes(world: World) -> None:
    assert world.verify().verdict == "pass"


@pytest.mark.parametrize("path", [r"/dags\?", "importErrors", "dagWarnings", "health"])
@only_3
def test_a_page_of_a_proxy_with_status_200_is_refused_by_its_title(path: str, world: World) -> None:
    world.answer(LOGIN_PAGE, path=path)

    with pytest.raises(RejectedError, match="Sign in"):
        world.verify()


@pytest.mark.parametrize("path", [r"/dags\?", "importErrors", "dagWarnings", "health"])
@only_3
def test_502_with_a_body_is_no_answer(path: str, world: World) -> None:
    world.before = lambda: world.airflow.answers(
        502, path=path, times=0, body=BAD_GATEWAY, headers=HTML
    )

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "502 Bad Gateway" in done.message


@pytest.mark.parametrize("total", [1, 7])
@pytest.mark.parametrize(
    ("path", "name"),
    [(r"/dags\?", "dags"), ("importErrors", "import_errors"), ("dagWarnings", "dag_warnings")],
)
@only_3
def test_an_empty_page_of_a_list_that_is_not_empty_is_no_answer(
    path: str, name: str, total: int, world: World
) -> None:
    world.answer({name: [], "total_entries": total}, path=path)

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert f"no row from row 0 of {total}" in done.message


@only_3
def test_errors_on_a_page_that_does_not_come_are_not_hidden(world: World) -> None:
    for number in range(150):
        world.airflow.add_import_error(f"theirs{number}.py")
    world.before = lambda: world.airflow.answers(
        200,
        path="importErrors.*offset=90",
        times=0,
        body=json.dumps({"import_errors": [], "total_entries": 150}).encode(),
    )

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "no row from row 90 of 150" in done.message


@only_3
def test_a_total_that_changes_between_pages_is_no_answer(world: World) -> None:
    rows = [{"import_error_id": n, "filename": f"{n}.py", "stack_trace": "x"} for n in range(100)]

    def look_on() -> None:
        first = json.dumps({"import_errors": rows, "total_entries": 150}).encode()
        rest = json.dumps({"import_errors": rows[:10], "total_entries": 95}).encode()
        world.airflow.answers(200, path="importErrors.*offset=0", times=0, body=first)
        world.airflow.answers(200, path="importErrors.*offset=90", times=0, body=rest)

    world.before = look_on

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "10 row(s) from row 90 of 95" in done.message


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (r"/dags\?", {"total_entries": 0}, "dags is missing"),
        (r"/dags\?", {"dags": []}, "total_entries is missing"),
        ("importErrors", {"total_entries": 0}, "import_errors is missing"),
        ("importErrors", {"import_errors": None, "total_entries": 0}, "import_errors is missing"),
        (
            "importErrors",
            {"import_errors": [{"import_error_id": 1}], "total_entries": 1},
            r"import_errors\[0\]\.filename is missing",
        ),
        ("dagWarnings", {"total_entries": 0}, "dag_warnings is missing"),
        ("importErrors", b"[]", "not an object"),
        ("importErrors", b"{", "no JSON"),
    ],
)
@only_3
def test_a_field_that_is_missing_is_named(
    path: str, body: bytes | dict[str, object], said: str, world: World
) -> None:
    world.answer(body, path=path)

    with pytest.raises(RejectedError, match=said):
        world.verify()


@only_3
def test_a_health_that_names_no_component_is_inconclusive(world: World) -> None:
    world.answer({}, path="health")

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "scheduler has never run" in done.message


@pytest.mark.parametrize("component", ["scheduler", "dag_processor", "metadatabase"])
@only_3
def test_a_health_in_a_word_that_nobody_knows_is_inconclusive(component: str, world: World) -> None:
    world.airflow.health[component].status = "degraded"

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert f"{component} is degraded" in done.message


@only_3
def test_a_warning_of_a_kind_that_nobody_knows_is_told(world: World) -> None:
    world.airflow.warnings = [("etl", "invented later", "something")]

    done = world.verify()

    assert "etl: invented later: something" in check(done, "warnings").message


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_an_airflow_whose_components_disagree_about_the_time_is_inconclusive(
    seconds: float, world: World
) -> None:
    def beat() -> None:
        world.beat()
        world.airflow.health["scheduler"].heartbeat = world.clock.now() + seconds

    world.clock.each_nap = beat
    beat()

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "scheduler" in done.message


@pytest.mark.parametrize("seconds", [-86400, 86400])
def test_an_airflow_whose_clock_is_not_ours_is_judged_by_its_own(
    seconds: float, world: World
) -> None:
    clock = world.clock
    world.airflow.now = lambda: clock.now() + seconds

    def beat() -> None:
        for component in world.airflow.health.values():
            component.heartbeat = world.airflow.now()

    clock.each_nap = beat
    beat()

    assert world.verify().verdict == "pass"
    for component in world.airflow.health.values():
        component.heartbeat = clock.now() - 2 * 86400
    clock.each_nap = lambda: None
    assert world.verify().verdict == "inconclusive"


def test_an_airflow_that_comes_back_without_its_dags_is_no_pass(world: World) -> None:
    def come_back_empty() -> None:
        world.airflow.answers(503, path="", times=3)
        world.airflow.accounts.change_signing_key()
        world.airflow.dags.clear()

    world.before = come_back_empty

    done = world.verify()

    assert done.verdict == "fail"
    assert done.message.startswith("2 DAGs lost (100.0%")


def test_an_account_that_sees_some_dags_only_proves_nothing_about_errors(world: World) -> None:
    world.airflow.add_import_error("theirs.py")
    world.airflow.add_dag("theirs", file="theirs.py")
    world.airflow.accounts.readable = {"etl", "report"}

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "needs can_read on DAGs, not only on single ones" in done.message
    assert check(done, "inventory").verdict == "pass"
    assert world.clock.elapsed < 10


def test_a_dag_that_is_hidden_is_not_called_missing(world: World) -> None:
    world.airflow.accounts.readable = {"report"}

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "1 missing or hidden from this account: etl" in done.message


def test_an_error_that_is_redacted_is_neither_old_nor_new(world: World) -> None:
    world.airflow.add_dag("theirs", file="etl2.py")
    world.airflow.add_dag("ours", file="etl2.py")
    world.airflow.add_import_error("etl2.py")
    world.airflow.accounts.readable = {"etl", "report", "ours"}

    done = world.verify()

    assert done.verdict == "inconclusive"
    assert "1 import error may not be read: " in check(done, "import errors").message


@pytest.mark.parametrize("broken", [r"/dags\?", "importErrors", "dagWarnings", "health"])
@pytest.mark.parametrize("body", [b"null", b"[1]", b'{"error": "x"}', b"\xff\xfe", b"[" * 100_000])
@only_3
def test_nothing_that_is_no_answer_of_airflow_passes(
    broken: str, body: bytes, world: World
) -> None:
    world.answer(body, path=broken)

    try:
        verdict = world.verify().verdict
    except FermataError:
        verdict = "inconclusive"

    assert verdict != "pass"
