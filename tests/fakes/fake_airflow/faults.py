"""What may go wrong between a client and Airflow, to be ordered in advance."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["now", "later", "never"]


@dataclass(kw_only=True)
class Fault:
    """What happens instead of the next ``times`` requests that match.

    Args:
        method: ``GET``, ``PATCH`` …; empty for any.
        path: regular expression, searched in the path with its query.
        times: how often; 0 is for ever.
        effect: whether the request takes effect: ``now``, ``later`` (when the test calls
            ``land()``), or ``never``.
        answer: ``None``: none, the connection is closed; a status: that; ``"real"``: Airflow's own.
        body, headers: of the answer.
        wait: an event to wait for before anything is answered (the effect comes before).

    """

    method: str = ""
    path: str = ""
    times: int = 1
    effect: Effect = "never"
    answer: int | Literal["real"] | None = None
    body: bytes = b'{"detail": "made up by the test"}'
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    wait: threading.Event | None = None

    def matches(self, method: str, target: str) -> bool:
        """Return whether a request is meant."""
        return self.method in ("", method) and re.search(self.path, target) is not None


class Faults:
    """The faults that were ordered, and the requests whose effect is still to come."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._late: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        """Let it happen to the next requests that match."""
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        """Let everything go well from now on."""
        with self._lock:
            self._ordered.clear()

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault for a request, used up by one."""
        with self._lock:
            for fault in self._ordered:
                if fault.matches(method, target):
                    fault.times -= 1
                    if fault.times == 0:
                        self._ordered.remove(fault)
                    return fault
        return None

    def put_off(self, effect: Callable[[], object]) -> None:
        """Keep the effect of a request for ``land``."""
        with self._lock:
            self._late.append(effect)

    def land(self) -> int:
        """Let every request that was put off take effect now; return how many there were."""
        with self._lock:
            late, self._late = self._late, []
        for effect in late:
            effect()
        return len(late)
