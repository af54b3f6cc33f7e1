"""Waiting in a thread: by reads, with an end, on a clock that only moves by sleeping."""

import pytest

from argocd_applications import SHOP
from fakes.argocd_server import ArgoCdServer
from fakes.manual_clock import ManualClock
from fermata_airflow.argocd import calls
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.facts import facts_of
from fermata_airflow.argocd.judgement import HealthJudge, Judge, OperationJudge, Outcome
from fermata_airflow.argocd.waiting import checked, wait
from fermata_airflow.exceptions import (
    ArgoCDDeletedError,
    ArgoCDNotFoundError,
    ArgoCDOperationFailedError,
    ArgoCDTimeoutError,
)


class Clock(ManualClock):
    """Lets Argo CD do what is due when it moves."""

    def __init__(self, argocd: ArgoCdServer) -> None:
        super().__init__()
        self._argocd = argocd
        argocd._now = self.now  # noqa: SLF001 - the fake's time is ours

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._argocd.tick()


@pytest.fixture
def clock(argocd: ArgoCdServer) -> Clock:
    return Clock(argocd)


def waited(client: Client, judge: Judge, clock: Clock, seconds: float = 100) -> Outcome:
    return wait(
        client,
        SHOP,
        judge,
        end=clock.now() + seconds,
        poll_interval=5,
        sleep=clock.sleep,
        now=clock.now,
    )


def test_an_operation_is_waited_for_and_told_of(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    argocd.add("shop")
    argocd.begin("shop", revision="b" * 40)
    argocd.later(15, lambda: argocd.end("shop", "Succeeded", "synced"))

    facts = facts_of(waited(client, OperationJudge("shop"), clock), application="shop")

    assert clock.naps == [5, 5, 5]
    assert facts["phase"] == "Succeeded"
    assert facts["revision"] == "b" * 40
    assert facts["duration"] == 15


def test_a_failure_is_raised_with_argo_cds_words(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    argocd.add("shop")
    argocd.begin("shop")
    argocd.end("shop", "Failed", "one or more tasks failed")

    with pytest.raises(ArgoCDOperationFailedError, match="one or more tasks failed"):
        checked(waited(client, OperationJudge("shop"), clock))


def test_the_end_of_the_wait_says_what_was_wanting(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    argocd.add("shop")
    argocd.has_health("shop", "Progressing", "2 of 3 pods")

    with pytest.raises(ArgoCDTimeoutError, match="2 of 3 pods"):
        waited(client, HealthJudge("shop"), clock, seconds=12)

    assert sum(clock.naps) == 12


def test_a_server_that_is_away_is_waited_out(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    argocd.add("shop")
    argocd.answers = 503
    argocd.later(20, lambda: setattr(argocd, "answers", None))

    assert waited(client, HealthJudge("shop"), clock).status == "done"


def test_an_application_that_goes_during_the_wait_is_deleted_and_one_that_never_was_is_not_found(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    with pytest.raises(ArgoCDNotFoundError):
        waited(client, HealthJudge("shop"), clock)

    argocd.add("shop")
    argocd.begin("shop")
    argocd.later(6, lambda: argocd.remove("shop"))
    with pytest.raises(ArgoCDDeletedError, match="was deleted during the wait"):
        checked(waited(client, OperationJudge("shop"), clock))


def test_a_refresh_is_asked_for_where_it_tells_more(
    argocd: ArgoCdServer, client: Client, clock: Clock
) -> None:
    argocd.add("shop")
    reconciled = client.send(calls.get(SHOP))["status"]["reconciledAt"]
    argocd.on_refresh = lambda name: argocd.has_health(name, "Healthy")
    argocd.begin("shop")
    argocd.end("shop", "Succeeded")

    assert waited(client, HealthJudge("shop"), clock).status == "done"
    assert argocd.refreshed == ["shop"]
    assert reconciled
