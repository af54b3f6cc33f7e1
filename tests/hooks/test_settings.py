from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.settings import VARIABLES, ClusterLedger, FolderLedger, OwnJob, Settings
from fermata_spec.errors import SettingsError

NAMES = st.sampled_from([*VARIABLES, "FERMATA_PLANN", "FERMATA_SMTP", "PATH"])


def test_reads_a_folder_ledger() -> None:
    settings = Settings.from_env({"FERMATA_LEDGER": "file:/state"})

    assert settings.ledger == FolderLedger(Path("/state"))


def test_reads_a_cluster_ledger() -> None:
    settings = Settings.from_env({"FERMATA_LEDGER": "kubernetes:airflow/fermata-ledger"})

    assert settings.ledger == ClusterLedger("airflow", "fermata-ledger")


def test_reads_which_job_this_is_a_pod_of() -> None:
    environ = {"FERMATA_LEDGER": "file:/state", "FERMATA_JOB": "hold", "FERMATA_JOB_UID": "u"}

    assert Settings.from_env(environ).job == OwnJob(name="hold", uid="u")
    assert Settings.from_env({"FERMATA_LEDGER": "file:/state"}).job is None


def test_names_every_problem_in_one_message() -> None:
    environ = {
        "FERMATA_LEDGER": "s3:bucket",
        "FERMATA_AIRFLOW_USERNAME_FILE": "/user",
        "FERMATA_LOG": "xml",
        "FERMATA_REPROT": "/r.json",
    }

    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)

    message = str(caught.value)
    for part in ("FERMATA_LEDGER", "FERMATA_AIRFLOW_PASSWORD_FILE", "FERMATA_LOG"):
        assert part in message
    assert "FERMATA_REPROT: unknown variable (did you mean FERMATA_REPORT?)" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    ["kubernetes:airflow", "kubernetes:/name", "kubernetes:a/b/c", "kubernetes:", "file:", "x"],
)
def test_refuses_a_ledger_that_is_neither(text: str) -> None:
    with pytest.raises(SettingsError, match="FERMATA_LEDGER"):
        Settings.from_env({"FERMATA_LEDGER": text})


def test_refuses_token_and_password_together() -> None:
    environ = {
        "FERMATA_LEDGER": "file:/state",
        "FERMATA_AIRFLOW_TOKEN_FILE": "/token",
        "FERMATA_AIRFLOW_USERNAME_FILE": "/user",
        "FERMATA_AIRFLOW_PASSWORD_FILE": "/password",
    }

    with pytest.raises(SettingsError, match="TOKEN_FILE: given together"):
        Settings.from_env(environ)


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"FERMATA_ARGOCD_URL": "https://argocd"}, "FERMATA_ARGOCD_TOKEN_FILE"),
        ({"FERMATA_ARGOCD_TOKEN_FILE": "/token"}, "FERMATA_ARGOCD_URL"),
        ({"FERMATA_ARGOCD_DEX_TOKEN_FILE": "/token"}, "FERMATA_ARGOCD_DEX_CONNECTOR"),
        ({"FERMATA_ARGOCD_DEX_CONNECTOR": "k8s"}, "FERMATA_ARGOCD_DEX_TOKEN_FILE"),
    ],
    ids=["no token", "no address", "no connector", "no token for Dex"],
)
def test_refuses_half_of_argo_cd(half: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing}: missing"):
        Settings.from_env({"FERMATA_LEDGER": "file:/state", **half})


def test_reads_how_to_reach_argo_cd() -> None:
    environ = {
        "FERMATA_LEDGER": "file:/state",
        "FERMATA_ARGOCD_URL": "https://argocd",
        "FERMATA_ARGOCD_TOKEN_FILE": "/token",
        "FERMATA_ARGOCD_CA_FILE": "/ca",
        "FERMATA_ARGOCD_NAMESPACE": "argocd",
    }

    settings = Settings.from_env(environ)

    assert settings.argocd_url == "https://argocd"
    assert settings.argocd_token_file == Path("/token")
    assert settings.argocd_ca_file == Path("/ca")
    assert settings.argocd_namespace == "argocd"


def test_leaves_variables_of_others_alone() -> None:
    settings = Settings.from_env({"FERMATA_LEDGER": "file:/s", "AIRFLOW_HOME": "/a", "PATH": "/b"})

    assert settings.airflow_url == ""


@given(st.dictionaries(NAMES, st.text(max_size=30), max_size=8))
def test_any_environment_gives_settings_or_a_settings_error(environ: dict[str, str]) -> None:
    try:
        settings = Settings.from_env(environ)
    except SettingsError as exc:
        assert str(exc)  # noqa: PT017 - both ends are right, and a message is owed
    else:
        assert settings.ledger is not None


A = "FERMATA_AIRFLOW_"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        pytest.param(
            {"OIDC_ISSUER": "https://i", "OIDC_CLIENT_ID": "c"},
            "OIDC_GRANT: client-credentials takes one of",
            id="neither secret nor token",
        ),
        pytest.param(
            {
                "OIDC_ISSUER": "https://i",
                "OIDC_CLIENT_ID": "c",
                "OIDC_CLIENT_SECRET_FILE": "/s",
                "OIDC_SUBJECT_TOKEN_FILE": "/t",
            },
            "OIDC_GRANT: client-credentials takes one of",
            id="both",
        ),
        pytest.param({"OIDC_SCOPE": "x"}, "OIDC_ISSUER: missing; ", id="no issuer"),
        pytest.param(
            {"OIDC_ISSUER": "https://i", "OIDC_CLIENT_ID": "c", "OIDC_GRANT": "jwt-bearer"},
            "OIDC_SUBJECT_TOKEN_FILE: missing",
            id="no subject",
        ),
        pytest.param({"OIDC_GRANT": "password"}, "GRANT: 'password' is none of", id="grant"),
        pytest.param({"TOKEN_FILE": "/t", "GOOGLE": "default"}, "given together", id="two ways"),
        pytest.param(
            {"MWAA_REGION": "eu-west-1"}, "MWAA_ENVIRONMENT: missing", id="no environment"
        ),
        pytest.param({"GOOGLE": "yes"}, "GOOGLE: 'yes' is none of default", id="Google"),
        pytest.param({"TOKEN_USE": "assertion"}, "TOKEN_USE: assertion needs", id="no token"),
        pytest.param({"TOKEN_IN": "query"}, "TOKEN_IN: 'query' is none of", id="nowhere"),
        pytest.param({"OIDC_ISUER": "x"}, "OIDC_ISUER: unknown variable", id="a typo"),
    ],
)
def test_refuses_half_an_identity(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=f"{A}.*{told}"):
        Settings.from_env(
            {"FERMATA_LEDGER": "file:/s", **{f"{A}{name}": text for name, text in environ.items()}}
        )


def test_every_variable_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    page = (Path(__file__).parents[2] / "docs" / "credentials.md").read_text()

    missing = [name for name in VARIABLES if f"`{name}`" not in readme + page]

    assert missing == []
