"""``DagSet``: what git wants Airflow to hold (``spec``) and what Airflow holds (``status``).

``spec`` is free of the revision, or every commit would make the application OutOfSync; ``status``
is never a diff for Argo CD (measured on Argo CD 3.6). ``status.verified`` is what ``affected`` is
judged against: the digests of the last *passed* verify, never ``spec``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fermata_spec.plan import API_VERSION, Plan

KIND = "DagSet"
Phase = Literal["Idle", "Syncing"]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The last revision that passed: when (RFC 3339), by which evidence, and each DAG's digest."""

    revision: str
    at: str
    evidence: str
    digests: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DagSetStatus:
    """``DagSet.status`` as far as the hooks write it; ``verified`` survives every failed verify.

    ``unproven``: the DAGs that attempts since the last pass have touched. Airflow may hold
    anything of them, also when git has gone back to what was verified.
    """

    phase: Phase = "Idle"
    revision: str = ""
    verdict: str = ""
    message: str = ""
    verified: Verified | None = None
    unproven: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the status as Kubernetes stores it (without keys that say nothing)."""
        return {key: value for key, value in asdict(self).items() if value}


@dataclass(frozen=True, kw_only=True)
class Change:
    """The DAGs that a plan touches, judged against the last passed verify.

    ``changed``: wanted, and with another digest than verified (or never verified, or touched by
    an attempt since). ``removed``: verified or attempted once, and not wanted any more.
    """

    changed: frozenset[str] = field(default_factory=frozenset)
    removed: frozenset[str] = field(default_factory=frozenset)

    @property
    def affected(self) -> frozenset[str]:
        """Every DAG that ``hold`` with ``select: affected`` would pause."""
        return self.changed | self.removed


def change(plan: Plan, status: DagSetStatus) -> Change:
    """Return what ``plan`` touches; without a passed verify that is all of it.

    A revert of a failed revision has the verified digests again, and yet it touches what that
    revision touched: only the next pass says that Airflow is back.
    """
    wanted = plan.digests()
    before = dict(status.verified.digests) if status.verified else {}
    unproven = frozenset(status.unproven)
    return Change(
        changed=frozenset(
            d for d, digest in wanted.items() if before.get(d) != digest or d in unproven
        ),
        removed=(frozenset(before) | unproven) - wanted.keys(),
    )


def parse_status(raw: Mapping[str, Any]) -> DagSetStatus:
    """Return the part of a ``status`` that Fermata knows; tolerant of keys of newer releases."""
    verified, unproven = raw.get("verified"), raw.get("unproven")
    return DagSetStatus(
        phase="Syncing" if raw.get("phase") == "Syncing" else "Idle",
        revision=str(raw.get("revision", "")),
        verdict=str(raw.get("verdict", "")),
        message=str(raw.get("message", "")),
        verified=_verified(verified) if isinstance(verified, Mapping) else None,
        unproven=tuple(str(dag_id) for dag_id in unproven) if isinstance(unproven, list) else (),
    )


def _verified(raw: Mapping[str, Any]) -> Verified | None:
    digests = raw.get("digests")
    if not isinstance(digests, Mapping):
        return None
    return Verified(
        revision=str(raw.get("revision", "")),
        at=str(raw.get("at", "")),
        evidence=str(raw.get("evidence", "")),
        digests={str(k): str(v) for k, v in digests.items()},
    )


def dagset(plan: Plan, *, name: str) -> dict[str, Any]:
    """Return the ``DagSet`` object of ``plan``."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": name,
            "annotations": {
                # A missing CRD would else fail the sync before any hook could say so.
                "argocd.argoproj.io/sync-options": "SkipDryRunOnMissingResource=true"
            },
        },
        "spec": {
            "application": plan.application,
            "dags": [
                {"dagId": dag.dag_id, "digest": dag.digest, "file": dag.file} for dag in plan.dags
            ],
        },
    }
