"""The same exchange for an event loop, and streams. Nothing in it blocks the loop."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx

from fermata_airflow.argocd._answers import (
    ERROR_LIMIT,
    error_of_stream,
    failure,
    read_answer,
    refusal,
)
from fermata_airflow.argocd.calls import Call
from fermata_airflow.argocd.client import check_size, request
from fermata_airflow.argocd.endpoint import Endpoint
from fermata_airflow.exceptions import ArgoCDUnreadableAnswerError

EVENT_STREAM = "text/event-stream"
EVENT_LIMIT = 8 * 2**20  # bytes of one event
SILENCE = 45.0  # seconds without a byte; Argo CD sends a comment every 15
FIRST_EVENT = 15.0  # seconds; what comes later was kept back by a proxy

_DATA = b"data:"
_JSON_START = b"{"


class AsyncClient:
    """Sends calls and follows streams; for one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._http: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def send(self, call: Call) -> Any:  # noqa: ANN401 - JSON
        """Return the answer; see ``Client.send``."""
        status, content = await self._once(call)
        if status == httpx.codes.UNAUTHORIZED and await self._renewed():
            status, content = await self._once(call)
        return read_answer(call, status, content)

    async def stream(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """Yield the ``result`` of each event until Argo CD ends the stream.

        Raises:
            ArgoCDUnavailableError: it broke off, was silent, or its first event did not come.
            ArgoCDRejectedError: refused, also in the middle.

        """
        token = await asyncio.to_thread(self.endpoint.token.read)
        told = request(self.endpoint, call, token, accept=EVENT_STREAM)
        told["timeout"] = httpx.Timeout(self.endpoint.timeout, read=SILENCE)
        http = await self._opened()
        try:
            async with http.stream(**told) as answer:
                if answer.status_code != httpx.codes.OK:
                    content = await _bounded(call, answer, ERROR_LIMIT)
                    if answer.status_code == httpx.codes.UNAUTHORIZED and await self._renewed():
                        return  # the next attempt has another token
                    raise refusal(call, answer.status_code, content)
                async for event in _events(call, answer):
                    yield event
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise failure(call, exc) from exc

    async def _renewed(self) -> bool:
        return await asyncio.to_thread(self.endpoint.token.renew)

    async def _once(self, call: Call) -> tuple[int, bytes]:
        token = await asyncio.to_thread(self.endpoint.token.read)
        http = await self._opened()
        try:
            async with http.stream(**request(self.endpoint, call, token)) as answer:
                return answer.status_code, await _bounded(call, answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise failure(call, exc) from exc

    async def _opened(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._http is None:
                trust = await asyncio.to_thread(self.endpoint.trust)
                # Each stream keeps a connection; a triggerer has a thousand triggers.
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=10)
                self._http = httpx.AsyncClient(
                    verify=trust,
                    timeout=self.endpoint.timeout,
                    follow_redirects=False,
                    limits=limits,
                )
            return self._http


async def _bounded(call: Call, answer: httpx.Response, limit: int | None = None) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if limit is None:
            check_size(call, len(content))
        elif len(content) > limit:
            break
    return bytes(content[:limit])


async def _events(call: Call, answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """Yield results: of server-sent events, or of one JSON object a line, which is the same."""
    lines = _lines(call, answer)
    while True:
        line = await anext(lines, None)
        if line is None:
            return
        payload = line.removeprefix(_DATA).strip()
        if not payload.startswith(_JSON_START):
            continue  # a comment that keeps the connection, or an empty line
        try:
            event = json.loads(payload)
        except ValueError as exc:
            raise ArgoCDUnreadableAnswerError(f"{call.about}: an event is no JSON") from exc
        if error := event.get("error"):
            raise error_of_stream(call, error)
        if isinstance(result := event.get("result"), dict):
            yield result


async def _lines(call: Call, answer: httpx.Response) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in answer.aiter_bytes():
        *whole, last = (bytes(rest) + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        for line in whole:
            yield line
        rest = bytearray(last)
        check_size(call, len(rest), EVENT_LIMIT)
