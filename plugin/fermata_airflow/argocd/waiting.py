"""Waiting for a judge's outcome: by reads in a thread, by a feed in an event loop.

Both end: at the outcome, at a refusal, or at ``end`` (seconds since the epoch).
"""

import time
from collections.abc import Callable
from typing import Any

from fermata_airflow.argocd import calls
from fermata_airflow.argocd.application import Application, read_application
from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.feed import POLL_INTERVAL, Feed, Hub, Subscription
from fermata_airflow.argocd.judgement import Judge, Outcome
from fermata_airflow.exceptions import (
    ArgoCDDegradedError,
    ArgoCDDeletedError,
    ArgoCDError,
    ArgoCDNotFoundError,
    ArgoCDOperationFailedError,
    ArgoCDOperationLostError,
    ArgoCDTimeoutError,
    ArgoCDUnavailableError,
)

REFRESH_TIMEOUT = 60.0  # seconds; a refresh answers when it is done
SOONEST = 0.2  # seconds between two looks
SAFETY_LOOK = 60.0  # seconds after which is read what a stream should have told

_ERRORS: dict[str, type[ArgoCDError]] = {
    "failed": ArgoCDOperationFailedError,
    "lost": ArgoCDOperationLostError,
    "deleted": ArgoCDDeletedError,
    "degraded": ArgoCDDegradedError,
    "timeout": ArgoCDTimeoutError,
}


def error_of(status: str, message: str) -> ArgoCDError:
    """Return the error that a status other than ``done`` means."""
    return _ERRORS.get(status, ArgoCDError)(message)


def checked(outcome: Outcome) -> Outcome:
    """Return an outcome that is ``done``; raise what another one means."""
    if outcome.status != "done":
        raise error_of(outcome.status, outcome.message)
    return outcome


def timed_out(target: Target, judge: Judge) -> ArgoCDTimeoutError:
    """Return the error of a wait that has come to its end."""
    return ArgoCDTimeoutError(f"application {target}: the wait has come to its end: {judge.why}")


def wait(  # noqa: PLR0913 - the last three for tests
    client: Client,
    target: Target,
    judge: Judge,
    *,
    end: float,
    poll_interval: float = POLL_INTERVAL,
    say: Callable[[str], None] = lambda _why: None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Outcome:
    """Read until the outcome is known; no answer is waited out.

    Raises:
        ArgoCDTimeoutError: ``end`` came first; says what was wanting.
        ArgoCDRejectedError: refused.

    """
    said, seen = "", False
    while True:
        why = ""
        try:
            application = _read(client, target, seen=seen)
            seen = True
            if (outcome := judge.look(application, now())) is not None:
                return outcome
            why = judge.why
            if judge.wants_refresh:
                timeout = min(REFRESH_TIMEOUT, max(end - now(), 1.0))
                client.send(calls.refresh(target, hard=False, timeout=timeout))
        except ArgoCDUnavailableError as exc:
            why = str(exc)
        if why != said:
            say(why)
            said = why
        left = end - now()
        if left <= 0:
            raise timed_out(target, judge)
        again = judge.again
        sleep(min(poll_interval if again is None else again, poll_interval, left))


def _read(client: Client, target: Target, *, seen: bool) -> Application | None:
    try:
        return read_application(client.send(calls.get(target)), known=target)
    except ArgoCDNotFoundError:
        if seen:
            return None
        raise


async def await_outcome(  # noqa: PLR0913 - the last two for tests
    hub: Hub,
    target: Target,
    judge: Judge,
    *,
    end: float,
    poll_interval: float = POLL_INTERVAL,
    say: Callable[[str], None] = lambda _why: None,
    now: Callable[[], float] = time.time,
) -> Outcome:
    """Follow the application until the outcome is known; see ``wait``."""
    said = ""
    async with hub.subscribed(target, poll_interval=poll_interval) as (feed, subscription):
        while True:
            left = end - now()
            if left <= 0:
                raise timed_out(target, judge)
            application = await _next(feed, subscription, _patience(judge, left))
            if isinstance(application, str):
                continue
            if (outcome := judge.look(application, now())) is not None:
                return outcome
            if judge.why != said:
                said = judge.why
                say(said)
            if judge.wants_refresh:
                await _refresh(hub, target)


def _patience(judge: Judge, left: float) -> float:
    wanted = SAFETY_LOOK if judge.again is None else max(judge.again, SOONEST)
    return min(left, wanted)


async def _next(feed: Feed, subscription: Subscription, patience: float) -> Any:  # noqa: ANN401
    """Return the next look, of which None says that the application is gone; "" is none yet."""
    try:
        return await subscription.next(patience)
    except TimeoutError:
        pass
    try:
        await feed.look_now()
    except ArgoCDUnavailableError:
        return ""
    return await subscription.next(patience)


async def _refresh(hub: Hub, target: Target) -> None:
    """Ask for a refresh; it comes back as an event."""
    try:
        await hub.client.send(calls.refresh(target, hard=False, timeout=REFRESH_TIMEOUT))
    except ArgoCDUnavailableError:
        return
