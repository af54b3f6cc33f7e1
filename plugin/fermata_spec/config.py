"""The model of ``fermata.yaml``: every key with its kind, its default and its help.

Only what this release does is listed; a key of a later release is refused by name, never ignored.
"""

from collections.abc import Mapping
from typing import Literal

from fermata_spec import __version__
from fermata_spec.config_airflow import Airflow
from fermata_spec.config_argocd import Argocd
from fermata_spec.config_environments import ENVIRONMENTS, Environment
from fermata_spec.config_proof import Expects, Smoke, Verify
from fermata_spec.config_rollback import Rollback
from fermata_spec.guards import GUARDS, Guard
from fermata_spec.kinds import (
    DURATION,
    FLAG,
    NAME,
    PATTERN,
    TEXTS,
    Choice,
    ListOf,
    Number,
    Text,
)
from fermata_spec.plan import API_VERSION, Delivery
from fermata_spec.rules import JUDGING
from fermata_spec.sections import Section, SectionKind, key
from fermata_spec.selector_kinds import EXCLUDED, WANTED
from fermata_spec.selectors import Selector, Wanted

FILE_NAME = "fermata.yaml"
KIND = "Fermata"

Format = Literal["auto", "dag-factory", "opaque"]
Form = Literal["auto", "as-is", "dag-file"]
Layout = Literal["single", "per-file", "sharded"]


def _folder(text: str) -> None:
    if text != "." and (text.startswith("/") or not {*text.split("/")}.isdisjoint({"", ".", ".."})):
        raise ValueError(f"{text[:60]!r} is not a folder below Airflow's DAGs folder")


def _image(text: str) -> None:
    if not text.isprintable() or " " in text or len(text) > _IMAGE_CHARACTERS:
        raise ValueError(f"{text[:60]!r} is not the name of an image")


_IMAGE_CHARACTERS = 500
IMAGE = Text("an image like registry.example/fermata:1", _image)


class Files(Section):
    """Which files of the checkout Airflow gets, and how they become ConfigMaps."""

    include: tuple[str, ...] = key(
        ListOf(PATTERN, at_least=1),
        "Patterns below the application's path: `*` and `?` stay in one folder, `**` does not. "
        "What all patterns have in common before their first wildcard is the root of the DAGs.",
    )
    exclude: tuple[str, ...] = key(
        ListOf(PATTERN), "Patterns of files that are left out though included.", default=[]
    )
    format: Format = key(
        Choice(("auto", "dag-factory", "opaque")),
        "What YAML files hold; `auto` tells dag-factory's configuration from other YAML.",
        default="auto",
    )
    form: Form = key(
        Choice(("auto", "as-is", "dag-file")),
        "`dag-file` turns each dag-factory YAML into one Python DAG file; `auto` means that for "
        "dag-factory YAML and `as-is` for the rest.",
        default="auto",
    )
    layout: Layout = key(
        Choice(("single", "per-file", "sharded")),
        "`single`: one ConfigMap; `per-file`: one for each file; `sharded`: as many as `shards` "
        "says, each file in one that its path alone decides.",
        default="single",
    )
    shards: int = key(
        Number(1, 99),
        "How many ConfigMaps `sharded` makes. They are there also when empty, so that a volume can "
        "name them all. Another number moves most files once.",
        default=16,
    )
    mount: str = key(
        Text("a folder like fermata", _folder),
        "Where the volume is mounted, below Airflow's DAGs folder; `.`: it is the DAGs folder.",
        default=".",
    )


class Manifests(Section):
    """Other manifests of the checkout, which are passed through."""

    include: tuple[str, ...] = key(
        ListOf(PATTERN), "Patterns of YAML files with Kubernetes objects.", default=[]
    )
    exclude: tuple[str, ...] = key(
        ListOf(PATTERN), "Patterns of files that are left out though included.", default=[]
    )


class Drain(Section):
    """How long `hold` waits for running tasks, and what then."""

    deadline: float = key(DURATION, "How long running task instances may take.", default="15m")
    on_deadline: Literal["fail", "proceed", "extend"] = key(
        Choice(("fail", "proceed", "extend")),
        "`fail` ends the sync (exit 3), `proceed` goes on over the tasks that still run, `extend` "
        "waits on, at most to `extend_to`, unless a task usually takes longer than that.",
        default="fail",
    )
    extend_to: float = key(
        DURATION, "With `extend`: how long running task instances may take in all.", default="30m"
    )
    wait_for_deferred: bool = key(
        FLAG,
        "Wait also for deferred tasks; a rescheduling sensor, which a paused DAG never goes on "
        "with, is then a refusal at once.",
        default=False,
    )


class Hold(Section):
    """What is paused while Argo CD applies, and what happens to it afterwards."""

    select: Wanted = key(
        WANTED,
        "`affected`: the DAGs that differ from the last revision that passed; `all`; a DAG id, a "
        "pattern, `tag:x`, `owner:x`, `bundle:x`, with `!` for what is not; a list of these; or a "
        "mapping of lists.",
        default="affected",
    )
    exclude: Selector = key(EXCLUDED, "DAGs that are never held, likewise.", default=[])
    drain: Drain = key(SectionKind(Drain), "Waiting for running tasks.", default={})
    lease: float = key(DURATION, "When a hold that nobody released ends by itself.", default="1h")
    late: float = key(
        DURATION, "How long a request without an answer may still take effect.", default="5m"
    )
    on_failure: Literal["resume", "quarantine", "keep"] = key(
        Choice(("resume", "quarantine", "keep")),
        "After a failed verify or smoke: `resume` all, `quarantine` those that failed, or `keep`.",
        default="resume",
    )


class Release(Section):
    """How DAGs go on after a hold."""

    limit: int | None = key(
        Number(0, 1_000_000),
        "How many runs resuming may start at once; left out, any number.",
        default=None,
    )
    over_limit: Literal["warn", "refuse"] = key(
        Choice(("warn", "refuse")),
        "Above the limit: `warn`, or `refuse` (exit 3): the DAGs stay held until somebody releases "
        "them by hand or the lease ends.",
        default="warn",
    )
    stagger: float = key(
        DURATION,
        "Time between one DAG that goes on and the next; less where all of them would take more "
        "than ten minutes.",
        default="0s",
    )


class Hooks(Section):
    """The Jobs that Argo CD runs around a sync."""

    emit: bool = key(FLAG, "`false` renders no hooks and no plan.", default=True)
    post: Literal["joined", "separate"] = key(
        Choice(("joined", "separate")),
        "`joined`: verify, smoke and release are one Job; `separate`: three, in waves of their "
        "own, each of which costs a sync some 4 s.",
        default="joined",
    )
    keep: bool = key(
        FLAG,
        "Keep the Jobs of a sync that succeeded, and their logs, until the next sync, which then "
        "takes about 2 s longer.",
        default=True,
    )
    image: str = key(
        IMAGE, "Image of the Jobs.", default=f"airflow-fermata:{__version__}", parameter=True
    )
    service_account: str = key(
        NAME, "Service account of the Jobs.", default="fermata", parameter=True
    )


class Rules(Section):
    """A team's own rules over its dag-factory DAGs."""

    require_owner: bool = key(FLAG, "Each DAG names an owner in `default_args`.", default=False)
    owners: tuple[str, ...] = key(TEXTS, "The owners that there may be.", default=[])
    dag_ids: tuple[str, ...] = key(TEXTS, "Shell patterns; each DAG id matches one.", default=[])
    forbid_operators: tuple[str, ...] = key(
        TEXTS, "Shell patterns over import paths of operators and decorators.", default=[]
    )


class Lint(Section):
    """Which findings are not wanted."""

    silence: tuple[str, ...] = key(
        ListOf(Choice(tuple(JUDGING))), "Names of rules that are not reported.", default=[]
    )


class Config(Section):
    """The whole of ``fermata.yaml``."""

    api_version: str = key(Choice((API_VERSION,)), "Version of this format.", name="apiVersion")
    kind: str = key(Choice((KIND,)), "Kind of this file.")
    airflow: Airflow = key(SectionKind(Airflow), "Airflow's address.")
    argocd: Argocd = key(SectionKind(Argocd), "What the hooks may ask of Argo CD.", default={})
    files: Files = key(SectionKind(Files), "The DAGs.")
    delivery: Delivery = key(
        Choice(("configmap", "git-bundle", "git-sync", "image")),
        "How the files reach Airflow: `configmap`, as rendered here; or, with no file rendered, "
        "Airflow's own `git-bundle` (3.x), a `git-sync` beside it, or its `image`.",
        default="configmap",
    )
    manifests: Manifests = key(
        SectionKind(Manifests), "Other manifests, passed through as they are.", default={}
    )
    expects: Expects = key(SectionKind(Expects), "What Airflow must offer.", default={})
    hold: Hold = key(SectionKind(Hold), "Pausing DAGs.", default={})
    verify: Verify = key(SectionKind(Verify), "Proving the revision.", default={})
    smoke: Smoke = key(SectionKind(Smoke), "Running smoke DAGs.", default={})
    release: Release = key(SectionKind(Release), "Letting DAGs go on.", default={})
    rollback: Rollback = key(SectionKind(Rollback), "Taking a failed revision back.", default={})
    rules: Rules = key(SectionKind(Rules), "A team's own rules.", default={})
    hooks: Hooks = key(SectionKind(Hooks), "Hook Jobs.", default={})
    guards: tuple[Guard, ...] = key(GUARDS, "Named rules that may deny a deploy.", default=[])
    lint: Lint = key(SectionKind(Lint), "Findings.", default={})
    environments: Mapping[str, Environment] = key(
        ENVIRONMENTS, "What differs between environments, by their names.", default={}
    )
