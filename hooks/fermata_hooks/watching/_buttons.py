"""Carry out what people ask for by the buttons of Argo CD's UI: each press once.

A press is taken up before it is carried out: a watch that dies in between leaves it undone, and
the person presses again; two watches never do it twice. What takes long (verify, smoke) is done
beside the loop, one at a time, so that holds are looked after meanwhile.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from fermata_hooks.dagset_requests import Asked, DagSetRequests
from fermata_spec.errors import FermataError

Deed = Callable[[str, str], None]
"""Told the application and the id of the press; says itself in the status what came of it."""

log = logging.getLogger("fermata.watch")


def in_a_thread(work: Callable[[], None]) -> None:
    """Do ``work`` beside us, in a thread that ends with the process."""
    threading.Thread(target=work, name="button", daemon=True).start()


class Buttons:
    """Looks for presses, and lets each be carried out."""

    def __init__(
        self,
        requests: DagSetRequests,
        deeds: Mapping[str, Deed],
        *,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._requests = requests
        self._deeds = deeds
        self._start = start
        self._seen: set[Asked] = set()
        self._busy = threading.Lock()

    def look(self) -> None:
        """Take up the next press, if there is one and no earlier one is being carried out.

        Raises:
            UnavailableError: the API server.
            RejectedError: it refuses.

        """
        if not self._busy.acquire(blocking=False):
            return
        started = False
        try:
            asked = set(self._requests.asked())
            self._seen &= asked
            for each in sorted(asked - self._seen, key=lambda one: (one.id, one.action)):
                application = self._requests.take_up(each)
                if application is None:
                    continue
                self._seen.add(each)
                started = True
                self._begin(each, application)
                return
        finally:
            if not started:
                self._busy.release()

    def _begin(self, asked: Asked, application: str) -> None:
        log.info("%s: %s asked for in Argo CD (%s)", application, asked.action, asked.id)

        def carry_out() -> None:
            try:
                self._deeds[asked.action](application, asked.id)
            except FermataError as exc:
                log.warning("%s: %s as asked for: %s", application, asked.action, exc)
            finally:
                self._busy.release()

        self._start(carry_out)
