"""Following applications in an event loop: streams that end, break off or do not work."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from airflow_connections import FakeConnection
from argocd_applications import SHOP
from fakes.argocd_server import ArgoCdServer
from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.endpoint import Endpoint, read_connection
from fermata_airflow.argocd.feed import Hub, hub
from fermata_airflow.argocd.judgement import HealthJudge, OperationJudge, Outcome
from fermata_airflow.argocd.waiting import await_outcome
from fermata_airflow.exceptions import (
    ArgoCDAuthenticationError,
    ArgoCDNotFoundError,
    ArgoCDPermissionError,
    ArgoCDTimeoutError,
)

pytestmark = pytest.mark.slow  # streams are real, and so is their time
SOON = 20.0


@asynccontextmanager
async def following(endpoint: Endpoint) -> AsyncIterator[Hub]:
    async with hub("argocd_default", endpoint) as shared:
        yield shared


async def operation(
    shared: Hub, target: Target = SHOP, seconds: float = SOON, poll_interval: float = 0.3
) -> Outcome:
    judge = OperationJudge(target.name)
    return await await_outcome(
        shared, target, judge, end=time.time() + seconds, poll_interval=poll_interval
    )


async def seen_streams(argocd: ArgoCdServer, count: int) -> None:
    async with asyncio.timeout(SOON):
        while argocd.streams != count:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.01)


def run(argocd: ArgoCdServer, endpoint: Endpoint, story: Callable[[Hub], Awaitable[None]]) -> None:
    """Run ``story`` while a sync of shop runs."""
    argocd.add("shop")
    argocd.begin("shop")

    async def scene() -> None:
        async with following(endpoint) as shared:
            await story(shared)

    asyncio.run(scene())


def test_a_change_is_heard_of_at_once(argocd: ArgoCdServer, endpoint: Endpoint) -> None:
    async def story(shared: Hub) -> None:
        # With an hour between two polls, only the stream can tell of it before the end.
        waiting = asyncio.create_task(operation(shared, poll_interval=3600))
        await seen_streams(argocd, 1)
        argocd.end("shop", "Succeeded")

        assert (await waiting).status == "done"
        await seen_streams(argocd, 0)

    run(argocd, endpoint, story)


def test_however_many_wait_there_is_one_stream_an_application(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    async def story(shared: Hub) -> None:
        waiting = [asyncio.create_task(operation(shared)) for _ in range(50)]
        await seen_streams(argocd, 1)
        await asyncio.sleep(0.1)
        argocd.end("shop", "Failed", "no")

        assert {outcome.status for outcome in await asyncio.gather(*waiting)} == {"failed"}
        assert argocd.most_streams == 1

    run(argocd, endpoint, story)


def test_a_server_that_restarts_is_found_again(argocd: ArgoCdServer, endpoint: Endpoint) -> None:
    async def story(shared: Hub) -> None:
        waiting = asyncio.create_task(operation(shared))
        await seen_streams(argocd, 1)
        argocd.answers = 503
        argocd.closes_streams.set()
        await seen_streams(argocd, 0)
        argocd.end("shop", "Succeeded")
        argocd.closes_streams.clear()
        argocd.answers = None

        assert (await waiting).status == "done"

    run(argocd, endpoint, story)


def test_without_streams_the_application_is_polled(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    argocd.streams_work = False

    async def story(shared: Hub) -> None:
        argocd.later(0.5, lambda: argocd.end("shop", "Succeeded"))

        assert (await operation(shared)).status == "done"
        assert argocd.most_streams == 0

    run(argocd, endpoint, story)


def test_an_application_that_is_deleted_ends_the_wait(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    async def story(shared: Hub) -> None:
        waiting = asyncio.create_task(operation(shared))
        await seen_streams(argocd, 1)
        await asyncio.sleep(0.1)
        argocd.remove("shop")

        assert (await waiting).status == "deleted"

    run(argocd, endpoint, story)


def test_a_wait_has_an_end_that_says_what_was_wanting(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    async def story(shared: Hub) -> None:
        with pytest.raises(ArgoCDTimeoutError, match="Running"):
            await operation(shared, seconds=0.5)
        await seen_streams(argocd, 0)

    run(argocd, endpoint, story)


def test_what_is_refused_is_told_to_all_who_wait(argocd: ArgoCdServer, endpoint: Endpoint) -> None:
    async def story(shared: Hub) -> None:
        with pytest.raises(ArgoCDNotFoundError):
            await operation(shared, Target("other", "dags"))
        argocd.rights.clear()
        waiting = [operation(shared) for _ in range(3)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)

        assert {type(outcome) for outcome in outcomes} == {ArgoCDPermissionError}

    run(argocd, endpoint, story)


def test_a_token_that_ends_in_the_middle_is_renewed(
    argocd: ArgoCdServer, endpoint: Endpoint, connection: FakeConnection
) -> None:
    async def story(shared: Hub) -> None:
        waiting = asyncio.create_task(operation(shared))
        await seen_streams(argocd, 1)
        argocd.tokens = {"another"}
        with open(connection.extra_dejson["token_file"], "w") as file:  # noqa: ASYNC230, PTH123
            file.write("another")
        argocd.closes_streams.set()
        await seen_streams(argocd, 0)
        argocd.closes_streams.clear()
        argocd.end("shop", "Succeeded")

        assert (await waiting).status == "done"

    run(argocd, endpoint, story)


def test_a_token_that_has_ended_for_good_is_an_error(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    argocd.tokens = set()

    async def story(shared: Hub) -> None:
        with pytest.raises(ArgoCDAuthenticationError):
            await operation(shared)

    run(argocd, endpoint, story)


def test_health_that_takes_a_refresh_is_found_without_a_change(
    argocd: ArgoCdServer, endpoint: Endpoint
) -> None:
    argocd.on_refresh = lambda name: argocd.has_health(name, "Healthy")

    async def story(shared: Hub) -> None:
        argocd.end("shop", "Succeeded")
        judge = HealthJudge("shop", looks=2, look_interval=0.3)

        outcome = await await_outcome(shared, SHOP, judge, end=time.time() + SOON)

        assert outcome.status == "done"
        assert argocd.refreshed == ["shop"]

    run(argocd, endpoint, story)


def test_connections_are_shared_by_all_of_a_loop_and_close_with_the_last(
    argocd: ArgoCdServer, endpoint: Endpoint, connection: FakeConnection
) -> None:
    argocd.add("shop")

    async def scene() -> None:
        async with following(endpoint) as one, following(read_connection(connection)) as other:
            assert one is other
        async with following(endpoint) as again:
            assert again is not one

    asyncio.run(scene())
