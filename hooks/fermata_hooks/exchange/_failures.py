"""How a bad answer of a server becomes one line that names the request and holds no secret.

Sorted by one question: can another attempt help? No answer, 5xx and 429 are
``UnavailableError``; other 4xx, redirects and answers that are none of the
server's own are ``RejectedError``.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from fermata_spec.errors import FermataError, RejectedError, UnavailableError

TEXT_LIMIT = 200  # characters of somebody else's words in a message of ours
LONGEST_RETRY_AFTER = 3600.0  # what a server may ask of us; more is taken for a mistake

_TOO_MANY_REQUESTS = 429
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class NotSentError(UnavailableError):
    """No connection, or no token yet: the request was never sent and can have had no effect."""


class UnreadableAnswerError(RejectedError):
    """An answer came, but none that the server promises: HTML, no JSON, too large, a field."""


def failure_of(  # noqa: PLR0913 - an HTTP answer has that many parts
    subject: str,
    status: int,
    reason: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    secrets: Iterable[str] = (),
) -> FermataError:
    """Return the error for an answer that is not 2xx.

    Args:
        subject: the request, as ``GET http://airflow:8080/api/v2/dags``.
        status: HTTP status.
        reason: the status line's words.
        headers: of the answer.
        body: of the answer, cut somewhere.
        now: seconds since the epoch, for a ``Retry-After`` that is a date.
        secrets: what must not be repeated although the server may echo it.

    """
    said = one_line(f"{status} {reason}")
    location = headers.get("Location", "")
    if location and 300 <= status < 400:  # noqa: PLR2004 - redirects
        target = without_user_info(location)
        return RejectedError(f"{subject}: {said}: redirect to {target} refused", status=status)
    text = explanation(body, headers.get("Content-Type", ""), secrets)
    message = f"{subject}: {said}: {text}" if text else f"{subject}: {said}"
    if status >= 500 or status == _TOO_MANY_REQUESTS:  # noqa: PLR2004 - server errors
        return UnavailableError(message, retry_after=_retry_after(headers, now))
    return RejectedError(message, status=status)


def explanation(body: bytes, content_type: str = "", secrets: Iterable[str] = ()) -> str:
    """Return what an error's body says, on one line of at most 200 characters.

    Airflow 3 puts a text, a list of fields or a database error under ``detail``, or a text under
    ``error``; Airflow 2 a text under ``detail`` or ``title``; Kubernetes under ``message``; Argo
    CD the same text under ``error`` and ``message``. HTML is a proxy's (or Airflow 2's
    own page for a crash): its title is enough. The input that a field error repeats is left out.
    """
    text = body.decode(errors="replace")
    if "html" in content_type or text.lstrip()[:1] == "<":
        title = _TITLE.search(text)
        text = f"HTML page {title[1].strip()!r}" if title else "HTML page"
    else:
        with suppress(ValueError, RecursionError):  # then it is plain text
            text = _words(json.loads(text))
    return one_line(text, secrets)


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` without secrets, line ends and control characters, cut at 200 characters."""
    for secret in secrets:
        text = text.replace(secret, "***")
    shown = "".join(char if char.isprintable() else " " for char in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= TEXT_LIMIT else shown[: TEXT_LIMIT - 1] + "…"


def without_user_info(url: str) -> str:
    """Return scheme, host and path of ``url``: no user info, no query (it may hold a ticket)."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an unreadable address"
    return one_line(f"{parts.scheme}://{host}{parts.path}" if host else parts.path)


def _words(body: Any) -> str:  # noqa: ANN401 - whatever JSON a server sends
    if not isinstance(body, dict):
        return str(body)
    if isinstance(told := body.get("error_description"), str) and told:  # RFC 6749, 5.2
        return f"{body.get('error')}: {told}"
    for key in ("detail", "error", "title", "message"):
        match body.get(key):
            case str(text) if text:
                return text
            case {"reason": reason}:
                return str(reason)
            case [*problems] if problems:
                return "; ".join(_field_problem(problem) for problem in problems)
    return ""


def _field_problem(problem: Any) -> str:  # noqa: ANN401 - whatever JSON a server sends
    match problem:
        case {"loc": [*location], "msg": message}:
            return f"{'.'.join(str(part) for part in location)}: {message}"
        case _:
            return "an unnamed problem"


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value.isdecimal() else parse_date(value) - now
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def parse_date(value: str) -> float:
    """Return an HTTP date as seconds since the epoch; raise ``ValueError`` for anything else."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, IndexError, OverflowError) as exc:
        raise ValueError(f"{value!r} is not an HTTP date") from exc


def causes_of(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it wraps: ``requests`` and urllib3 nest theirs as arguments."""
    seen: set[int] = set()
    todo: list[object] = [exc]
    while todo:
        cause = todo.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        with suppress(AttributeError):
            todo.append(cause.reason)  # type: ignore[attr-defined] # urllib3's MaxRetryError
        todo += [*cause.args, cause.__cause__, cause.__context__]


def why(causes: Sequence[BaseException]) -> str:
    """Return what the innermost cause says."""
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return one_line(cause.strerror)
    return one_line(str(causes[-1]) or type(causes[-1]).__name__)
