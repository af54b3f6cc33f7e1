"""Every way in which a call to Argo CD, or a wait for it, may end badly.

    ArgoCDError
    ├── ArgoCDSettingsError            the connection or an argument is wrong; no attempt will help
    │   └── ArgoCDCertificateError     the server's certificate is not trusted
    ├── ArgoCDUnavailableError         no answer, 5xx or 429; a later attempt may work
    │   └── ArgoCDUnreadableAnswerError   cut in half, too large, or no JSON
    ├── ArgoCDRejectedError            Argo CD understood and refused
    │   ├── ArgoCDAuthenticationError  the token is wrong or has ended
    │   ├── ArgoCDPermissionError      not permitted (or missing, where no project was named)
    │   │   └── ArgoCDSyncWindowError  a sync window is closed
    │   ├── ArgoCDNotFoundError        the application is not there
    │   ├── ArgoCDBusyError            another operation is in progress
    │   ├── ArgoCDNoOperationError     there is no operation to end
    │   └── ArgoCDRevisionError        this revision cannot be had, or not under auto-sync
    └── ArgoCDWaitError                what was waited for did not come
        ├── ArgoCDOperationFailedError  the operation ended Failed or Error
        ├── ArgoCDOperationLostError    another operation took its place
        ├── ArgoCDDeletedError          the application was deleted
        ├── ArgoCDDegradedError         it was Healthy and turned Degraded
        └── ArgoCDTimeoutError          the end of the wait came first

A message is one line: which application, what happened, the numbers; Argo CD's own words are in it.
They are plain exceptions: to Airflow each means "failed, retry if the task may".
"""

MESSAGE_LIMIT = 400  # characters of Argo CD's words in one message


def one_line(text: object, limit: int = MESSAGE_LIMIT) -> str:
    """Return ``text`` on one line, cut to ``limit`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class ArgoCDError(Exception):
    """A failure that is expected."""


class ArgoCDSettingsError(ArgoCDError):
    """The connection or an argument is wrong."""


class ArgoCDCertificateError(ArgoCDSettingsError):
    """The server's certificate is not trusted."""


class ArgoCDUnavailableError(ArgoCDError):
    """No answer, or one that says "not now".

    ``sent``: the request may have arrived, and what it asks for may happen or have happened.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ArgoCDUnreadableAnswerError(ArgoCDUnavailableError):
    """The answer was cut, is too large, or is not JSON."""


class ArgoCDRejectedError(ArgoCDError):
    """Argo CD refused; ``code`` is its own (gRPC's), ``status`` is HTTP's."""

    def __init__(self, message: str, *, code: int = 0, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class ArgoCDAuthenticationError(ArgoCDRejectedError):
    """The token is wrong or has ended."""


class ArgoCDPermissionError(ArgoCDRejectedError):
    """Not permitted; without a project in the request also: not there."""


class ArgoCDSyncWindowError(ArgoCDPermissionError):
    """A sync window is closed."""


class ArgoCDNotFoundError(ArgoCDRejectedError):
    """It is not there."""


class ArgoCDBusyError(ArgoCDRejectedError):
    """Another operation is in progress."""


class ArgoCDNoOperationError(ArgoCDRejectedError):
    """There is no operation to end."""


class ArgoCDRevisionError(ArgoCDRejectedError):
    """This revision cannot be had, or not while auto-sync is on."""


class ArgoCDWaitError(ArgoCDError):
    """What was waited for did not come."""


class ArgoCDOperationFailedError(ArgoCDWaitError):
    """The operation ended ``Failed`` or ``Error``."""


class ArgoCDOperationLostError(ArgoCDWaitError):
    """Another operation took its place before its end was seen."""


class ArgoCDDeletedError(ArgoCDWaitError):
    """The application was deleted."""


class ArgoCDDegradedError(ArgoCDWaitError):
    """It was Healthy, and turned Degraded."""


class ArgoCDTimeoutError(ArgoCDWaitError):
    """The end of the wait came first."""
