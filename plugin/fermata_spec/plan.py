"""The plan: ``fermata.yaml`` compiled for one application and one revision.

The renderer writes it, the hooks read it from a mounted ConfigMap (``FERMATA_PLAN``). It holds
seconds and fractions, never text such as ``15m``, so that the hooks need no reader of
``fermata.yaml``. Its JSON is versioned; a hook refuses a plan that it does not understand.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fermata_spec.errors import SettingsError
from fermata_spec.selectors import AFFECTED, NOTHING, Selector

API_VERSION = "fermata.dev/v1alpha1"
KIND = "Plan"

Evidence = Literal["doc_md", "bundle", "source", "none"]
Delivery = Literal["configmap", "git-bundle", "git-sync", "image"]
Mode = Literal["enforce", "warn", "off"]
OnDeadline = Literal["fail", "proceed", "extend"]
OverLimit = Literal["warn", "refuse"]
OnFailure = Literal["resume", "quarantine", "keep"]


@dataclass(frozen=True, kw_only=True)
class PlannedDag:
    """One DAG that git wants; ``file`` is its file below Airflow's DAGs folder, ``source`` in git.

    ``digest`` (16 hex) changes when this DAG's configuration, its file or a file that it imports
    from the checkout changes. ``evidence`` says where Airflow will show it: ``doc_md`` holds
    ``fermata:<digest>`` (the serialized DAG: the strongest), ``source`` means that the DAG file's
    text hashes to ``source_digest`` (which is ``digest`` if nothing but that text counts),
    ``bundle`` that Airflow's git bundle says which commit it parsed (where it does not, a
    ``source_digest`` is the next best), ``none`` that only the user's own loader knows.
    """

    dag_id: str
    digest: str
    file: str
    evidence: Evidence
    source_digest: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class HoldPolicy:
    """What ``hold`` pauses and how long it waits; all times in seconds.

    ``extend_to`` counts with ``on_deadline: extend`` only.
    """

    select: Selector = AFFECTED
    exclude: Selector = NOTHING
    drain_deadline: float = 900.0
    on_deadline: OnDeadline = "fail"
    extend_to: float = 1800.0
    wait_for_deferred: bool = False
    lease: float = 3600.0
    late: float = 300.0
    on_failure: OnFailure = "resume"

    @property
    def longest_drain(self) -> float:
        """How long a drain may take, whatever its policy decides."""
        if self.on_deadline == "extend":
            return max(self.drain_deadline, self.extend_to)
        return self.drain_deadline


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What Airflow must offer before anything is paused; ``airflow`` empty: any version.

    ``unseen``: whether what cannot be told is refused (exit 5) or only warned of.
    """

    airflow: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    unseen: Literal["refuse", "warn"] = "refuse"


@dataclass(frozen=True, kw_only=True)
class ReleasePolicy:
    """How DAGs go on: more than ``limit`` runs at once (None: any number) are warned of or refused.

    ``stagger``: seconds between one DAG and the next.
    """

    limit: int | None = None
    over_limit: OverLimit = "warn"
    stagger: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RollbackPolicy:
    """Whether a revision that failed is taken back in git.

    ``branch`` is the one that Argo CD follows, ``path`` what of it is put back. ``push_to``: the
    ``target`` itself, or a ``branch`` of its own for people to merge. ``max_age``: of the failed
    commit, in seconds.
    """

    enabled: bool = False
    branch: str = "main"
    path: str = "."
    push_to: Literal["target", "branch"] = "target"
    max_age: float = 3600.0


CHECK_MODES: Mapping[str, Mode] = {
    "loss": "enforce",
    "inventory": "enforce",
    "visibility": "enforce",
    "removed": "enforce",
    "duplicates": "enforce",
    "import_errors": "enforce",
    "health": "enforce",
    "warnings": "warn",
    "parse_time": "warn",
    "evidence": "enforce",
    "structure": "warn",
}
"""The checks of ``verify`` and how each counts unless ``fermata.yaml`` says otherwise."""


@dataclass(frozen=True, kw_only=True)
class VerifyPolicy:
    """How long ``verify`` waits, in seconds; losing more than ``max_lost`` is a hard stop.

    ``serialize_lag``: Airflow's own ``[core] min_serialized_dag_update_interval``. ``mount_lag``:
    how long after the apply a volume may still show the old files (a kubelet: up to 90 s); it is
    waited for only where nothing but imported files changed. ``parse_budget``: how long the parse
    of one file may take. ``checks``: how each check counts.
    """

    deadline: float = 600.0
    settle: float = 10.0
    max_lost: float = 0.05
    serialize_lag: float = 30.0
    mount_lag: float = 120.0
    parse_budget: float = 10.0
    checks: Mapping[str, Mode] = field(default_factory=lambda: dict(CHECK_MODES))


@dataclass(frozen=True, kw_only=True)
class SmokeDag:
    """A DAG to run on the new revision, with its ``conf`` and its own deadline in seconds.

    ``conf`` holds its placeholders still: smoke replaces them, so that the same checkout gives the
    same plan but for its revision. ``skip``: why it is not run for now; empty: it is. ``probes``:
    what each task of Fermata's own probe proves, by task id; empty: it is another DAG.
    """

    dag_id: str
    conf: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = 600.0
    skip: str = ""
    probes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SmokePolicy:
    """The smoke DAGs and the deadline for all of them together, in seconds.

    ``at_once``: how many run at the same time. ``keep``: how many finished runs of each stay (None:
    all).
    """

    deadline: float = 1200.0
    at_once: int = 4
    keep: int | None = None
    dags: tuple[SmokeDag, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the hooks know of one revision of one application.

    ``target``: the branch, tag or revision that the Application follows; empty where nobody said.
    ``guards``: as they stand in ``fermata.yaml``, for ``fermata_spec.guards``.
    """

    application: str
    revision: str
    airflow_url: str
    dags: tuple[PlannedDag, ...]
    namespace: str = ""
    credentials_secret: str = ""
    delivery: Delivery = "configmap"
    expects: Expectations = field(default_factory=Expectations)
    hold: HoldPolicy = field(default_factory=HoldPolicy)
    verify: VerifyPolicy = field(default_factory=VerifyPolicy)
    smoke: SmokePolicy = field(default_factory=SmokePolicy)
    release: ReleasePolicy = field(default_factory=ReleasePolicy)
    rollback: RollbackPolicy = field(default_factory=RollbackPolicy)
    target: str = ""
    guards: tuple[Mapping[str, Any], ...] = ()

    def digests(self) -> dict[str, str]:
        """Return what ``DagSet.status.verified`` will say once this plan has passed."""
        return {dag.dag_id: dag.digest for dag in self.dags}


def dump_plan(plan: Plan) -> str:
    """Return the plan as JSON: sorted keys, the same bytes for the same plan."""
    document = {"apiVersion": API_VERSION, "kind": KIND, **asdict(plan)}
    return json.dumps(document, sort_keys=True, indent=1) + "\n"


def parse_plan(text: str, *, origin: str) -> Plan:
    """Return the plan in ``text``; raise ``SettingsError`` that names ``origin`` if it is none."""
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise SettingsError(f"{origin}: not JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise SettingsError(f"{origin}: no plan (kind is not {KIND})")
    if document.get("apiVersion") != API_VERSION:
        raise SettingsError(
            f"{origin}: plan of version {document.get('apiVersion')!r}, this Fermata reads "
            f"{API_VERSION}: render and hooks must come from the same release"
        )
    try:
        return _plan(document)
    except (KeyError, TypeError, ValueError) as exc:
        raise SettingsError(f"{origin}: damaged plan: {exc!r}") from exc


def _plan(document: dict[str, Any]) -> Plan:
    hold, smoke = dict(document["hold"]), dict(document["smoke"])
    for name in ("select", "exclude"):
        hold[name] = _selector(hold[name])
    smoke["dags"] = tuple(SmokeDag(**dag) for dag in smoke["dags"])
    rest = {k: v for k, v in document.items() if k not in {"apiVersion", "kind"}}
    rest |= {
        "dags": tuple(PlannedDag(**dag) for dag in document["dags"]),
        "expects": _expectations(document["expects"]),
        "hold": HoldPolicy(**hold),
        "verify": VerifyPolicy(**document["verify"]),
        "smoke": SmokePolicy(**smoke),
        "release": ReleasePolicy(**document["release"]),
        "rollback": RollbackPolicy(**document["rollback"]),
        "guards": tuple(document["guards"]),
    }
    return Plan(**rest)


def _expectations(raw: dict[str, Any]) -> Expectations:
    lists = {name: tuple(raw[name]) for name in ("pools", "connections", "variables")}
    return Expectations(**{**raw, **lists})


def _selector(raw: dict[str, Any]) -> Selector:
    lists = {name: tuple(ids) for name, ids in raw.items() if name != "mode"}
    return Selector(mode=raw["mode"], **lists)
