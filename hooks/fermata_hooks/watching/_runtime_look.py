"""What Airflow itself is made of, against what each application has last passed on.

An image can change without a commit, and no sync tells of it. So the watch looks now and then. Of
the providers the status keeps a digest only: which of them have changed is known if this process
has seen them as they were.
"""

import logging
from collections.abc import Mapping

from fermata_hooks.runtime import AIRFLOW, Airflow, Runtime, changes, providers_digest, take_runtime
from fermata_spec.dagset import Verified

_MOST = 10

log = logging.getLogger("fermata.watch")


class RuntimeLook:
    """Compares; ``changed`` says of each application what is not as it was, in words."""

    def __init__(self, airflow: Airflow) -> None:
        self._airflow = airflow
        self._known: dict[str, Runtime] = {}  # by the digest of the providers
        self.changed: dict[str, tuple[str, ...]] = {}

    def look(self, verified: Mapping[str, Verified]) -> None:
        """Look once, and say what is new; asks nothing where no pass has written it down."""
        passes = {app: each for app, each in verified.items() if each.airflow}
        if not passes:
            self.changed = {}
            return
        now = take_runtime(self._airflow)
        changed = {app: said for app, each in passes.items() if (said := self._told(each, now))}
        for application, said in changed.items():
            if said != self.changed.get(application):
                more = f" and {len(said) - _MOST} more" if len(said) > _MOST else ""
                told = "; ".join(said[:_MOST]) + more
                log.warning("%s: since its last pass, without a commit: %s", application, told)
        self.changed = changed
        wanted = {each.providers for each in passes.values()} | {providers_digest(now)}
        self._known = {
            digest: runtime
            for digest, runtime in {**self._known, providers_digest(now): now}.items()
            if digest in wanted
        }

    def _told(self, verified: Verified, now: Runtime) -> tuple[str, ...]:
        before: Runtime = {AIRFLOW: verified.airflow}
        digest = providers_digest(now)
        if not digest or not verified.providers or digest == verified.providers:
            return tuple(changes(before, {AIRFLOW: now[AIRFLOW]}))
        if verified.providers in self._known:
            return tuple(changes({**self._known[verified.providers], **before}, now))
        return (*changes(before, {AIRFLOW: now[AIRFLOW]}), "its providers are others")
