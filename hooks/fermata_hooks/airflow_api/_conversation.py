"""Requests as ourselves: credentials shown, renewed once when refused, safe requests repeated."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from fermata_hooks.airflow_api._dialects import DETECTED_BY, Dialect, dialect_of
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._permissions import needed
from fermata_hooks.airflow_api.credentials import Credentials, Headers
from fermata_hooks.airflow_api.fronts import Front
from fermata_hooks.airflow_api.models import AirflowVersion
from fermata_hooks.clock import Clock
from fermata_hooks.deeds import Witness, deed_of
from fermata_hooks.exchange import Answer, NotSentError, Request, Transport, UnreadableAnswerError
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError, UnavailableError

ATTEMPTS = 4
PATIENCE = 60.0  # seconds for all attempts of one request together
FIRST_BACKOFF = 0.5  # seconds at most before the second attempt; doubled each time

_UNAUTHENTICATED = 401
_NOT_FOUND = 404
_FORBIDDEN = 403
_REFUSED = frozenset({401, _FORBIDDEN})
_FORGED = "Invalid JWT token"  # 403 of a 3.x whose signing key has changed, e.g. after a restart


class Conversation:
    """All that is said to one Airflow; ``dialect`` and ``version`` are found out at first use."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        clock: Clock,
        front: Front,
        witness: Witness,
    ) -> None:
        self._witness = witness
        self.credentials = credentials
        self._front = front
        self.last_answer_at: float | None = None
        self.clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._found: tuple[AirflowVersion, Dialect] | None = None

    @property
    def kind(self) -> Literal["unknown", "token", "basic"]:
        """How passwords are shown to this Airflow (``credentials.Login``)."""
        return "unknown" if self._found is None else self._found[1].login

    @property
    def url(self) -> str:
        """Airflow's address (``credentials.Login``)."""
        return self._transport.url

    @property
    def version(self) -> AirflowVersion:
        """Which Airflow this is."""
        return self._detected()[0]

    @property
    def dialect(self) -> Dialect:
        """How this Airflow speaks."""
        return self._detected()[1]

    def ask(self, request: Request) -> Answer:
        """Send a request below the API's root, as often as its kind allows."""
        rooted = replace(request, path=self.dialect.root + request.path)
        if not request.changes:
            return self._send(rooted)
        with self._witness.watched(deed_of("airflow", rooted.method, rooted.path, rooted.body)):
            return self._send(rooted)

    def token(self, user: Mapping[str, str | Secret] | None) -> Any:  # noqa: ANN401 - JSON
        """Return what ``/auth/token`` answers (``credentials.Login``); its errors are not quoted.

        A refusal repeats what it was sent on some versions (measured: 422 of 3.3.2).
        """
        method: Literal["GET", "POST"] = "GET" if user is None else "POST"
        request = Request(method=method, path="/auth/token", body=user)
        try:
            return self.send(request).json()
        except RejectedError as exc:
            said = str(exc).split(": ")
            raise RejectedError(": ".join(said[:2]), status=exc.status) from None

    def send(self, request: Request) -> Answer:
        """Send a request as nobody but to a proxy that stands before (``credentials.Login``)."""
        dressed = replace(request, headers=self._front.dressed(request.headers))
        return self._remember(self._transport.send(dressed))

    def _detected(self) -> tuple[AirflowVersion, Dialect]:
        with self._lock:
            if self._found is None:
                self._found = self._detect()
            return self._found

    def _detect(self) -> tuple[AirflowVersion, Dialect]:
        """Ask each API generation for its version; the first that knows one is it."""
        said: list[str] = []
        for base in DETECTED_BY:
            request = Request(method="GET", path=f"{base.root}/version", repeatable=True)
            try:
                answer = self._send(request)
                version = Fields(answer.json(), answer.subject).text("version")
            except UnreadableAnswerError as exc:
                said.append(str(exc))
            except RejectedError as exc:
                if exc.status != _NOT_FOUND:
                    raise
                said.append(f"{base.root}/version: 404")
            else:
                return dialect_of(base, version)
        raise RejectedError(f"{self._transport.url}: no Airflow here: {'; '.join(said)}")

    def _send(self, request: Request) -> Answer:
        if not request.repeatable:
            return self._as_ourselves(request)
        return _repeat(lambda: self._as_ourselves(request), self.clock)

    def _as_ourselves(self, request: Request) -> Answer:
        headers = self._headers()
        try:
            return self.send(replace(request, headers=headers))
        except RejectedError as exc:
            if exc.status not in _REFUSED:
                raise
            outdated = exc.status != _FORBIDDEN or _FORGED in str(exc)
            if not (outdated and self.credentials.renew(self, headers)):
                raise self._refused(exc, request) from exc
        headers = self._headers()
        try:
            return self.send(replace(request, headers=headers))
        except RejectedError as exc:
            if exc.status not in _REFUSED:
                raise
            raise self._refused(exc, request) from exc

    def _headers(self) -> Headers:
        """Return our credentials' headers; without them, nothing is sent.

        Whoever gives a token and refuses says nothing of what is asked: its 404 is no DAG's.
        """
        try:
            return self.credentials.headers(self)
        except UnavailableError as exc:
            raise NotSentError(str(exc), retry_after=exc.retry_after) from exc
        except RejectedError as exc:
            raise RejectedError(str(exc), status=_UNAUTHENTICATED) from exc

    def _refused(self, exc: RejectedError, request: Request) -> RejectedError:
        path = request.path.removeprefix(self._found[1].root) if self._found else ""
        is_right = exc.status == _FORBIDDEN and _FORGED not in str(exc)
        need = needed(request.method, path) if is_right else ""
        who = f"{self.credentials.described}; needs {need}" if need else self.credentials.described
        return RejectedError(f"{exc} ({who})", status=exc.status)

    def _remember(self, answer: Answer) -> Answer:
        self.last_answer_at = answer.at
        return answer


def _repeat(attempt: Callable[[], Answer], clock: Clock) -> Answer:
    """Attempt until there is an answer: few times, full jitter, ``Retry-After``, one deadline."""
    give_up_at = clock.monotonic() + PATIENCE
    for number in range(1, ATTEMPTS):
        try:
            return attempt()
        except UnavailableError as exc:
            jitter = random.uniform(0, FIRST_BACKOFF * 2**number)  # noqa: S311 - no secret
            pause = max(jitter, exc.retry_after or 0.0)
            if clock.monotonic() + pause >= give_up_at:
                raise
            clock.sleep(pause)
    return attempt()
