"""One HTTP exchange with a server: bounded in time and size, its failures told in one line.

Airflow, Argo CD and Kubernetes are all spoken to through this package, and ``requests`` does not
get out of it: every failure is a ``RejectedError``, an ``UnavailableError`` or a
``SettingsError``, and none holds a secret.
"""

from fermata_hooks.exchange._addresses import is_loopback, segment
from fermata_hooks.exchange._failures import (
    NotSentError,
    UnreadableAnswerError,
    one_line,
)
from fermata_hooks.exchange._secret_files import (
    SECRET_LIMIT,
    bearer,
    is_token,
    read_private_file,
    read_secret,
)
from fermata_hooks.exchange._transport import (
    Answer,
    Form,
    Headers,
    Method,
    Query,
    Request,
    Transport,
)

__all__ = [
    "SECRET_LIMIT",
    "Answer",
    "Form",
    "Headers",
    "Method",
    "NotSentError",
    "Query",
    "Request",
    "Transport",
    "UnreadableAnswerError",
    "bearer",
    "is_loopback",
    "is_token",
    "one_line",
    "read_private_file",
    "read_secret",
    "segment",
]
