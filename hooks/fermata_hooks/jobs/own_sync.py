"""What a hook knows of the sync that it is part of, where Argo CD may be asked.

Which operation it is, which revision it syncs, and the run of a DAG that started it and waits for
its end: the sync must not wait for that one.
"""

import logging
from dataclasses import dataclass

from fermata_hooks.argocd import Application, Operation
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.initiator import Initiator
from fermata_spec.plan import Plan
from fermata_spec.report import Check

SHA_CHARACTERS = 40

log = logging.getLogger("fermata.hold")


@dataclass(frozen=True, kw_only=True)
class OwnSync:
    """The sync in progress. ``operation`` is its ``startedAt``, empty where it is not known.

    ``revision``: what Argo CD syncs, empty where it does not tell. ``started_by``: DAG id and run
    id of the run that started it, if it has named itself.
    """

    operation: str = ""
    revision: str = ""
    started_by: tuple[str, str] | None = None


def own_sync(place: Workplace, application: str) -> OwnSync:
    """Return what is known of the sync of ``application`` that runs now: one request at most.

    Where Argo CD may not be asked, or does not answer, nothing is known, and nobody is left out of
    the drain: a task that waits on a worker is then a blocker like any other.
    """
    found = place.application(application)
    if found is None or not found.in_progress:
        return OwnSync(started_by=place.started_by)
    running = found.operation if found.operation and found.operation.in_progress else None
    return OwnSync(
        operation=running.started if running else "",
        revision=_sha(running) if running else "",
        started_by=place.started_by or _run_that_waits(found),
    )


def _run_that_waits(found: Application) -> tuple[str, str] | None:
    for infos in found.infos:
        if initiator := Initiator.of(infos):
            log.info("%s: started by %s, run %s", found.name, *initiator[:2])
            return initiator.dag_id, initiator.run_id
    return None


def _sha(operation: Operation) -> str:
    """Return the commit that is synced; empty for a branch's name, or for several sources."""
    revision = operation.revision
    is_commit = len(revision) == SHA_CHARACTERS and not set(revision) - set("0123456789abcdef")
    return revision if is_commit else ""


def older_render(plan: Plan, sync: OwnSync) -> Check | None:
    """Return what there is to say if Argo CD syncs another commit than the plan was rendered for.

    With ``argocd.argoproj.io/manifest-generate-paths`` Argo CD takes what it has rendered before
    for every commit that changes nothing below these paths: what is applied is right, and only its
    name is an older one.
    """
    if not sync.revision or sync.revision == plan.revision:
        return None
    return Check(
        name="revision",
        verdict="pass",
        message=f"Argo CD syncs {sync.revision[:12]} with what was rendered for "
        f"{plan.revision[:12]}: no commit between them changes the paths of this application "
        "(manifest-generate-paths); held and verified is the rendered one",
    )
