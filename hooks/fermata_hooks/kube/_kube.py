"""One API server, spoken to over HTTP; each request once."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Answer, Request, Transport, UnreadableAnswerError
from fermata_hooks.kube._cluster import Cluster

TIMEOUT = 10.0  # seconds for one request; nothing that is asked takes one
ANSWER_LIMIT = 4 * 2**20  # bytes; an object is at most 1.5 MiB, a page of a list holds few


class Kube:
    """The API server of one cluster; may be used by several threads at once.

    Raises ``UnavailableError`` (no answer, 5xx, 429), ``RejectedError`` (other 4xx, with its
    status: 409 is a conflict) or ``SettingsError`` (a token file that cannot be read).
    """

    def __init__(self, cluster: Cluster, *, clock: Clock, timeout: float = TIMEOUT) -> None:
        self.clock = clock
        self._cluster = cluster
        self._transport = Transport(
            cluster.url,
            service="Kubernetes",
            clock=clock,
            timeout=timeout,
            ca_file=cluster.ca_file,
            client_certificate=cluster.client_certificate,
        )

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far by kind (``kubernetes GET``, …), for ``Report.calls``."""
        return self._transport.calls

    def ask(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        """Send a request as ourselves, once; return the JSON of its answer."""
        return self.answer(request).json()

    def answer(self, request: Request) -> Answer:
        """Send a request as ourselves, once; return its answer, with the server's date."""
        return self._transport.send(self._ours(request))

    def stream(self, request: Request, *, patience: float) -> Iterator[Any]:
        """Send a request as ourselves; yield the JSON of each line of its answer as it comes.

        Nothing for ``patience`` seconds is an ``UnavailableError``.
        """
        for line in self._transport.lines(self._ours(request), patience=patience):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as exc:
                told = f"{request.method} {request.path}"
                raise UnreadableAnswerError(f"{told}: a line of the answer is no JSON") from exc

    def _ours(self, request: Request) -> Request:
        ours = {**request.headers, **self._cluster.headers()}
        return replace(request, headers=ours, limit=ANSWER_LIMIT)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()
