"""Where the API server is, and who we are there: in a pod, or by a kubeconfig."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fermata_hooks.exchange import Headers, bearer, one_line, read_secret
from fermata_hooks.secret import Secret
from fermata_spec.errors import SettingsError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """An API server; ``headers`` is asked before each request, because tokens rotate."""

    url: str
    ca_file: Path | None = None
    client_certificate: tuple[Path, Path] | None = None
    headers: Callable[[], Headers] = field(default=dict, repr=False)


def cluster_of(environ: Mapping[str, str], *, account: Path = SERVICE_ACCOUNT) -> Cluster:
    """Return the pod's own cluster, or the current context of ``KUBECONFIG``.

    Raises:
        SettingsError: neither is there, or a kubeconfig that cannot be used.

    """
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    if host and (account / "token").is_file():
        port = environ.get("KUBERNETES_SERVICE_PORT", "") or "443"
        shown = f"[{host}]" if ":" in host else host
        return Cluster(
            url=f"https://{shown}:{port}",
            ca_file=account / "ca.crt",
            headers=lambda: bearer(read_secret(account / "token", "token file")),
        )
    return _by_kubeconfig(environ.get("KUBECONFIG", ""))


def _by_kubeconfig(path: str) -> Cluster:
    """Read a kubeconfig with the Kubernetes client, which knows every way to log in."""
    # Imported here: a pod needs none of it, and it costs 20 MiB and half a second.
    from kubernetes.client import Configuration  # noqa: PLC0415
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415

    told = f"kubeconfig {path}" if path else "kubeconfig"
    configuration: Any = Configuration()  # its stubs know half of it
    try:
        load_kube_config(
            config_file=path or None, client_configuration=configuration, persist_config=False
        )
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as exc:
        why = one_line(str(exc)) or type(exc).__name__
        raise SettingsError(f"{told}: cannot be used, and this is no pod: {why}") from exc
    if not configuration.verify_ssl:
        raise SettingsError(f"{told}: insecure-skip-tls-verify is refused: name the authority")
    certificate = (configuration.cert_file, configuration.key_file)
    return Cluster(
        url=str(configuration.host),
        ca_file=Path(configuration.ssl_ca_cert) if configuration.ssl_ca_cert else None,
        client_certificate=(
            (Path(str(certificate[0])), Path(str(certificate[1]))) if all(certificate) else None
        ),
        headers=lambda: _authorization(configuration.auth_settings()),
    )


def _authorization(settings: Mapping[str, Mapping[str, str | None]]) -> Headers:
    """Return the header with the kubeconfig's token, renewed by the client where it must be."""
    value = settings.get("BearerToken", {}).get("value")
    return {"Authorization": Secret(value)} if value else {}
