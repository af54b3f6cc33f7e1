"""What a hook works with, made from its settings and its plan: the wiring, and nothing else.

Everything is made when it is first asked for, so that a hook that has nothing to do makes no
connection.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from os import environ
from pathlib import Path

from fermata_hooks.agenda import Agendas
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.argocd import Application, ArgoCd, ByApi, ByKubernetes, Dex, TwoWays
from fermata_hooks.audit import Trail
from fermata_hooks.clock import Clock, SystemClock, rfc3339
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.dagset_status import DagSets, FileDagSets
from fermata_hooks.dagset_views import ClusterViews, DagSetViews, FolderViews
from fermata_hooks.documents import ConfigMapDocuments, Documents, FileDocuments
from fermata_hooks.holding import Environment, connect
from fermata_hooks.job_events import announce
from fermata_hooks.jobs.signing_in import sign_in
from fermata_hooks.jobs.trailing import context_of, ended, open_trail, who_acts
from fermata_hooks.kube import CONFIG_MAPS, EVENTS, Kube, Objects, cluster_of
from fermata_hooks.ledger import Ledger
from fermata_hooks.locks import Locks
from fermata_hooks.plan_file import read_plan
from fermata_hooks.reporting import Format, Outlets, publish
from fermata_hooks.settings import LEDGER_NAME, ClusterLedger, FolderLedger, Settings
from fermata_hooks.talk import talk_to_stderr
from fermata_hooks.termination import Termination
from fermata_spec.errors import (
    FermataError,
    RefusedError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from fermata_spec.plan import Plan
from fermata_spec.policy import Policy, read_policy
from fermata_spec.report import Report

_REVISION = re.compile(r"[0-9A-Za-z._/-]{1,200}")

log = logging.getLogger("fermata.workplace")


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """One process's collaborators; ``late`` is the plan's, or the default without a plan.

    ``started_by``: DAG id and run id of the run that started this sync, if it has named itself:
    it waits for the sync, so the sync does not wait for it.
    """

    settings: Settings
    clock: Clock
    termination: Termination
    airflow_url: str
    late: float
    started_by: tuple[str, str] | None = None

    @property
    def where(self) -> str:
        """The ledger's place, as ``FERMATA_LEDGER`` says it."""
        match self.settings.ledger:
            case FolderLedger(folder):
                return f"file:{folder}"
            case ClusterLedger(namespace, name):
                return f"kubernetes:{namespace}/{name}"

    @cached_property
    def documents(self) -> Documents:
        """The store of the ledger, the handoffs and (without a cluster) the DagSets' statuses."""
        match self.settings.ledger:
            case FolderLedger(folder):
                return FileDocuments(folder)
            case ClusterLedger(namespace, name):
                maps = Objects(self.kube, CONFIG_MAPS, namespace)
                # A second ledger in one namespace is of a second Airflow, with its own agenda.
                prefix = "fermata" if name == LEDGER_NAME else name
                own = {each: f"{prefix}-{each}" for each in ("agenda", "locks", "audit")}
                return ConfigMapDocuments(maps, names={"ledger": name, **own})

    @cached_property
    def dagsets(self) -> DagSets:
        """The statuses of the DagSets."""
        match self.settings.ledger:
            case FolderLedger():
                return FileDagSets(self.documents)
            case ClusterLedger(namespace):
                return KubernetesDagSets(self.kube, namespace)

    def dagsets_of(self, namespace: str | None) -> DagSets:
        """Return the DagSets of another namespace of this cluster; None: our own."""
        match self.settings.ledger:
            case ClusterLedger() if namespace is not None:
                return KubernetesDagSets(self.kube, namespace)
            case _:
                return self.dagsets

    @cached_property
    def views(self) -> DagSetViews:
        """All the DagSets beside the ledger."""
        match self.settings.ledger:
            case FolderLedger(folder):
                return FolderViews(folder)
            case ClusterLedger(namespace):
                return ClusterViews(KubernetesDagSets(self.kube, namespace))

    @cached_property
    def kube(self) -> Kube:
        """The cluster that we are in, or that of ``KUBECONFIG``."""
        return Kube(cluster_of(environ), clock=self.clock)

    @cached_property
    def argocd(self) -> ArgoCd | None:
        """The Argo CD that may be asked; None: nobody said where it is."""
        settings = self.settings
        api = reader = None
        token: Path | Dex | None = settings.argocd_token_file
        if settings.argocd_dex is not None:
            token = Dex(settings.argocd_dex.token_file, settings.argocd_dex.connector)
        if settings.argocd_url and token is not None:
            ca_file = settings.argocd_ca_file
            api = ByApi(
                settings.argocd_url,
                token,
                clock=self.clock,
                ca_file=ca_file,
                witness=self.trail,
            )
        if settings.argocd_namespace:
            reader = ByKubernetes(self.kube, settings.argocd_namespace)
        return TwoWays(reader, api) if reader and api else reader or api

    @cached_property
    def agendas(self) -> Agendas:
        """What is to be done later."""
        return Agendas(self.documents, clock=self.clock)

    @cached_property
    def locks(self) -> Locks:
        """Who said that nothing is to be deployed."""
        return Locks(self.documents, clock=self.clock)

    @cached_property
    def trail(self) -> Trail:
        """The audit trail of this process."""
        return open_trail(
            self.settings, self.documents, clock=self.clock, termination=self.termination
        )

    @cached_property
    def policy(self) -> Policy:
        """The guards from outside git; without ``FERMATA_POLICY`` there are none."""
        path = self.settings.policy
        return read_policy(path) if path is not None else Policy()

    @cached_property
    def ledger(self) -> Ledger:
        """The one record of who holds what."""
        return Ledger(self.documents, clock=self.clock)

    @cached_property
    def airflow(self) -> AirflowApi:
        """The Airflow of the plan, or of ``FERMATA_AIRFLOW_URL``."""
        if not self.airflow_url:
            raise SettingsError("FERMATA_AIRFLOW_URL: missing, and there is no plan that has it")
        return sign_in(
            self.airflow_url, self.settings.identity, clock=self.clock, witness=self.trail
        )

    @cached_property
    def holding(self) -> Environment:
        """Airflow and the ledger together, as the actors of the hold protocol want them."""
        return connect(
            self.airflow,
            self.documents,
            clock=self.clock,
            termination=self.termination,
            late=self.late,
        )

    def application(self, name: str) -> Application | None:
        """Return the Application of this sync; None where Argo CD may not be asked, or is silent.

        Nothing that has to be right depends on it: a hold that names no sync is one all the same.
        """
        try:
            return self.argocd.application(name) if self.argocd is not None else None
        except (UnavailableError, RejectedError, SettingsError) as exc:
            log.warning("%s: its sync is not known: %s", name, exc)
            return None

    def known_of(self, application: str) -> dict[str, str]:
        """Return who started the sync of ``application``, where Argo CD may be asked."""
        found = self.application(application)
        return {"initiator": found.initiated_by if found is not None else ""}

    @property
    def calls(self) -> dict[str, int]:
        """What was asked of our neighbours so far, by kind; asking this connects to nothing."""
        counts: Counter[str] = Counter()
        for name in ("airflow", "kube", "argocd"):
            neighbour = self.__dict__.get(name)
            if neighbour is not None:
                counts += neighbour.calls
        return dict(counts)


def open_workplace(*, airflow_url: str = "", late: float) -> Workplace:
    """Read the environment, handle SIGTERM and talk to stderr from now on; once a process."""
    termination = Termination()
    termination.install()
    settings = Settings.from_env(environ)
    talk_to_stderr(settings.log)
    return Workplace(
        settings=settings,
        clock=SystemClock(termination),
        termination=termination,
        airflow_url=settings.airflow_url or airflow_url,
        late=late,
    )


@contextmanager
def published(
    report: Report, place: Workplace, form: Format, *, dry_run: bool = False
) -> Iterator[None]:
    """Publish ``report`` when the block ends, however it ends; an error becomes its message.

    What is done in it is in the audit trail, unless it is a ``dry_run``, which does nothing. Only
    hold is refused where the trail cannot be written: the others owe Airflow what they do.
    """
    report.started = rfc3339(place.clock.now())
    try:
        if not dry_run:
            details = {**who_acts(), **place.known_of(report.application)}
            place.trail.begin(context_of(report), details, strict=report.hook == "hold")
        yield
    except FermataError as exc:
        report.verdict = "fail" if isinstance(exc, RefusedError) else "inconclusive"
        report.message = report.message or str(exc)
        raise
    finally:
        report.calls = place.calls
        outlets = Outlets(form=form, report=place.settings.report)
        try:
            publish(report, outlets, clock=place.clock)
        finally:
            if not dry_run:
                place.trail.note("end", ended(report))
                place.trail.close()
            tell_the_job(report, place)


def tell_the_job(report: Report, place: Workplace) -> None:
    """Write the report's line as an Event on our own Job, if we are the pod of one."""
    job, ledger = place.settings.job, place.settings.ledger
    if job is not None and isinstance(ledger, ClusterLedger):
        events = Objects(place.kube, EVENTS, ledger.namespace)
        announce(report, job, events, namespace=ledger.namespace, clock=place.clock)


def at_its_revision(plan: Plan, revision: str) -> Plan:
    """Return ``plan``, of ``revision`` where it says none: a committed one cannot know its commit.

    Raises:
        SettingsError: nobody says which revision it is of.

    """
    if plan.revision:
        return plan
    if not _REVISION.fullmatch(revision):
        what = f"{revision[:80]!r} is no commit" if revision else "missing"
        raise SettingsError(f"FERMATA_REVISION: {what}, and the plan is of no revision")
    return replace(plan, revision=revision)


def run_hook(
    name: str,
    plan_path: Path,
    form: Format,
    action: Callable[[Plan, Workplace, Report], None],
    *,
    dry_run: bool = False,
) -> None:
    """Run one hook: read its plan, do ``action``, publish its report in any case.

    ``action`` fills the report and raises a ``FermataError`` when it does not end well; the error
    becomes the process's exit code.
    """
    plan = read_plan(plan_path)
    place = open_workplace(airflow_url=plan.airflow_url, late=plan.hold.late)
    plan = at_its_revision(plan, place.settings.revision)
    report = Report(hook=name, application=plan.application, revision=plan.revision, started="")
    with published(report, place, form, dry_run=dry_run):
        action(plan, place, report)
