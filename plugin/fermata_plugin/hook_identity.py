"""Who the hook Jobs are to Airflow and to Argo CD: what is mounted, and the variables that say it.

Secrets are files: keys of a Secret, or a token that the kubelet projects for one audience and
renews. No volume keeps a pod from starting: a hook that says which file is missing says more.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fermata_plugin.configmaps import Manifest
from fermata_spec.config import Config
from fermata_spec.config_airflow import Credentials
from fermata_spec.config_argocd import Argocd, ArgocdCredentials
from fermata_spec.config_rollback import Rollback

_REPOSITORY = "/etc/fermata/repository"
REPOSITORY: list[Manifest] = [{"name": "FERMATA_REPOSITORY_DIR", "value": _REPOSITORY}]
TOKEN_SECONDS = 3600  # the kubelet renews a projected token when four fifths of that are over

_AIRFLOW = "/etc/fermata/airflow"
_ARGOCD = "/etc/fermata/argocd"
_DEX = "/etc/fermata/argocd-token"
_HEADERS = "/etc/fermata/airflow-headers"
_TOKEN = "/etc/fermata/airflow-token"  # noqa: S105 - a folder


class Mounted(NamedTuple):
    """A volume and where it is mounted."""

    name: str
    folder: str
    source: Manifest

    @property
    def volume(self) -> Manifest:
        """The pod's volume."""
        return {"name": self.name, **self.source}

    @property
    def mount(self) -> Manifest:
        """The container's mount; only what is empty at first may be written to."""
        writable = "emptyDir" in self.source
        only = {} if writable else {"readOnly": True}
        return {"name": self.name, "mountPath": self.folder, **only}


def mounted(config: Config) -> Iterator[Mounted]:
    """Yield the volumes with what proves who the Jobs are."""
    airflow, argocd = config.airflow.credentials, config.argocd.credentials
    if airflow is not None:
        if airflow.secret is not None:
            yield Mounted("airflow", _AIRFLOW, _secret(airflow.secret))
        if airflow.audience is not None:
            yield Mounted("airflow-token", _TOKEN, _projected(airflow.audience))
        if airflow.headers_secret is not None:
            yield Mounted("airflow-headers", _HEADERS, _secret(airflow.headers_secret))
    if argocd is not None and argocd.secret is not None:
        yield Mounted("argocd", _ARGOCD, _secret(argocd.secret))
    if argocd is not None and argocd.audience is not None:
        yield Mounted("argocd-token", _DEX, _projected(argocd.audience))


def repository(rollback: Rollback) -> Iterator[Mounted]:
    """Yield the volumes of a Job that rolls back: the repository's Secret, and where git works."""
    if rollback.secret is not None:
        yield Mounted("repository", _REPOSITORY, _secret(rollback.secret))
    yield Mounted("tmp", "/tmp", {"emptyDir": {"sizeLimit": "2Gi"}})  # noqa: S108 - the pod's own


def environment(config: Config) -> dict[str, str]:
    """Return the variables that name those files, and what is no secret."""
    credentials = config.airflow.credentials
    ours = {} if credentials is None else _to_airflow(credentials) | _shown(credentials)
    return ours | _to_argocd(config.argocd)


def _to_airflow(credentials: Credentials) -> dict[str, str]:
    match credentials.method:
        case "password":
            return {
                "FERMATA_AIRFLOW_USERNAME_FILE": f"{_AIRFLOW}/username",
                "FERMATA_AIRFLOW_PASSWORD_FILE": f"{_AIRFLOW}/password",
            }
        case "token":
            return {"FERMATA_AIRFLOW_TOKEN_FILE": f"{_AIRFLOW}/token"}
        case "service-account":
            return {"FERMATA_AIRFLOW_TOKEN_FILE": f"{_TOKEN}/token"}
        case "oidc":
            return _to_provider(credentials)
        case "mwaa":
            return _to_mwaa(credentials)
        case "google":
            return {"FERMATA_AIRFLOW_GOOGLE": "default"}


def _to_provider(credentials: Credentials) -> dict[str, str]:
    oidc = credentials.oidc
    if oidc is None:
        return {}
    values = {
        "ISSUER": oidc.issuer,
        "CLIENT_ID": oidc.client_id,
        "GRANT": oidc.grant,
        "CLIENT_SECRET_FILE": f"{_AIRFLOW}/client-secret" if credentials.secret else None,
        "SUBJECT_TOKEN_FILE": f"{_TOKEN}/token" if credentials.audience else None,
        "AUDIENCE": oidc.audience,
        "SCOPE": oidc.scope,
    }
    return {f"FERMATA_AIRFLOW_OIDC_{name}": value for name, value in values.items() if value}


def _to_mwaa(credentials: Credentials) -> dict[str, str]:
    if credentials.mwaa is None:
        return {}
    values = {"ENVIRONMENT": credentials.mwaa.environment, "REGION": credentials.mwaa.region}
    return {f"FERMATA_AIRFLOW_MWAA_{name}": value for name, value in values.items() if value}


def _shown(credentials: Credentials) -> dict[str, str]:
    """Return how a token is shown, where that is not as usual."""
    values: dict[str, str] = {}
    if credentials.use != "bearer":
        values["FERMATA_AIRFLOW_TOKEN_USE"] = credentials.use
    if credentials.shown_in != "authorization":
        values["FERMATA_AIRFLOW_TOKEN_IN"] = credentials.shown_in
    if credentials.headers_secret is not None:
        values["FERMATA_AIRFLOW_HEADERS_DIR"] = _HEADERS
    return values


def _to_argocd(argocd: Argocd) -> dict[str, str]:
    """Return how a hook finds its own Application; nothing where it may not ask."""
    values = {}
    if argocd.namespace is not None:
        values["FERMATA_ARGOCD_NAMESPACE"] = argocd.namespace
    if argocd.url is not None and argocd.credentials is not None:
        values["FERMATA_ARGOCD_URL"] = argocd.url
        values |= _to_dex(argocd.credentials)
        if argocd.credentials.ca and argocd.credentials.secret is not None:
            values["FERMATA_ARGOCD_CA_FILE"] = f"{_ARGOCD}/ca.crt"
    return values


def _to_dex(credentials: ArgocdCredentials) -> dict[str, str]:
    if credentials.audience is None:
        return {"FERMATA_ARGOCD_TOKEN_FILE": f"{_ARGOCD}/token"}
    return {
        "FERMATA_ARGOCD_DEX_TOKEN_FILE": f"{_DEX}/token",
        "FERMATA_ARGOCD_DEX_CONNECTOR": credentials.connector,
    }


def _secret(name: str) -> Manifest:
    return {"secret": {"secretName": name, "optional": True}}


def _projected(audience: str) -> Manifest:
    token = {"path": "token", "audience": audience, "expirationSeconds": TOKEN_SECONDS}
    return {"projected": {"sources": [{"serviceAccountToken": token}]}}
