"""Wait in a test for what a real server does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

from fermata_spec.errors import UnavailableError

Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None], *, within: float) -> Found:
    """Return what ``look`` finds within so many seconds.

    A server that does not answer for the moment (Airflow 2 on SQLite says 500 while its scheduler
    writes) has not shown it yet.
    """
    give_up_at = time.monotonic() + within
    silence: UnavailableError | None = None
    while time.monotonic() < give_up_at:
        try:
            if found := look():
                return found
            silence = None
        except UnavailableError as exc:
            silence = exc
        time.sleep(0.3)
    raise AssertionError(f"{look.__name__}: not within {within:g} s") from silence
