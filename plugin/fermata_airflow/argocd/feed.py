"""Applications as they change, in one event loop: one stream each, however many wait for it.

A feed follows an application by its stream. When the stream ends or breaks off, or does not
work at all (a proxy that keeps answers back), the feed reads the application by itself, waits
longer and longer up to ``poll_interval``, and tries the stream again: so an API server that
restarts costs seconds, and an installation without streams is polled. What Argo CD refuses is
told to all who wait, and ends the feed.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from weakref import WeakKeyDictionary

from fermata_airflow.argocd import calls
from fermata_airflow.argocd.application import Application, read_application
from fermata_airflow.argocd.async_client import FIRST_EVENT, AsyncClient
from fermata_airflow.argocd.calls import Target
from fermata_airflow.argocd.endpoint import Endpoint
from fermata_airflow.exceptions import (
    ArgoCDError,
    ArgoCDNotFoundError,
    ArgoCDUnavailableError,
)

POLL_INTERVAL = 15.0  # seconds between reads where the stream does not work
MOST_KEPT = 64  # looks that a subscriber may be behind; older ones are dropped
FIRST_PAUSE = 0.5  # seconds between the end of a stream and the next attempt

log = logging.getLogger(__name__)


class Gone(NamedTuple):
    """The application was deleted."""


Seen = Application | Gone | ArgoCDError


class Subscription:
    """What one who waits has not seen yet."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=MOST_KEPT)
        self._news = asyncio.Event()

    def put(self, seen: Seen) -> None:
        """Add a look."""
        self._seen.append(seen)
        self._news.set()

    async def next(self, timeout: float) -> Application | None:  # noqa: ASYNC109 - its own rule
        """Return the next look; None if the application is gone.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds.
            ArgoCDError: the feed ended.

        """
        if not self._seen:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        seen = self._seen.popleft()
        if not self._seen:
            self._news.clear()
        if isinstance(seen, ArgoCDError):
            raise seen
        return None if isinstance(seen, Gone) else seen


class Feed:
    """Follows one application for its subscribers."""

    def __init__(self, client: AsyncClient, target: Target, *, poll_interval: float) -> None:
        self._client = client
        self._target = target
        self._poll_interval = poll_interval
        self._subscriptions: set[Subscription] = set()
        self._last: Seen | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self) -> Subscription:
        """Return a new subscription; it begins with what is known."""
        subscription = Subscription()
        if self._task is None or self._task.done():
            self._last = None
            self._task = asyncio.create_task(self._follow())
        elif self._last is not None:
            subscription.put(self._last)
        self._subscriptions.add(subscription)
        return subscription

    async def remove(self, subscription: Subscription) -> bool:
        """End a subscription; with the last one the stream, and then return True."""
        self._subscriptions.discard(subscription)
        if self._subscriptions:
            return False
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        return True

    async def look_now(self) -> None:
        """Read the application once, for all who wait."""
        self._publish(await self._read())

    async def _follow(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                if await self._stream():
                    pause = FIRST_PAUSE
                await asyncio.sleep(pause)
                await self.look_now()
            except ArgoCDUnavailableError:
                await asyncio.sleep(pause)
            except ArgoCDError as exc:
                self._publish(exc)
                return
            pause = min(pause * 2, self._poll_interval)

    async def _stream(self) -> bool:
        """Follow the stream to its end; return whether it told anything."""
        told = False
        events = self._client.stream(calls.stream(self._target))
        try:
            while True:
                async with asyncio.timeout(None if told else FIRST_EVENT):
                    event = await anext(events, None)
                if event is None:
                    return told
                self._publish(self._seen(event))
                told = True
        except (ArgoCDError, TimeoutError) as exc:
            # Also a refusal: a proxy may know no streams. The read that follows tells.
            log.info("%s: stream: %s", self._target, str(exc) or "no event")
            return told
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    def _seen(self, event: dict[str, object]) -> Seen:
        if event.get("type") == "DELETED":
            return Gone()
        return read_application(event.get("application"), known=self._target)

    async def _read(self) -> Seen:
        try:
            raw = await self._client.send(calls.get(self._target))
        except ArgoCDNotFoundError:
            if isinstance(self._last, Application | Gone):
                return Gone()
            raise
        return read_application(raw, known=self._target)

    def _publish(self, seen: Seen) -> None:
        self._last = seen
        for subscription in self._subscriptions:
            subscription.put(seen)


class _Key(NamedTuple):
    """What may share a client: the same connection, read at different times, gives equal keys."""

    name: str
    url: str


class Hub:
    """The feeds of one Argo CD in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.client = AsyncClient(endpoint)
        self.users = 0
        self._feeds: dict[Target, Feed] = {}

    def feed(self, target: Target, *, poll_interval: float) -> Feed:
        """Return the feed of an application, made now if there is none."""
        if target not in self._feeds:
            self._feeds[target] = Feed(self.client, target, poll_interval=poll_interval)
        return self._feeds[target]

    @asynccontextmanager
    async def subscribed(
        self, target: Target, *, poll_interval: float = POLL_INTERVAL
    ) -> AsyncIterator[tuple[Feed, Subscription]]:
        """Be told of an application for the length of the block."""
        feed = self.feed(target, poll_interval=poll_interval)
        subscription = feed.add()
        try:
            yield feed, subscription
        finally:
            if await feed.remove(subscription) and self._feeds.get(target) is feed:
                del self._feeds[target]


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, Hub]] = WeakKeyDictionary()


@asynccontextmanager
async def hub(name: str, endpoint: Endpoint) -> AsyncIterator[Hub]:
    """Share the hub of the connection ``name``; its connections close with the last user."""
    hubs = _hubs.setdefault(asyncio.get_running_loop(), {})
    key = _Key(name, endpoint.url)
    shared = hubs.setdefault(key, Hub(endpoint))
    shared.client.endpoint = endpoint  # a connection that was changed meanwhile is the newest
    shared.users += 1
    try:
        yield shared
    finally:
        shared.users -= 1
        if shared.users == 0:
            hubs.pop(key, None)
            await shared.client.close()
