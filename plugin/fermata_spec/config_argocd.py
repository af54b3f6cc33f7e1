"""``argocd`` in ``fermata.yaml``: where the hooks may ask how their own sync stands."""

from fermata_spec.kinds import FLAG, NAME, TEXT, URL
from fermata_spec.sections import Section, SectionKind, key


class ArgocdCredentials(Section):
    """A token of Argo CD: in a Secret beside Airflow, or given by Dex for the service account's."""

    secret: str | None = key(
        NAME,
        "Name of the Secret, in Airflow's namespace; its key `token` is one that may `get` the "
        "application.",
        default=None,
    )
    audience: str | None = key(
        TEXT,
        "For whom a projected token of the Jobs' service account is, which Argo CD's Dex changes "
        "for one of Argo CD; the Secret then needs no `token`.",
        default=None,
    )
    connector: str = key(TEXT, "The connector of Dex that takes it.", default="kubernetes")
    ca: bool = key(
        FLAG,
        "Whether its key `ca.crt` is what to trust, as for the certificate that Argo CD makes for "
        "itself; `false`: the public authorities.",
        default=True,
    )


class Argocd(Section):
    """Where Argo CD is, as seen by the hook Jobs; with nothing given they ask it nothing."""

    namespace: str | None = key(
        NAME,
        "Where Applications are, to read them as objects of the cluster: for an Argo CD in this "
        "cluster (needs a role there).",
        default=None,
    )
    url: str | None = key(
        URL, "Base URL of Argo CD's API, with `credentials`: for one elsewhere.", default=None
    )
    credentials: ArgocdCredentials | None = key(
        SectionKind(ArgocdCredentials), "How the hooks sign in there.", default=None
    )
