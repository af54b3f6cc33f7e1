"""One API server, spoken to over HTTP; each request once."""

from collections import Counter
from dataclasses import replace
from typing import Any

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Request, Transport
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
        ours = {**request.headers, **self._cluster.headers()}
        limited = replace(request, headers=ours, limit=ANSWER_LIMIT)
        return self._transport.send(limited).json()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()
