"""``airflow`` in ``fermata.yaml``: where its API is, and how the hook Jobs sign in to it."""

from collections.abc import Iterator
from typing import Literal

from fermata_spec.kinds import NAME, TEXT, URL, Choice
from fermata_spec.sections import Section, SectionKind, key

Method = Literal["password", "token", "service-account", "oidc", "mwaa", "google"]
Grant = Literal["client-credentials", "token-exchange", "jwt-bearer"]


class Oidc(Section):
    """An OpenID provider that gives the hooks their token."""

    issuer: str = key(URL, "Its issuer; its description is at `/.well-known/openid-configuration`.")
    client_id: str = key(TEXT, "The hooks' name there.")
    grant: Grant = key(
        Choice(("client-credentials", "token-exchange", "jwt-bearer")),
        "`client-credentials`: by the client's secret, or by the service account's token in its "
        "place (RFC 7523, 2.2); `token-exchange` (RFC 8693) and `jwt-bearer` (RFC 7523, 2.1): a "
        "token for the service account's.",
        default="client-credentials",
    )
    audience: str | None = key(TEXT, "For whom the token shall be.", default=None)
    scope: str | None = key(TEXT, "What the token shall be good for.", default=None)


class Mwaa(Section):
    """An environment of Amazon's, to which the pod's IAM role signs in."""

    environment: str = key(TEXT, "Its name.")
    region: str | None = key(TEXT, "Its region, where the pod does not know.", default=None)


class Credentials(Section):
    """How the hook Jobs sign in; every secret is a file of a Secret, or a projected token."""

    method: Method = key(
        Choice(("password", "token", "service-account", "oidc", "mwaa", "google")),
        "`password`: the Secret's keys `username` and `password`; `token`: its key `token`; "
        "`service-account`: a projected token as it is; `oidc`: a provider's token; `mwaa`: the "
        "pod's IAM role; `google`: the pod's Google service account (Composer).",
        default="password",
        parameter=True,
    )
    secret: str | None = key(
        NAME,
        "Name of the Secret, in Airflow's namespace; for `oidc` its key is `client-secret`.",
        default=None,
        parameter=True,
    )
    audience: str | None = key(
        TEXT,
        "For whom a token of the Jobs' service account is, which the kubelet projects and renews: "
        "with `service-account`, and with `oidc` to show it to the provider.",
        default=None,
    )
    use: Literal["bearer", "assertion"] = key(
        Choice(("bearer", "assertion")),
        "`assertion`: the token is shown at Airflow's `/auth/token` only, for one of Airflow's own "
        "(its Keycloak auth manager).",
        default="bearer",
    )
    shown_in: Literal["authorization", "cookie"] = key(
        Choice(("authorization", "cookie")),
        "`cookie`: the token is in the cookie `_token`, for a proxy that takes `Authorization`.",
        default="authorization",
    )
    headers_secret: str | None = key(
        NAME,
        "Name of a Secret whose keys are headers for a proxy before Airflow.",
        default=None,
    )
    oidc: Oidc | None = key(SectionKind(Oidc), "The provider, with `oidc`.", default=None)
    mwaa: Mwaa | None = key(SectionKind(Mwaa), "The environment, with `mwaa`.", default=None)


class Airflow(Section):
    """Where Airflow's API is, as seen by the hook Jobs."""

    url: str = key(URL, "Base URL of Airflow's API server (2.x: of its webserver).", parameter=True)
    credentials: Credentials | None = key(
        SectionKind(Credentials),
        "How the hooks sign in; left out, they send no credentials.",
        default=None,
    )


_READ = {
    "password": {"secret"},
    "token": {"secret", "use"},
    "service-account": {"audience", "use"},
    "oidc": {"oidc", "secret", "audience", "use"},
    "mwaa": {"mwaa"},
    "google": set[str](),
}


def faults(credentials: Credentials) -> Iterator[tuple[str, str, str]]:
    """Yield what does not go with the method: the key where it is told, the rule, the message."""
    method = credentials.method
    told = f"airflow.credentials: method {method}"
    given = {name for name in ("secret", "audience", "oidc", "mwaa") if getattr(credentials, name)}
    given |= {"use"} if credentials.use == "assertion" else set()
    needed = _READ[method] - {"use"}
    if method == "oidc":
        needed = {"oidc", *_needed_for(credentials.oidc, given)}
    for name in sorted(needed - given):
        yield "method", "missing-key", f"{told} needs {name}"
    for name in sorted(given - _READ[method]):
        yield name, "value", f"{told} does not read {name}"
    if method == "oidc" and _has_two(credentials):
        yield "secret", "value", f"{told} with client-credentials reads secret or audience: one"


def _needed_for(oidc: Oidc | None, given: set[str]) -> set[str]:
    """Return what shows a provider who we are: a token of the service account, or a secret."""
    if oidc is None:
        return set()
    by_secret = oidc.grant == "client-credentials" and "secret" in given
    return set() if by_secret else {"audience"}


def _has_two(credentials: Credentials) -> bool:
    oidc = credentials.oidc
    one = oidc is not None and oidc.grant == "client-credentials"
    return one and None not in {credentials.secret, credentials.audience}
