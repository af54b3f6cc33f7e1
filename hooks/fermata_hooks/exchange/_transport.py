"""One HTTP exchange with a server: bounded in time and size, without redirects or surprises.

The only module that knows ``requests``. Nothing is taken from the machine's environment (no
proxy, no ``.netrc``: ``trust_env`` is off), cookies are not kept, certificates are verified, and
what fails is one of our errors. Safe for several threads.
"""

import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Literal

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from fermata_hooks.clock import Clock
from fermata_hooks.exchange._addresses import checked_address
from fermata_hooks.exchange._cookies import cookies_of
from fermata_hooks.exchange._failures import (
    NotSentError,
    UnreadableAnswerError,
    causes_of,
    explanation,
    failure_of,
    one_line,
    parse_date,
    why,
)
from fermata_hooks.exchange._writing import FORM_TYPE, revealed, secrets_in, written
from fermata_hooks.secret import Secret
from fermata_spec import __version__
from fermata_spec.errors import FermataError, RejectedError, SettingsError, UnavailableError

ANSWER_LIMIT = 16 * 2**20  # bytes; a page of 100 DAGs is 0.1 MB, and a hook may take 120 MiB
ERROR_LIMIT = 64 * 2**10  # bytes of an error's body that are looked at
IDLE_LIMIT = 2.0  # seconds a connection may idle; servers close theirs after 5 (uvicorn)
JSON_TYPE = "application/json"

_CHUNK = 2**16

Query = Sequence[tuple[str, str]]
Headers = Mapping[str, str | Secret]
Form = Mapping[str, str | Secret]
Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to ask. ``repeatable``: asking twice does no more than asking once.

    ``only_asks``: it changes nothing, whatever its method is.
    ``body`` is sent as JSON, ``form`` as a web page would; secrets in them, and in ``headers``,
    are revealed on the wire only. ``redirect``: what a redirect says is an answer, too; it is
    never followed.
    """

    method: Method
    path: str
    query: Query = ()
    body: object = field(default=None, repr=False)
    form: Form | None = field(default=None, repr=False)
    content_type: str = JSON_TYPE
    accept: str = JSON_TYPE
    headers: Headers = field(default_factory=dict, repr=False)
    repeatable: bool = False
    only_asks: bool = False
    redirect: bool = False
    limit: int = ANSWER_LIMIT
    cut: bool = False  # an answer above the limit is cut instead of refused

    @property
    def changes(self) -> bool:
        """Whether it changes something; of a method that could, unless it says otherwise."""
        return self.method != "GET" and not self.only_asks


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A 2xx answer: ``subject`` names its request in messages, ``at`` is the server's Date."""

    subject: str
    at: float
    content_type: str
    body: bytes = field(repr=False)
    cookies: Mapping[str, Secret] = field(default_factory=dict)

    def json(self) -> Any:  # noqa: ANN401 - the parsers look at every field that is used
        """Return the body as JSON; anything else is refused with one clear line."""
        if "html" in self.content_type:
            page = explanation(self.body, self.content_type)
            raise UnreadableAnswerError(f"{self.subject}: answered by a proxy, with an {page}")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            kind = self.content_type or "no content type"
            raise UnreadableAnswerError(
                f"{self.subject}: the answer is no JSON ({kind}, {len(self.body)} bytes)"
            ) from exc


class Transport:
    """The address and the connections to it."""

    def __init__(  # noqa: PLR0913 - what a connection is made of, all by name
        self,
        url: str,
        *,
        service: str,
        clock: Clock,
        timeout: float,
        ca_file: Path | None = None,
        client_certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """Make a transport; nothing is sent yet.

        Args:
            url: the base address; it may have a path.
            service: whose address it is, for messages (``Airflow``) and, in lower case, for the
                counts of calls (``airflow GET``).
            clock: for deadlines, and for the time where a server does not tell its own.
            timeout: seconds for one request.
            ca_file: certificates to trust instead of the public ones.
            client_certificate: files with a certificate and its key, to show to the server.

        """
        self.url = checked_address(url, service)
        self._service = service.lower()
        self._certificate = client_certificate
        self.calls: Counter[str] = Counter()
        self._clock = clock
        self._timeout = timeout
        self._ca_file = ca_file
        self._idle: list[tuple[float, requests.Session]] = []
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        """Send one request once; return a 2xx answer.

        Raises:
            NotSentError: no connection could be made.
            UnavailableError: no answer within the timeout, 5xx, or 429.
            RejectedError: other 4xx, redirects, bad certificates, answers that are too large.

        """
        subject = self._count(request)
        with self._session() as session:
            try:
                return self._exchange(session, request, subject)
            except (OSError, HTTPError) as exc:  # all of ``requests``' are an OSError
                raise self._no_answer(exc, subject) from exc

    def close(self) -> None:
        """Close the connections that idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.close()

    def lines(self, request: Request, *, patience: float) -> Iterator[bytes]:
        """Send one request and yield the lines of its answer as they come, until the server ends.

        ``patience``: seconds without a word after which the server is taken for gone. Raises as
        ``send`` does, also between two lines.
        """
        subject = self._count(request)
        timeout = (self._timeout, patience)
        try:
            with (
                self._new_session() as session,
                self._response(session, request, subject, timeout) as response,
            ):
                yield from _lines(response, subject, request.limit)
        except (OSError, HTTPError) as exc:
            raise self._no_answer(exc, subject) from exc

    def _exchange(self, session: requests.Session, request: Request, subject: str) -> Answer:
        ends = self._clock.monotonic() + self._timeout
        with self._response(session, request, subject, self._timeout) as response:
            limit, cut = request.limit, request.cut
            return Answer(
                subject=subject,
                at=self._date(response.headers),
                content_type=response.headers.get("Content-Type", ""),
                cookies=cookies_of(response.raw.headers.getlist("Set-Cookie")),
                body=self._read(response, subject, limit=limit, cut=cut, ends=ends),
            )

    @contextmanager
    def _response(
        self,
        session: requests.Session,
        request: Request,
        subject: str,
        timeout: float | tuple[float, float],
    ) -> Iterator[requests.Response]:
        """Send; yield a 2xx answer whose body is not read yet, or raise the failure."""
        ends = self._clock.monotonic() + self._timeout
        headers = {"Accept": request.accept, **revealed(request.headers)}
        body = written(request.body, request.form)
        if body is not None:
            headers["Content-Type"] = request.content_type if request.form is None else FORM_TYPE
        with session.request(
            request.method,
            self.url + request.path,
            params=list(request.query),
            data=body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            if 200 <= response.status_code < (400 if request.redirect else 300):  # noqa: PLR2004
                yield response
                return
            raise failure_of(
                subject,
                response.status_code,
                response.reason or "",
                response.headers,
                self._read(response, subject, limit=ERROR_LIMIT, cut=True, ends=ends),
                now=self._clock.now(),
                secrets=secrets_in(request.headers, request.body, request.form),
            )

    def _read(
        self, response: requests.Response, subject: str, *, limit: int, cut: bool, ends: float
    ) -> bytes:
        """Read the body as it comes (a large ``read`` would wait for ever for a slow trickle)."""
        content = bytearray()
        size = min(_CHUNK, limit + 1)
        while chunk := response.raw.read1(size, decode_content=True):
            content += chunk
            if len(content) > limit:
                if cut:
                    return bytes(content[:limit])
                raise UnreadableAnswerError(f"{subject}: the answer is larger than {limit} bytes")
            if self._clock.monotonic() > ends:
                raise UnavailableError(
                    f"{subject}: no complete answer within {self._timeout:g}s "
                    f"({len(content)} bytes came)"
                )
        return bytes(content)

    def _count(self, request: Request) -> str:
        """Count the request; return its name for messages."""
        with self._lock:
            self.calls[f"{self._service} {request.method}"] += 1
        return f"{request.method} {self.url}{request.path}"

    def _date(self, headers: Mapping[str, str]) -> float:
        """Return the answer's Date, or our own time from a server (or proxy) that leaves it out."""
        try:
            return parse_date(headers.get("Date", ""))
        except ValueError:
            return self._clock.now()

    def _no_answer(self, exc: Exception, subject: str) -> FermataError:
        own = isinstance(exc, requests.RequestException | HTTPError)
        if isinstance(exc, ValueError) or not own:  # an address that is none, a file that is gone
            return SettingsError(f"{subject}: {one_line(str(exc))}")
        causes = list(causes_of(exc))
        if any(isinstance(cause, ssl.SSLError | SSLError) for cause in causes):
            return RejectedError(f"{subject}: TLS: {one_line(str(causes[-1]))}")
        if any(isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in causes):
            return NotSentError(f"{subject}: no connection: {why(causes)}")
        if any(isinstance(cause, TimeoutError | ReadTimeoutError) for cause in causes):
            return UnavailableError(f"{subject}: no answer within {self._timeout:g}s")
        return UnavailableError(f"{subject}: no answer: {why(causes)}")

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """Lend a session to one thread at a time; connections that idled too long are renewed.

        A server may close an idle connection in the very moment in which we use it; for a pause
        that would be a request without an answer, and the ledger waits minutes for those.
        """
        with self._lock:
            since, session = self._idle.pop() if self._idle else (0.0, self._new_session())
        if self._clock.monotonic() - since > IDLE_LIMIT:
            session.close()
        try:
            yield session
        finally:
            with self._lock:
                self._idle.append((self._clock.monotonic(), session))

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["User-Agent"] = f"fermata/{__version__}"
        if self._ca_file is not None:
            session.verify = str(self._ca_file)
        if self._certificate is not None:
            session.cert = (str(self._certificate[0]), str(self._certificate[1]))
        return session


def _lines(response: requests.Response, subject: str, limit: int) -> Iterator[bytes]:
    rest = b""
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > limit:
            raise UnreadableAnswerError(f"{subject}: a line is larger than {limit} bytes")
