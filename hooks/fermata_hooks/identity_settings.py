"""Who we are to Airflow, as the environment says it (``FERMATA_AIRFLOW_*``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Grant = Literal["client-credentials", "token-exchange", "jwt-bearer"]
UsedAs = Literal["bearer", "assertion"]
ShownIn = Literal["authorization", "cookie"]

OIDC = "FERMATA_AIRFLOW_OIDC_"
VARIABLES = {
    "FERMATA_AIRFLOW_TOKEN_FILE": "a file with a bearer token",
    "FERMATA_AIRFLOW_USERNAME_FILE": "a file with the user's name (with ..._PASSWORD_FILE)",
    "FERMATA_AIRFLOW_PASSWORD_FILE": "a file with the user's password",
    f"{OIDC}ISSUER": "the OpenID provider that gives the token",
    f"{OIDC}CLIENT_ID": "our name at the provider",
    f"{OIDC}CLIENT_SECRET_FILE": "a file with our secret at the provider",
    f"{OIDC}SUBJECT_TOKEN_FILE": "a file with a token of a service account, for the provider",
    f"{OIDC}GRANT": "client-credentials (the default), token-exchange or jwt-bearer",
    f"{OIDC}AUDIENCE": "for whom the provider's token shall be",
    f"{OIDC}SCOPE": "what the provider's token shall be good for",
    f"{OIDC}CA_FILE": "certificates to trust of the provider, in place of the public ones",
    "FERMATA_AIRFLOW_MWAA_ENVIRONMENT": "the MWAA environment to sign in to with an IAM role",
    "FERMATA_AIRFLOW_MWAA_REGION": "its region, where AWS's own settings do not say",
    "FERMATA_AIRFLOW_GOOGLE": "`default`: Google's application default credentials (Composer)",
    "FERMATA_AIRFLOW_TOKEN_USE": "bearer (the default), or assertion: changed at /auth/token",
    "FERMATA_AIRFLOW_TOKEN_IN": "authorization (the default), or cookie: `_token`",
    "FERMATA_AIRFLOW_HEADERS_DIR": "a folder of files, each a header for a proxy before Airflow",
    "FERMATA_AIRFLOW_CA_FILE": "certificates to trust of Airflow, in place of the public ones",
}


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """A client of an OpenID provider: with a secret, or with a token of a service account."""

    issuer: str
    client_id: str
    grant: Grant = "client-credentials"
    client_secret_file: Path | None = None
    subject_token_file: Path | None = None
    audience: str = ""
    scope: str = ""
    ca_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class MwaaSettings:
    """An environment of Amazon's; no region: AWS's own settings say it."""

    environment: str
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class AirflowIdentity:
    """One way to sign in, or none; and how a token is shown."""

    token_file: Path | None = None
    username_file: Path | None = None
    password_file: Path | None = None
    oidc: OidcSettings | None = None
    mwaa: MwaaSettings | None = None
    google: bool = False
    used_as: UsedAs = "bearer"
    shown_in: ShownIn = "authorization"
    headers_dir: Path | None = None
    ca_file: Path | None = None


def read_identity(environ: Mapping[str, str], problems: list[str]) -> AirflowIdentity:
    """Return who we are; add all that is wrong to ``problems``, each by its variable's name."""
    user = _path(environ, "FERMATA_AIRFLOW_USERNAME_FILE")
    password = _path(environ, "FERMATA_AIRFLOW_PASSWORD_FILE")
    if (user is None) != (password is None):
        missing = "PASSWORD" if password is None else "USERNAME"
        problems.append(f"FERMATA_AIRFLOW_{missing}_FILE: missing (user and password go together)")
    _check_one_way(environ, problems)
    used_as = _choice(environ, "FERMATA_AIRFLOW_TOKEN_USE", get_args(UsedAs), problems)
    oidc = _oidc(environ, problems)
    token_file = _path(environ, "FERMATA_AIRFLOW_TOKEN_FILE")
    if used_as == "assertion" and not (oidc or token_file):
        problems.append("FERMATA_AIRFLOW_TOKEN_USE: assertion needs a token file or ..._OIDC_*")
    return AirflowIdentity(
        token_file=token_file,
        username_file=user,
        password_file=password,
        oidc=oidc,
        mwaa=_mwaa(environ, problems),
        google=_choice(environ, "FERMATA_AIRFLOW_GOOGLE", ("", "default"), problems) == "default",
        used_as="assertion" if used_as == "assertion" else "bearer",
        shown_in=_shown_in(environ, problems),
        headers_dir=_path(environ, "FERMATA_AIRFLOW_HEADERS_DIR"),
        ca_file=_path(environ, "FERMATA_AIRFLOW_CA_FILE"),
    )


def _check_one_way(environ: Mapping[str, str], problems: list[str]) -> None:
    """Report a second way to sign in: which one is meant cannot be told."""
    ways = (
        ("FERMATA_AIRFLOW_TOKEN_FILE",),
        ("FERMATA_AIRFLOW_USERNAME_FILE", "FERMATA_AIRFLOW_PASSWORD_FILE"),
        tuple(name for name in VARIABLES if name.startswith(OIDC)),
        ("FERMATA_AIRFLOW_MWAA_ENVIRONMENT", "FERMATA_AIRFLOW_MWAA_REGION"),
        ("FERMATA_AIRFLOW_GOOGLE",),
    )
    used = [next((n for n in way if environ.get(n)), "") for way in ways]
    first, *others = [name for name in used if name] or [""]
    problems += [f"{first}: given together with {other}" for other in others]


def _oidc(environ: Mapping[str, str], problems: list[str]) -> OidcSettings | None:
    given = {
        name: environ[name] for name in VARIABLES if name.startswith(OIDC) and environ.get(name)
    }
    if not given:
        return None
    problems += [
        f"{OIDC}{name}: missing" for name in ("ISSUER", "CLIENT_ID") if f"{OIDC}{name}" not in given
    ]
    grant = _choice(environ, f"{OIDC}GRANT", get_args(Grant), problems)
    secret, subject = f"{OIDC}CLIENT_SECRET_FILE", f"{OIDC}SUBJECT_TOKEN_FILE"
    if grant == "client-credentials" and (secret in given) == (subject in given):
        problems.append(f"{OIDC}GRANT: client-credentials takes one of {secret} and {subject}")
    if grant != "client-credentials" and subject not in given:
        problems.append(f"{subject}: missing ({grant} gives a token for another)")
    return OidcSettings(
        issuer=given.get(f"{OIDC}ISSUER", ""),
        client_id=given.get(f"{OIDC}CLIENT_ID", ""),
        grant=next((known for known in get_args(Grant) if known == grant), "client-credentials"),
        client_secret_file=_path(given, secret),
        subject_token_file=_path(given, subject),
        audience=given.get(f"{OIDC}AUDIENCE", ""),
        scope=given.get(f"{OIDC}SCOPE", ""),
        ca_file=_path(given, f"{OIDC}CA_FILE"),
    )


def _mwaa(environ: Mapping[str, str], problems: list[str]) -> MwaaSettings | None:
    environment = environ.get("FERMATA_AIRFLOW_MWAA_ENVIRONMENT", "")
    region = environ.get("FERMATA_AIRFLOW_MWAA_REGION", "")
    if region and not environment:
        problems.append("FERMATA_AIRFLOW_MWAA_ENVIRONMENT: missing")
    return MwaaSettings(environment=environment, region=region) if environment else None


def _shown_in(environ: Mapping[str, str], problems: list[str]) -> ShownIn:
    chosen = _choice(environ, "FERMATA_AIRFLOW_TOKEN_IN", get_args(ShownIn), problems)
    return "cookie" if chosen == "cookie" else "authorization"


def _choice(
    environ: Mapping[str, str], name: str, known: tuple[str, ...], problems: list[str]
) -> str:
    """Return what is chosen; the first of ``known`` where nothing (or nothing known) is."""
    chosen = environ.get(name) or known[0]
    if chosen not in known:
        problems.append(f"{name}: {chosen[:60]!r} is none of {', '.join(filter(None, known))}")
        return known[0]
    return chosen


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None
