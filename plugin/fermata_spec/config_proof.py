"""The keys of ``fermata.yaml`` about proof: what Airflow must offer, verify and smoke."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from fermata_spec.expect_kinds import PACKAGES, VERSIONS
from fermata_spec.kinds import DURATION, SHARE, TEXT, TEXTS, Choice, ListOf, Number, Text
from fermata_spec.placeholders import NAMES, TEMPLATE
from fermata_spec.plan import CHECK_MODES, Mode
from fermata_spec.sections import Section, SectionKind, key

MODE = Choice(("enforce", "warn", "off"))
_LONGEST_ID = 250  # Airflow's own bound


class Expects(Section):
    """What Airflow must offer, checked before anything is paused."""

    airflow: str | None = key(VERSIONS, "Versions of Airflow that will do.", default=None)
    providers: Mapping[str, str] = key(
        PACKAGES,
        "Provider packages that must be installed, and the versions of each that will do.",
        default={},
    )
    pools: tuple[str, ...] = key(TEXTS, "Pools that must exist.", default=[])
    connections: tuple[str, ...] = key(TEXTS, "Connections that must exist.", default=[])
    variables: tuple[str, ...] = key(TEXTS, "Variables that must exist.", default=[])
    unseen: Literal["refuse", "warn"] = key(
        Choice(("refuse", "warn")),
        "What cannot be told: `refuse` (exit 5), or `warn` and go on. Airflow's API sees what is "
        "in its database only, not what an environment variable or a secrets backend holds.",
        default="refuse",
    )


class Checks(Section):
    """How each check of ``verify`` counts."""

    loss: Mode = key(
        MODE, "DAGs that were there before the change and are gone.", default=CHECK_MODES["loss"]
    )
    inventory: Mode = key(
        MODE, "Every DAG that git wants is there.", default=CHECK_MODES["inventory"]
    )
    visibility: Mode = key(
        MODE,
        "The account of the hooks may read every DAG: else errors are hidden from it.",
        default=CHECK_MODES["visibility"],
    )
    removed: Mode = key(MODE, "What git has removed is gone.", default=CHECK_MODES["removed"])
    duplicates: Mode = key(
        MODE, "No DAG comes from two files in turn.", default=CHECK_MODES["duplicates"]
    )
    import_errors: Mode = key(MODE, "No new import error.", default=CHECK_MODES["import_errors"])
    health: Mode = key(
        MODE, "Scheduler and DAG processor are alive.", default=CHECK_MODES["health"]
    )
    warnings: Mode = key(
        MODE,
        "Airflow's own warnings of the DAGs that the change touches (a value that differs at each "
        "parse; on 2.x a pool that is not there).",
        default=CHECK_MODES["warnings"],
    )
    parse_time: Mode = key(
        MODE,
        "No file that the change touches takes longer to parse than `parse_budget` (Airflow 3.1 "
        "and newer tell).",
        default=CHECK_MODES["parse_time"],
    )
    evidence: Mode = key(
        MODE,
        "Airflow shows this revision of each DAG that the change touches.",
        default=CHECK_MODES["evidence"],
    )
    structure: Mode = key(
        MODE,
        "No task is gone that a run under way still needs.",
        default=CHECK_MODES["structure"],
    )


class Verify(Section):
    """When Airflow's view of the revision is good enough."""

    deadline: float = key(DURATION, "How long Airflow may take to parse it.", default="10m")
    settle: float = key(DURATION, "How long it must stay good.", default="10s")
    serialize_lag: float = key(
        DURATION,
        "Airflow's own `[core] min_serialized_dag_update_interval`.",
        default="30s",
    )
    mount_lag: float = key(
        DURATION,
        "How long after the apply a volume may still show the old files (a kubelet: up to 90 s).",
        default="2m",
    )
    parse_budget: float = key(
        DURATION, "How long Airflow may take to parse one file.", default="10s"
    )
    max_lost: float = key(SHARE, "Losing a larger share of the DAGs is a hard stop.", default="5%")
    checks: Checks = key(
        SectionKind(Checks),
        "How each check counts: `enforce`; `warn`: it is told and neither waited for nor refused; "
        "`off`: it is not made.",
        default={},
    )


class SmokeRun(Section):
    """One DAG that is run on the new revision."""

    dag_id: str = key(TEXT, "Its DAG id.")
    conf: Mapping[str, Any] = key(
        TEMPLATE,
        "The run's conf. In its texts a word in single braces stands for a value of the plan: "
        f"{'; '.join(f'`{{{name}}}` {told}' for name, told in NAMES.items())}. `{{{{word}}}}` is "
        "the text `{word}`; everything else stays as it is.",
        default={},
    )
    deadline: float = key(DURATION, "How long the run may take.", default="10m")
    skip: str | None = key(
        TEXT, "Why it is not run for now; the report says so. Left out, it is run.", default=None
    )


def _dag_id(text: str) -> None:
    if len(text) > _LONGEST_ID or not re.fullmatch(r"[\w.-]+", text, re.ASCII):
        raise ValueError(f"{text[:60]!r} is no DAG id: letters, digits, - _ . only")


class Probe(Section):
    """Where tasks of ours must find this revision's files."""

    pools: tuple[str, ...] = key(TEXTS, "Pools, each with a task of its own.", default=[])
    queues: tuple[str, ...] = key(TEXTS, "Queues, likewise.", default=[])
    dag_id: str = key(
        Text("a DAG id", _dag_id, r"^[A-Za-z0-9_.-]+$"),
        "The probe's DAG id; another one for each application of one Airflow.",
        default="fermata_probe",
    )
    deadline: float = key(DURATION, "How long its run may take.", default="5m")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to prove."""
        return bool(self.pools or self.queues)


class Smoke(Section):
    """DAGs that must run on the new revision before the sync is good."""

    deadline: float = key(DURATION, "For all of them together.", default="20m")
    at_once: int = key(Number(1, 100), "How many run at the same time.", default=4)
    keep: int | None = key(
        Number(1, 10_000),
        "How many of this application's finished runs of each smoke DAG stay in Airflow (needs the "
        "permission to delete runs); left out, all.",
        default=None,
    )
    dags: tuple[SmokeRun, ...] = key(
        ListOf(SectionKind(SmokeRun)), "The DAGs; they are left out of every hold.", default=[]
    )
    probe: Probe = key(
        SectionKind(Probe),
        "A DAG of Fermata's own, which proves that a worker of each pool and queue has this "
        "revision's files. `configmap` brings it along; otherwise git has it, from "
        "`fermata plan --probe`.",
        default={},
    )

    @property
    def runs_any(self) -> bool:
        """Whether any DAG is run."""
        return bool(self.dags) or self.probe.wanted
