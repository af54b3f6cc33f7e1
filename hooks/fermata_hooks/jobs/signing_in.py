"""From the environment's words to who we are: the wiring of every way to sign in."""

from fermata_hooks.airflow_api import (
    AirflowApi,
    AssertedToken,
    BearerToken,
    Credentials,
    Front,
    MwaaRole,
    NoCredentials,
    PasswordFiles,
)
from fermata_hooks.clock import Clock
from fermata_hooks.deeds import Witness
from fermata_hooks.identity import FileToken, GoogleToken, OidcToken, TokenSource
from fermata_hooks.identity_settings import AirflowIdentity


def sign_in(
    url: str, identity: AirflowIdentity, *, clock: Clock, witness: Witness | None = None
) -> AirflowApi:
    """Return the Airflow at ``url``, to which we are ``identity``; nothing is asked yet."""
    return AirflowApi(
        url,
        _credentials(identity, clock),
        clock=clock,
        ca_file=identity.ca_file,
        front=Front(identity.headers_dir, shown_in=identity.shown_in),
        witness=witness,
    )


def _credentials(identity: AirflowIdentity, clock: Clock) -> Credentials:
    source = _source(identity, clock)
    if source is not None:
        asserted = identity.used_as == "assertion"
        return AssertedToken(source) if asserted else BearerToken(source)
    if identity.username_file is not None and identity.password_file is not None:
        return PasswordFiles(identity.username_file, identity.password_file)
    if identity.mwaa is not None:
        return MwaaRole(identity.mwaa)
    return NoCredentials()


def _source(identity: AirflowIdentity, clock: Clock) -> TokenSource | None:
    if identity.token_file is not None:
        return FileToken(identity.token_file)
    if identity.oidc is not None:
        return OidcToken(identity.oidc, clock=clock)
    return GoogleToken() if identity.google else None
