"""Every way a command may end badly, and the exit code it ends with.

    FermataError
    ├── SettingsError        2   misconfigured: no attempt will help before somebody mends it
    ├── RefusedError         3   the answer is no: a guard, the drain's deadline, a verdict fail
    ├── RejectedError        4   an API understood us and said no (400, 401, 403, 404, 409, 422)
    ├── InconclusiveError    5   what was not seen, not permitted or not run is never a pass
    ├── UnavailableError    75   no answer, 5xx or 429: the next attempt may work
    └── TerminatedError    143   SIGTERM

Anything else that escapes is a bug: exit 70, with a traceback. The codes are an API to
Kubernetes' ``podFailurePolicy`` (design.md 3) and are never reused. A message is one line: which
object, what happened, what the numbers are.
"""

from typing import ClassVar

BUG_EXIT_CODE = 70


class FermataError(Exception):
    """A failure that Fermata expects; subclasses say what it means for the next attempt."""

    exit_code: ClassVar[int]


class SettingsError(FermataError):
    """Misconfigured: ``fermata.yaml``, plan, environment, argument, or the ledger's format."""

    exit_code = 2


class RefusedError(FermataError):
    """Asked and answered: no."""

    exit_code = 3


class RejectedError(FermataError):
    """An API understood the request and refused it.

    ``status`` is the HTTP status, for callers that know what a certain refusal means.
    """

    exit_code = 4

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class InconclusiveError(FermataError):
    """Nothing says that it is bad, and nothing proves that it is good."""

    exit_code = 5


class UnavailableError(FermataError):
    """No answer, or one that says "not now": another attempt may work.

    ``retry_after`` is the server's own wish in seconds, where it gave one.
    """

    exit_code = 75

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TerminatedError(FermataError):
    """SIGTERM: the book-keeping is finished, the work is not."""

    exit_code = 143
