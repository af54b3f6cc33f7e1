"""The run of a DAG that started this sync and waits for its end: the sync must not wait for it."""

import logging

from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.initiator import Initiator

log = logging.getLogger("fermata.hold")


def run_that_waits(place: Workplace, application: str) -> tuple[str, str] | None:
    """Return DAG id and run id of the run that the operation in progress names; None if none.

    Where Argo CD may not be asked, or does not answer, nobody is left out of the drain: a task
    that waits on a worker is then a blocker like any other, until the drain's deadline.
    """
    if place.started_by is not None or place.argocd is None:
        return place.started_by
    try:
        found = place.argocd.application(application)
    except (RejectedError, UnavailableError) as exc:
        log.info("%s: who started this sync is not known: %s", application, exc)
        return None
    if found is None or not found.in_progress:
        return None
    for infos in found.infos:
        if initiator := Initiator.of(infos):
            log.info("%s: started by %s, run %s", application, *initiator[:2])
            return initiator.dag_id, initiator.run_id
    return None
