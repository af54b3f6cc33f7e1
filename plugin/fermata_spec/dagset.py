"""``DagSet``: what git wants Airflow to hold (``spec``) and what Airflow holds (``status``).

``spec`` is free of the revision, or every commit would make the application OutOfSync; ``status``
is never a diff for Argo CD (measured on Argo CD 3.6). ``status.verified`` is what ``affected`` is
judged against: the digests of the last *passed* verify, never ``spec``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from fermata_spec.packing import pack_text
from fermata_spec.plan import API_VERSION, Plan, dump_plan

KIND = "DagSet"
LARGE = 400_000  # bytes of JSON: some 3,500 DAGs with their files
MOST_OFFENDERS = 10
LONGEST_MESSAGE = 4096  # characters; the CRD allows twice that
LONGEST_PLAN = 150_000  # characters, packed: some 5,000 DAGs; spec and status share 1.5 MiB
Phase = Literal["Idle", "Syncing"]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The last revision that passed: when (RFC 3339), by which evidence, and each DAG's digest.

    ``airflow`` is the version of Airflow that it passed on, ``providers`` a digest of the versions
    of its providers; empty where they were not known.
    """

    revision: str
    at: str
    evidence: str
    digests: Mapping[str, str]
    airflow: str = ""
    providers: str = ""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How many DAGs there were of each sort when Airflow was last looked at.

    ``wanted`` by git; of these ``present``, ``missing``, and ``broken`` (their file cannot be
    imported). ``lost``: there before the sync, not removed by git, and gone. ``held``: on the list
    of a hold that outlives its sync.
    """

    wanted: int = 0
    present: int = 0
    missing: int = 0
    broken: int = 0
    lost: int = 0
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class DagSetStatus:
    """``DagSet.status`` as far as the hooks write it; ``verified`` survives every failed verify.

    ``offenders``: the DAGs to look at first after a verdict fail, at most ``MOST_OFFENDERS``.

    ``unproven``: the DAGs that attempts since the last pass have touched. Airflow may hold
    anything of them, also when git has gone back to what was verified.

    ``plan``: the plan of the revision that was last applied (``kept``), for who verifies later.
    """

    phase: Phase = "Idle"
    revision: str = ""
    verdict: str = ""
    message: str = ""
    verified: Verified | None = None
    unproven: tuple[str, ...] = ()
    dags: Figures | None = None
    offenders: tuple[str, ...] = ()
    plan: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the status as Kubernetes stores it (without keys that say nothing)."""
        whole = asdict(replace(self, message=self.message[:LONGEST_MESSAGE]))
        return {key: value for key, value in whole.items() if value}


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
    verified, dags = raw.get("verified"), raw.get("dags")
    return DagSetStatus(
        phase="Syncing" if raw.get("phase") == "Syncing" else "Idle",
        revision=str(raw.get("revision", "")),
        verdict=str(raw.get("verdict", "")),
        message=str(raw.get("message", "")),
        verified=_verified(verified) if isinstance(verified, Mapping) else None,
        unproven=_texts(raw.get("unproven")),
        dags=_figures(dags) if isinstance(dags, Mapping) else None,
        offenders=_texts(raw.get("offenders")),
        plan=str(raw.get("plan", "")),
    )


def kept(plan: Plan) -> str:
    """Return ``plan`` as a status keeps it; empty if it is too large for one."""
    packed = pack_text(dump_plan(plan))
    return packed if len(packed) <= LONGEST_PLAN else ""


def _texts(raw: object) -> tuple[str, ...]:
    return tuple(str(each) for each in raw) if isinstance(raw, list) else ()


def _figures(raw: Mapping[str, Any]) -> Figures:
    counts = {each.name: raw.get(each.name) for each in fields(Figures)}
    return Figures(**{name: n for name, n in counts.items() if isinstance(n, int)})


def _verified(raw: Mapping[str, Any]) -> Verified | None:
    digests = raw.get("digests")
    if not isinstance(digests, Mapping):
        return None
    return Verified(
        revision=str(raw.get("revision", "")),
        at=str(raw.get("at", "")),
        evidence=str(raw.get("evidence", "")),
        digests={str(k): str(v) for k, v in digests.items()},
        airflow=str(raw.get("airflow", "")),
        providers=str(raw.get("providers", "")),
    )


def dagset(plan: Plan, *, name: str) -> dict[str, Any]:
    """Return the ``DagSet`` object of ``plan``.

    Where it would be large it says nothing of files, which nobody but people asks it for: ids and
    digests of 10,000 DAGs are 0.8 MB, and with status and copies etcd takes 1.5 MB.
    """
    dags = [{"dagId": dag.dag_id, "digest": dag.digest, "file": dag.file} for dag in plan.dags]
    if len(json.dumps(dags)) > LARGE:
        dags = [{"dagId": dag.dag_id, "digest": dag.digest} for dag in plan.dags]
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
        "spec": {"application": plan.application, "dags": dags},
    }
