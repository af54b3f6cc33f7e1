"""The environment, read once at the edge; nothing else reads ``os.environ``.

All problems are reported in one message, each by its variable's name: a Job that dies on one
missing variable per attempt costs a sync each. A secret is never in a variable: variables name
files, which are read when they are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from fermata_hooks import identity_settings
from fermata_hooks.identity_settings import AirflowIdentity, read_identity
from fermata_spec.errors import SettingsError

PREFIX = "FERMATA_"
VARIABLES = {
    "FERMATA_PLAN": "the plan, as `fermata plan` prints it",
    "FERMATA_AIRFLOW_URL": "Airflow's address, in place of the plan's",
    **identity_settings.VARIABLES,
    "FERMATA_ARGOCD_URL": "Argo CD's address (with ..._TOKEN_FILE)",
    "FERMATA_ARGOCD_TOKEN_FILE": "a file with a token of Argo CD",
    "FERMATA_ARGOCD_DEX_TOKEN_FILE": "a file with a service account's token, for Argo CD's Dex",
    "FERMATA_ARGOCD_DEX_CONNECTOR": "the connector of Dex that takes it",
    "FERMATA_ARGOCD_CA_FILE": "certificates to trust of Argo CD, in place of the public ones",
    "FERMATA_ARGOCD_NAMESPACE": "where Applications are, to read them as objects of the cluster",
    "FERMATA_REPOSITORY_DIR": "a folder with the repository to roll back in, and the credential",
    "FERMATA_LEDGER": "kubernetes:NAMESPACE/NAME (the default in a cluster) or file:DIR",
    "FERMATA_POLICY": "guards from outside git: a file, or a folder of them",
    "FERMATA_AUDIT": "a file for the audit trail, or - for stdout",
    "FERMATA_AUDIT_URL": "a service that takes its lines, too",
    "FERMATA_AUDIT_TOKEN_FILE": "a file with that service's bearer token",
    "FERMATA_REPORT": "a file to write the JSON report to",
    "FERMATA_REVISION": "the revision that is synced, where the plan has none",
    "FERMATA_JOB": "the Job that this is a pod of, to write an Event on it",
    "FERMATA_JOB_UID": "its uid",
    "FERMATA_LOG": "text (the default) or json, on stderr",
}
LEDGER_NAME = "fermata-ledger"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class FolderLedger:
    """The ledger is a file in ``folder`` (``file:DIR``)."""

    folder: Path


@dataclass(frozen=True)
class ClusterLedger:
    """The ledger is the ConfigMap ``namespace``/``name`` (``kubernetes:NAMESPACE/NAME``)."""

    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class OwnJob:
    """The Job that this process is a pod of; ``uid`` is what its Events are found by."""

    name: str
    uid: str


@dataclass(frozen=True)
class DexSettings:
    """Argo CD's Dex changes the service account's token in ``token_file``, by ``connector``."""

    token_file: Path
    connector: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and who; what to do is in the plan."""

    ledger: FolderLedger | ClusterLedger
    airflow_url: str = ""
    identity: AirflowIdentity = field(default_factory=AirflowIdentity)
    argocd_url: str = ""
    argocd_token_file: Path | None = None
    argocd_dex: DexSettings | None = None
    argocd_ca_file: Path | None = None
    argocd_namespace: str = ""
    revision: str = ""
    job: OwnJob | None = None
    policy: Path | None = None
    repository_dir: Path | None = None
    audit: str = ""
    audit_url: str = ""
    audit_token_file: Path | None = None
    report: Path | None = None
    log: Literal["text", "json"] = "text"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings in ``environ``; raise one ``SettingsError`` for all that is wrong."""
        problems = _unknown(environ)
        ledger = _ledger(environ.get("FERMATA_LEDGER", ""), problems)
        identity = read_identity(environ, problems)
        argocd_url = environ.get("FERMATA_ARGOCD_URL", "")
        argocd_token = _path(environ, "FERMATA_ARGOCD_TOKEN_FILE")
        argocd_dex = _dex(environ, problems)
        if argocd_token is not None and argocd_dex is not None:
            problems.append(
                "FERMATA_ARGOCD_TOKEN_FILE: given together with FERMATA_ARGOCD_DEX_TOKEN_FILE"
            )
        if bool(argocd_url) != (argocd_token is not None or argocd_dex is not None):
            missing = "TOKEN_FILE" if argocd_url else "URL"
            problems.append(f"FERMATA_ARGOCD_{missing}: missing (address and token go together)")
        log = environ.get("FERMATA_LOG", "") or "text"
        if log not in ("text", "json"):
            problems.append(f"FERMATA_LOG: {log!r} is neither text nor json")
        if problems or ledger is None:
            raise SettingsError("; ".join(problems))
        return cls(
            ledger=ledger,
            airflow_url=environ.get("FERMATA_AIRFLOW_URL", ""),
            identity=identity,
            argocd_url=argocd_url,
            argocd_token_file=argocd_token,
            argocd_dex=argocd_dex,
            argocd_ca_file=_path(environ, "FERMATA_ARGOCD_CA_FILE"),
            argocd_namespace=environ.get("FERMATA_ARGOCD_NAMESPACE", ""),
            revision=environ.get("FERMATA_REVISION", ""),
            job=_job(environ),
            policy=_path(environ, "FERMATA_POLICY"),
            repository_dir=_path(environ, "FERMATA_REPOSITORY_DIR"),
            audit=environ.get("FERMATA_AUDIT", ""),
            audit_url=environ.get("FERMATA_AUDIT_URL", ""),
            audit_token_file=_path(environ, "FERMATA_AUDIT_TOKEN_FILE"),
            report=_path(environ, "FERMATA_REPORT"),
            log="json" if log == "json" else "text",
        )


def in_a_cluster() -> bool:
    """Return whether this is a pod: its namespace has the ledger, unless something is said."""
    return _NAMESPACE_FILE.is_file()


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _job(environ: Mapping[str, str]) -> OwnJob | None:
    name, uid = environ.get("FERMATA_JOB", ""), environ.get("FERMATA_JOB_UID", "")
    return OwnJob(name=name, uid=uid) if name else None


def _dex(environ: Mapping[str, str], problems: list[str]) -> DexSettings | None:
    file = _path(environ, "FERMATA_ARGOCD_DEX_TOKEN_FILE")
    connector = environ.get("FERMATA_ARGOCD_DEX_CONNECTOR", "")
    if (file is None) != (not connector):
        missing = "CONNECTOR" if file is not None else "TOKEN_FILE"
        problems.append(f"FERMATA_ARGOCD_DEX_{missing}: missing (file and connector go together)")
    return DexSettings(file, connector) if file is not None and connector else None


def _unknown(environ: Mapping[str, str]) -> list[str]:
    """Name each ``FERMATA_*`` that nothing reads: it is a typo."""
    problems = []
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        if name not in VARIABLES:
            near = get_close_matches(name, VARIABLES, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            problems.append(f"{name}: unknown variable{hint}")
    return problems


def _ledger(text: str, problems: list[str]) -> FolderLedger | ClusterLedger | None:
    scheme, _, rest = text.partition(":")
    if scheme == "file" and rest:
        return FolderLedger(Path(rest))
    if scheme == "kubernetes" and rest:
        namespace, slash, name = rest.partition("/")
        if slash and namespace and name and "/" not in name:
            return ClusterLedger(namespace, name)
    if not text and in_a_cluster():
        return ClusterLedger(_NAMESPACE_FILE.read_text().strip(), LEDGER_NAME)
    wanted = "kubernetes:NAMESPACE/NAME or file:DIR"
    problems.append(
        f"FERMATA_LEDGER: {text!r} is not {wanted}"
        if text
        else f"FERMATA_LEDGER: missing outside a cluster: set {wanted}"
    )
    return None
