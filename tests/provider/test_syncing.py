"""A sync is asked for exactly once, though answers are lost and tasks are tried again."""

from dataclasses import replace
from typing import Any

import pytest

from fakes.argocd_server import ArgoCdServer
from fermata_airflow.argocd import calls
from fermata_airflow.argocd.application import read_application
from fermata_airflow.argocd.calls import SyncOrder, Target
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.syncing import LOOKS, Attempt, marker_of_ours, start_sync, with_infos
from fermata_airflow.exceptions import ArgoCDUnavailableError
from fermata_spec.initiator import Initiator

SHOP = Target("shop", "dags")
FIRST = Attempt(dag_id="nightly", run_id="r1", task_id="sync")
SECOND = replace(FIRST, number=2)
CLEARED = replace(FIRST, number=3, cleared=2)


def order(attempt: Attempt = FIRST) -> SyncOrder:
    return with_infos(SyncOrder(infos={"why": "nightly"}), attempt)


def nothing(_seconds: float) -> None:
    """A sleep that takes no time."""


def ours(client: Client, attempt: Attempt) -> str:
    return marker_of_ours(read_application(client.send(calls.get(SHOP))), attempt)


def test_the_operation_says_which_run_asked_for_it(argocd: ArgoCdServer, client: Client) -> None:
    argocd.add("shop")

    application = start_sync(client, SHOP, order())

    assert application.requested is not None
    expected = Initiator("nightly", "r1", "sync", FIRST.marker)
    assert Initiator.of(application.requested) == expected
    assert application.requested["why"] == "nightly"


def test_a_lost_answer_is_found_by_the_marker_and_nothing_is_sent_again(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    argocd.loses_answers = True
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        argocd.loses_answers = False

    application = start_sync(client, SHOP, order(), sleep=sleep)

    assert application.requested is not None
    assert argocd.started == ["shop"]
    assert naps == [LOOKS[0]]


def test_a_request_that_got_lost_itself_is_not_sent_again(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    argocd.answers = 503
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        argocd.answers = None

    with pytest.raises(ArgoCDUnavailableError, match="it may still begin"):
        start_sync(client, SHOP, order(), sleep=sleep)

    assert argocd.started == []
    assert naps == list(LOOKS)


def test_a_retry_goes_on_with_what_an_earlier_try_began(
    argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    start_sync(client, SHOP, order(FIRST))

    assert ours(client, SECOND) == FIRST.marker
    argocd.begin("shop")
    assert ours(client, SECOND) == FIRST.marker
    argocd.end("shop", "Succeeded")
    assert ours(client, SECOND) == FIRST.marker


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_retry_does_not_go_on_with_what_failed(
    phase: str, argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    start_sync(client, SHOP, order(FIRST))
    argocd.begin("shop")
    argocd.end("shop", phase)

    assert ours(client, SECOND) == ""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(CLEARED, id="cleared by a person"),
        pytest.param(replace(FIRST, run_id="r2"), id="another run"),
        pytest.param(replace(FIRST, map_index=1), id="another mapped task"),
        pytest.param(replace(FIRST, task_id="other"), id="another task"),
    ],
)
def test_an_operation_of_something_else_is_not_ours(
    other: Attempt, argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    start_sync(client, SHOP, order(FIRST))

    assert ours(client, other) == ""


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        pytest.param({"revision": "b" * 40}, "revision", "b" * 40, id="revision"),
        pytest.param({"dry_run": True}, "dryRun", True, id="dry run"),
        pytest.param({"prune": True}, "prune", True, id="prune"),
        pytest.param({"hooks": False}, "strategy", {"apply": {"force": False}}, id="no hooks"),
        pytest.param({"force": True}, "strategy", {"hook": {"force": True}}, id="force"),
        pytest.param(
            {"options": ("Validate=false",)},
            "syncOptions",
            {"items": ["Validate=false"]},
            id="options",
        ),
        pytest.param({"retries": 3}, "retryStrategy", {"limit": 3}, id="retries"),
        pytest.param({"revisions": ("b" * 40, "1.0")}, "sourcePositions", [1, 2], id="sources"),
        pytest.param(
            {"resources": ({"kind": "ConfigMap", "name": "x"},)},
            "resources",
            [{"kind": "ConfigMap", "name": "x"}],
            id="resources",
        ),
    ],
)
def test_each_wish_reaches_argo_cd(
    change: dict[str, Any], field: str, value: object, argocd: ArgoCdServer, client: Client
) -> None:
    argocd.add("shop")
    wished = SyncOrder(**(vars(order()) | change))

    start_sync(client, SHOP, wished, sleep=nothing)

    assert argocd.bodies[0][field] == value


def test_argo_cds_own_retries_are_off_unless_asked_for_and_its_options_are_the_applications() -> (
    None
):
    body = calls.sync(SHOP, SyncOrder()).body

    assert body is not None
    assert body["retryStrategy"] == {"limit": 0}
    assert "syncOptions" not in body
    inherited = calls.sync(SHOP, SyncOrder(retries=None)).body
    assert inherited is not None
    assert "retryStrategy" not in inherited
