"""What waits cost: of a triggerer with two hundred of them, connections and memory."""

import asyncio
import time
from pathlib import Path

import pytest

from fakes.argocd_server import ArgoCdServer
from fermata_airflow.triggers.argocd import ArgoCDHealthTrigger, ArgoCDOperationTrigger

WAITS, APPLICATIONS = 200, 10
BUDGET = 150 * 2**20  # bytes
NEVER = 1000.0  # seconds between two polls: what is told in time was told by the stream


def resident() -> int:
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096


def trigger(number: int) -> ArgoCDHealthTrigger | ArgoCDOperationTrigger:
    name, end = f"shop-{number % APPLICATIONS}", time.time() + 100
    if number % 2:
        return ArgoCDOperationTrigger(
            argocd_conn_id="argocd_default",
            application=name,
            project="dags",
            end_time=end,
            poll_interval=NEVER,
        )
    return ArgoCDHealthTrigger(
        argocd_conn_id="argocd_default",
        applications=[[name, "dags", ""]],
        health={"looks": 1},
        end_time=end,
        poll_interval=NEVER,
    )


async def first_status(number: int) -> str:
    (status,) = [str(event.payload["status"]) async for event in trigger(number).run()]
    return status


def test_two_hundred_waits_hold_one_connection_an_application(
    argocd: ArgoCdServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(APPLICATIONS):
        argocd.add(f"shop-{number}")
        argocd.begin(f"shop-{number}")

    async def scene() -> tuple[list[str], int, float]:
        before = resident()
        waits = [asyncio.create_task(first_status(number)) for number in range(WAITS)]
        async with asyncio.timeout(60):
            while argocd.streams < APPLICATIONS:  # noqa: ASYNC110 - it is in another thread
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        grown = resident() - before
        for number in range(APPLICATIONS):
            argocd.end(f"shop-{number}", "Succeeded")
            argocd.has_health(f"shop-{number}", "Healthy")
        changed = time.monotonic()
        async with asyncio.timeout(60):
            statuses = await asyncio.gather(*waits)
        return statuses, grown, time.monotonic() - changed

    statuses, grown, taken = asyncio.run(scene())

    with capsys.disabled():
        print(f"\n200 waits: {grown / 2**20:.1f} MiB, all told {taken:.2f} s after the change")
    assert set(statuses) == {"done"}
    assert argocd.most_streams == APPLICATIONS
    assert grown < BUDGET
