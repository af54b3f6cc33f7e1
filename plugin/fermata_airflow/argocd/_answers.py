"""From an HTTP answer to data, or to one of our errors."""

import json
import ssl
from typing import Any

import httpx

from fermata_airflow.argocd.calls import Call
from fermata_airflow.exceptions import (
    ArgoCDAuthenticationError,
    ArgoCDBusyError,
    ArgoCDCertificateError,
    ArgoCDError,
    ArgoCDNoOperationError,
    ArgoCDNotFoundError,
    ArgoCDPermissionError,
    ArgoCDRejectedError,
    ArgoCDRevisionError,
    ArgoCDSettingsError,
    ArgoCDSyncWindowError,
    ArgoCDUnavailableError,
    ArgoCDUnreadableAnswerError,
    one_line,
)

ANSWER_LIMIT = 32 * 2**20  # bytes
ERROR_LIMIT = 64 * 2**10  # bytes of a refusal that are read

# gRPC's codes, which Argo CD puts into every refusal; HTTP's status says less (9 and 3 are 400).
_UNKNOWN, _INVALID, _NOT_FOUND, _DENIED, _PRECONDITION, _UNAUTHENTICATED = 2, 3, 5, 7, 9, 16
_LATER = {4, 8, 14}  # deadline exceeded, resource exhausted, unavailable
_CODE_OF_STATUS = {401: _UNAUTHENTICATED, 403: _DENIED, 404: _NOT_FOUND}
_TOO_MANY, _SERVER = 429, 500

# By code and by what stands in the message: the first that fits. Words of Argo CD 2.13 to 3.6.
_REFUSALS: tuple[tuple[int, str, type[ArgoCDRejectedError]], ...] = (
    (_UNAUTHENTICATED, "", ArgoCDAuthenticationError),
    (_DENIED, "sync window", ArgoCDSyncWindowError),
    (_DENIED, "", ArgoCDPermissionError),
    (_NOT_FOUND, "", ArgoCDNotFoundError),
    (_PRECONDITION, "another operation is already in progress", ArgoCDBusyError),
    (_PRECONDITION, "Cannot sync to", ArgoCDRevisionError),
    (_PRECONDITION, "auto-sync is enabled", ArgoCDRevisionError),
    (_UNKNOWN, "to a commit SHA", ArgoCDRevisionError),
    (_PRECONDITION, "to a commit SHA", ArgoCDRevisionError),
    (_INVALID, "No operation is in progress", ArgoCDNoOperationError),
    (_INVALID, "to a commit SHA", ArgoCDRevisionError),
)


def read_answer(call: Call, status: int, content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a 200 holds; raise for everything else."""
    if status == httpx.codes.OK:
        try:
            return json.loads(content)
        except ValueError as exc:
            told = f"{call.about}: the answer is no JSON ({len(content)} bytes)"
            raise ArgoCDUnreadableAnswerError(told) from exc
    raise refusal(call, status, content)


def refusal(call: Call, status: int, content: bytes) -> ArgoCDError:
    """Return the error that an answer means."""
    code, words = _code_and_words(content)
    code = code or _CODE_OF_STATUS.get(status, 0)
    message = f"{call.about}: {status} {words}".rstrip()
    if 300 <= status < 400:  # noqa: PLR2004 - a redirect
        return ArgoCDSettingsError(f"{call.about}: {status}: the address redirects elsewhere")
    for known, part, kind in _REFUSALS:
        if code == known and part in words:
            return kind(message, code=code, status=status)
    # 2 (unknown) and 13 (internal) are 500: some of them are refusals, which nobody can tell.
    if code in _LATER or status == _TOO_MANY or status >= _SERVER:
        return ArgoCDUnavailableError(message)
    return ArgoCDRejectedError(message, code=code, status=status)


def error_of_stream(call: Call, error: object) -> ArgoCDError:
    """Return the error that stands in a stream in the place of a result."""
    return refusal(call, 0, json.dumps(error).encode())


def _code_and_words(content: bytes) -> tuple[int, str]:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return 0, one_line(content[:ERROR_LIMIT].decode("utf-8", errors="replace"), 200)
    code = body.get("code") or body.get("grpc_code")
    words = body.get("message") or body.get("error") or ""
    return (code if isinstance(code, int) else 0), one_line(words)


def failure(call: Call, exc: Exception) -> ArgoCDError:
    """Return the error that a failure of the transport means."""
    if certificate := _certificate_problem(exc):
        return ArgoCDCertificateError(f"{call.about}: certificate: {one_line(certificate)}")
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ArgoCDSettingsError(f"{call.about}: {one_line(exc)}")
    never_sent = isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    told = one_line(exc) or type(exc).__name__
    return ArgoCDUnavailableError(f"{call.about}: no answer: {told}", sent=not never_sent)


def _certificate_problem(exc: BaseException | None) -> str:
    seen = 0
    while exc is not None and seen < 10:  # noqa: PLR2004 - a chain has an end
        if isinstance(exc, ssl.SSLCertVerificationError):
            return exc.verify_message
        exc, seen = exc.__cause__ or exc.__context__, seen + 1
    return ""
