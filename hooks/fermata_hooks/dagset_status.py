"""Where ``DagSet.status`` is kept: what ``hold`` marks as syncing and ``finish`` answers.

``verified`` is what ``affected`` is judged against. Only a pass replaces it; a failed or
inconclusive attempt leaves it as it was, so that a retry does not find nothing to do.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.documents import Documents
from fermata_spec.dagset import (
    MOST_OFFENDERS,
    DagSetStatus,
    Figures,
    Phase,
    Verified,
    change,
    kept,
    parse_status,
)
from fermata_spec.errors import SettingsError
from fermata_spec.names import object_name
from fermata_spec.plan import Plan
from fermata_spec.report import Verdict

MAX_BYTES = 4 * 1024 * 1024


class DagSets(Protocol):
    """The status of each application's ``DagSet``."""

    def read(self, application: str) -> DagSetStatus:
        """Return the status; an empty one (``Idle``, never verified) when there is none."""

    def write(self, application: str, status: DagSetStatus) -> None:
        """Replace the status."""


class FileDagSets:
    """The statuses as documents beside a ledger in a folder, where there is no cluster."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def read(self, application: str) -> DagSetStatus:
        """Return the status; raise ``SettingsError`` when its document is damaged."""
        name = document_name(application)
        return decode(self._documents.read(name).content, origin=name)

    def write(self, application: str, status: DagSetStatus) -> None:
        """Replace the status; the last writer wins."""
        self._documents.put(document_name(application), encode(application, status))


def encode(application: str, status: DagSetStatus) -> bytes:
    """Return the document of a status, which says whose it is: its name may be a hash."""
    document = {"application": application, **status.to_dict()}
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def decode(content: bytes | None, *, origin: str) -> DagSetStatus:
    """Return the status in a document; raise ``SettingsError`` that names ``origin`` otherwise."""
    if content is None:
        return DagSetStatus()
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{origin}: larger than {MAX_BYTES} bytes")
    try:
        raw = json.loads(content)
    except ValueError as exc:
        raise SettingsError(f"{origin}: not JSON: {exc}") from exc
    if not isinstance(raw, dict):
        raise SettingsError(f"{origin}: not a status but a {type(raw).__name__}")
    return parse_status(raw)


def document_name(application: str) -> str:
    """Return the name of the status's document."""
    return object_name("dagset", application)


def syncing(dagsets: DagSets, plan: Plan) -> DagSetStatus:
    """Say that a sync is under way (``hold``, first thing); return what was there before.

    Without it a ``DagSet`` that is Degraded from the last sync fails the sync that mends it. What
    the sync touches is unproven from now on, until the next pass.
    """
    before = dagsets.read(plan.application)
    dagsets.write(
        plan.application,
        DagSetStatus(
            phase="Syncing",
            revision=plan.revision,
            message=f"syncing {plan.revision[:12]}",
            verified=before.verified,
            unproven=tuple(sorted(change(plan, before).affected)),
            dags=before.dags,
            plan=before.plan,
        ),
    )
    return before


def conclude(  # noqa: PLR0913 - what a status says, all by name
    dagsets: DagSets,
    plan: Plan,
    *,
    verdict: Verdict,
    message: str,
    verified: Verified | None = None,
    phase: Phase = "Idle",
    figures: Figures | None = None,
    held: int = 0,
    offenders: Sequence[str] = (),
    applied: bool = False,
) -> None:
    """Write a verdict; ``verified`` only after a pass, else what was verified before stays.

    ``figures`` are of this look at Airflow, without one those of the last look stay; ``held`` are
    the DAGs that the hold keeps beyond its sync. ``applied``: this plan's revision was applied,
    so that it is the plan to keep.
    """
    before = dagsets.read(plan.application)
    known = figures or before.dags or (Figures(wanted=len(plan.dags)) if held else None)
    dagsets.write(
        plan.application,
        DagSetStatus(
            phase=phase,
            revision=plan.revision,
            verdict=verdict,
            message=message,
            verified=verified or before.verified,
            unproven=() if verified else before.unproven,
            dags=replace(known, held=held) if known else None,
            offenders=tuple(offenders[:MOST_OFFENDERS]),
            plan=kept(plan) if applied else before.plan,
        ),
    )


def verified_now(plan: Plan, clock: Clock, *, airflow: str = "", providers: str = "") -> Verified:
    """Return what a pass of ``plan`` has verified, with the kinds of evidence it rested on.

    ``airflow`` and ``providers`` are as in ``Verified``.
    """
    kinds = sorted({dag.evidence for dag in plan.dags})
    return Verified(
        revision=plan.revision,
        at=rfc3339(clock.now()),
        evidence="+".join(kinds),
        digests=plan.digests(),
        airflow=airflow,
        providers=providers,
    )


def proven_in_this_sync(plan: Plan, status: DagSetStatus) -> bool:
    """Return whether this very revision has passed since hold began to sync it.

    hold counts what it touches as unproven, and only a pass clears that.
    """
    return (
        status.verified is not None
        and status.verified.revision == plan.revision
        and status.revision == plan.revision
        and not status.unproven
    )
