"""The hooks as Argo CD and Kubernetes take them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata_hooks.settings import Settings
from fermata_plugin.planning import Identity
from fermata_plugin.render import compile_checkout
from fermata_spec import limits
from fermata_spec.errors import BUG_EXIT_CODE, FermataError, TerminatedError, UnavailableError
from fermata_spec.plan import parse_plan

GOLDEN = Path(__file__).parent.parent / "golden"
REVISION = "0123456789abcdef0123456789abcdef01234567"
HOOK = "argocd.argoproj.io/hook"
Manifest = dict[str, Any]


def rendered(application: str = "etl", revision: str = REVISION) -> tuple[Manifest, ...]:
    identity = Identity(application, revision, "airflow")
    compiled = compile_checkout(str(GOLDEN / "hooks"), identity)
    assert compiled.problems == []
    return compiled.manifests


def hooks(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    return [each for each in manifests if HOOK in each["metadata"].get("annotations", {})]


def jobs() -> dict[str, Manifest]:
    found = [each for each in rendered() if each["kind"] == "Job"]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in found}


def container(job: Manifest) -> Manifest:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize(
    ("command", "phase"), [("hold", "PreSync"), ("finish", "PostSync"), ("release", "SyncFail")]
)
def test_each_phase_has_its_job(command: str, phase: str) -> None:
    job = jobs()[command]

    assert job["metadata"]["annotations"][HOOK] == phase
    assert container(job)["command"] == ["fermata", command]


def test_every_hook_is_made_anew_in_each_sync() -> None:
    for hook in hooks(rendered()):
        policy = hook["metadata"]["annotations"]["argocd.argoproj.io/hook-delete-policy"]
        assert "BeforeHookCreation" in policy.split(",")
        assert "HookFailed" not in policy.split(",")


def test_the_plan_comes_in_the_wave_of_the_hold_job() -> None:
    (plan,) = [each for each in hooks(rendered()) if each["kind"] == "ConfigMap"]
    hold = jobs()["hold"]

    for key in (HOOK, "argocd.argoproj.io/sync-wave"):
        assert plan["metadata"]["annotations"][key] == hold["metadata"]["annotations"][key]
    mounted = {each["name"]: each for each in hold["spec"]["template"]["spec"]["volumes"]}
    assert mounted["plan"]["configMap"]["name"] == plan["metadata"]["name"]
    parsed = parse_plan(plan["data"]["plan.json"], origin="plan")
    assert parsed.revision == REVISION


def test_the_revision_stands_in_hooks_only() -> None:
    for manifest in rendered():
        if manifest not in hooks(rendered()):
            assert REVISION not in str(manifest)


def test_another_revision_changes_nothing_that_argo_cd_compares() -> None:
    def compared(revision: str) -> list[Manifest]:
        manifests = rendered(revision=revision)
        return [each for each in manifests if each not in hooks(manifests)]

    assert compared("a" * 40) == compared("b" * 40)


def errors(cls: type[FermataError] = FermataError) -> Iterator[type[FermataError]]:
    for each in cls.__subclasses__():
        yield each
        yield from errors(each)


def test_kubernetes_stops_trying_for_exactly_the_codes_that_no_attempt_mends() -> None:
    again = {UnavailableError.exit_code, TerminatedError.exit_code}
    final = ({each.exit_code for each in errors()} | {BUG_EXIT_CODE}) - again
    for job in jobs().values():
        fail, ignore = job["spec"]["podFailurePolicy"]["rules"]
        assert fail["action"] == "FailJob"
        assert fail["onExitCodes"]["containerName"] == container(job)["name"]
        assert set(fail["onExitCodes"]["values"]) == final
        assert ignore["action"] == "Ignore"
        assert ignore["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_pods_meet_the_restricted_standard() -> None:
    for job in jobs().values():
        pod = job["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        security = container(job)["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        kinds = {key for volume in pod["volumes"] for key in volume} - {"name"}
        assert kinds <= {"configMap", "secret"}


def test_no_service_puts_variables_into_the_environment() -> None:
    for job in jobs().values():
        assert job["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_credentials_are_files_of_an_optional_secret() -> None:
    for job in jobs().values():
        environment = {each["name"]: each.get("value", "") for each in container(job)["env"]}
        folder = "/etc/fermata/airflow"
        assert environment["FERMATA_AIRFLOW_USERNAME_FILE"] == f"{folder}/username"
        assert environment["FERMATA_AIRFLOW_PASSWORD_FILE"] == f"{folder}/password"
        assert environment["FERMATA_LEDGER"] == "kubernetes:airflow/fermata-ledger"
        (secret,) = [
            each["secret"]
            for each in job["spec"]["template"]["spec"]["volumes"]
            if "secret" in each
        ]
        assert secret == {"secretName": "fermata-airflow", "optional": True}


@settings(max_examples=25)
@given(st.from_regex(r"\A([a-z0-9-]{1,40}_)?[a-z0-9-]{1,60}\Z"))
def test_names_of_hooks_have_at_most_52_characters(application: str) -> None:
    for hook in hooks(rendered(application)):
        if hook["kind"] == "Job":
            assert len(hook["metadata"]["name"]) <= limits.HOOK_NAME.value


def test_applications_whose_names_begin_alike_have_hooks_of_their_own() -> None:
    names = [
        hook["metadata"]["name"]
        for application in ("a" * 50 + "x", "a" * 50 + "y", "team_etl", "team-etl")
        for hook in hooks(rendered(application))
    ]

    assert len(names) == len(set(names))


def test_a_change_of_hooks_alone_is_a_difference_in_an_ordinary_object(tmp_path: Path) -> None:
    def digest(before: str, after: str) -> str:
        shutil.copytree(GOLDEN / "hooks", tmp_path, dirs_exist_ok=True)
        text = (GOLDEN / "hooks" / "fermata.yaml").read_text()
        (tmp_path / "fermata.yaml").write_text(text.replace(before, after))
        manifests = compile_checkout(str(tmp_path), Identity("etl", REVISION, "airflow")).manifests
        (dagset,) = [each for each in manifests if each["kind"] == "DagSet"]
        annotation: str = dagset["metadata"]["annotations"]["fermata.dev/hooks"]
        return annotation

    same = digest("", "")
    assert digest("fermata:1", "fermata:2") != same
    assert digest("max_lost: 10%", "max_lost: 20%") != same
    assert digest("apiVersion", "# why\napiVersion") == same


def with_hooks(tmp_path: Path, more: str = "", *, besides: str = "") -> list[Manifest]:
    shutil.copytree(GOLDEN / "hooks", tmp_path, dirs_exist_ok=True)
    text = (GOLDEN / "hooks" / "fermata.yaml").read_text()
    text = text.replace("hooks: {", f"hooks: {{{more}, ") if more else text
    (tmp_path / "fermata.yaml").write_text(f"{text}\n{besides}\n")
    compiled = compile_checkout(str(tmp_path), Identity("etl", REVISION, "airflow"))
    assert compiled.problems == []
    return [each for each in compiled.manifests if each["kind"] == "Job"]


def test_separate_jobs_come_one_after_the_other_and_release_comes_also_on_failure(
    tmp_path: Path,
) -> None:
    made = with_hooks(tmp_path, "post: separate")

    assert [
        (
            container(job)["command"][1],
            annotations[HOOK],
            annotations["argocd.argoproj.io/sync-wave"],
        )
        for job in made
        if (annotations := job["metadata"]["annotations"])
    ] == [
        ("hold", "PreSync", "0"),
        ("verify", "PostSync", "0"),
        ("smoke", "PostSync", "1"),
        ("release", "PostSync,SyncFail", "2"),
    ]


def test_jobs_that_are_not_kept_go_when_the_sync_has_succeeded(tmp_path: Path) -> None:
    for job in with_hooks(tmp_path, "keep: false"):
        policy = job["metadata"]["annotations"]["argocd.argoproj.io/hook-delete-policy"]
        assert policy == "BeforeHookCreation,HookSucceeded"


def environment_of(job: Manifest, prefix: str) -> dict[str, str]:
    named = {each["name"]: each.get("value", "") for each in container(job)["env"]}
    return {name: value for name, value in named.items() if name.startswith(prefix)}


@pytest.mark.parametrize(
    ("argocd", "environment"),
    [
        ("", {}),
        ("argocd: {namespace: gitops}", {"FERMATA_ARGOCD_NAMESPACE": "gitops"}),
        (
            "argocd: {url: 'https://argocd.example', credentials: {secret: fermata-argocd}}",
            {
                "FERMATA_ARGOCD_URL": "https://argocd.example",
                "FERMATA_ARGOCD_TOKEN_FILE": "/etc/fermata/argocd/token",
                "FERMATA_ARGOCD_CA_FILE": "/etc/fermata/argocd/ca.crt",
            },
        ),
        (
            "argocd: {url: 'https://argocd.example', credentials: {secret: s, ca: false}}",
            {
                "FERMATA_ARGOCD_URL": "https://argocd.example",
                "FERMATA_ARGOCD_TOKEN_FILE": "/etc/fermata/argocd/token",
            },
        ),
        (
            "argocd: {url: 'https://argocd.example', credentials: {audience: dex}}",
            {
                "FERMATA_ARGOCD_URL": "https://argocd.example",
                "FERMATA_ARGOCD_DEX_TOKEN_FILE": "/etc/fermata/argocd-token/token",
                "FERMATA_ARGOCD_DEX_CONNECTOR": "kubernetes",
            },
        ),
    ],
    ids=["left out", "in this cluster", "by its API", "with a public certificate", "by Dex"],
)
def test_hooks_know_argo_cd_where_they_may_ask_it(
    argocd: str, environment: dict[str, str], tmp_path: Path
) -> None:
    for job in with_hooks(tmp_path, besides=argocd):
        assert environment_of(job, "FERMATA_ARGOCD_") == environment
        Settings.from_env({"FERMATA_LEDGER": "file:x", **environment})


def test_a_token_of_argo_cd_is_a_file_of_an_optional_secret(tmp_path: Path) -> None:
    argocd = "argocd: {url: 'https://argocd.example', credentials: {secret: fermata-argocd}}"
    for job in with_hooks(tmp_path, besides=argocd):
        volumes = {each["name"]: each for each in job["spec"]["template"]["spec"]["volumes"]}
        mounts = {each["name"]: each["mountPath"] for each in container(job)["volumeMounts"]}
        assert volumes["argocd"]["secret"] == {"secretName": "fermata-argocd", "optional": True}
        assert mounts["argocd"] == "/etc/fermata/argocd"


def test_nothing_else_changes_where_argo_cd_is_left_out(tmp_path: Path) -> None:
    assert with_hooks(tmp_path, besides="argocd: {}") == list(jobs().values())


def signing_in(tmp_path: Path, credentials: str) -> Manifest:
    shutil.copytree(GOLDEN / "hooks", tmp_path, dirs_exist_ok=True)
    text = (GOLDEN / "hooks" / "fermata.yaml").read_text()
    text = text.replace("{secret: fermata-airflow}", credentials)
    (tmp_path / "fermata.yaml").write_text(text)
    compiled = compile_checkout(str(tmp_path), Identity("etl", REVISION, "airflow"))
    assert [problem.message for problem in compiled.problems] == []
    return next(each for each in compiled.manifests if each["kind"] == "Job")


OIDC = "issuer: 'https://idp.example/realms/data', client_id: fermata"
PROVIDER = {"ISSUER": "https://idp.example/realms/data", "CLIENT_ID": "fermata"}


@pytest.mark.parametrize(
    ("credentials", "environment"),
    [
        pytest.param(
            "{method: token, secret: s}",
            {"TOKEN_FILE": "/etc/fermata/airflow/token"},
            id="token",
        ),
        pytest.param(
            "{method: service-account, audience: airflow, use: assertion}",
            {"TOKEN_FILE": "/etc/fermata/airflow-token/token", "TOKEN_USE": "assertion"},
            id="service account",
        ),
        pytest.param(
            f"{{method: oidc, secret: s, oidc: {{{OIDC}, audience: airflow, scope: dags}}}}",
            {f"OIDC_{name}": value for name, value in PROVIDER.items()}
            | {
                "OIDC_GRANT": "client-credentials",
                "OIDC_CLIENT_SECRET_FILE": "/etc/fermata/airflow/client-secret",
                "OIDC_AUDIENCE": "airflow",
                "OIDC_SCOPE": "dags",
            },
            id="client secret",
        ),
        pytest.param(
            f"{{method: oidc, audience: idp, oidc: {{{OIDC}, grant: token-exchange}}}}",
            {f"OIDC_{name}": value for name, value in PROVIDER.items()}
            | {
                "OIDC_GRANT": "token-exchange",
                "OIDC_SUBJECT_TOKEN_FILE": "/etc/fermata/airflow-token/token",
            },
            id="token exchange",
        ),
        pytest.param(
            "{method: mwaa, mwaa: {environment: prod, region: eu-central-1}}",
            {"MWAA_ENVIRONMENT": "prod", "MWAA_REGION": "eu-central-1"},
            id="MWAA",
        ),
        pytest.param("{method: google}", {"GOOGLE": "default"}, id="Composer"),
        pytest.param(
            "{method: google, shown_in: cookie, headers_secret: iap}",
            {
                "GOOGLE": "default",
                "TOKEN_IN": "cookie",
                "HEADERS_DIR": "/etc/fermata/airflow-headers",
            },
            id="behind a proxy",
        ),
    ],
)
def test_each_way_to_sign_in_is_what_the_hooks_understand(
    tmp_path: Path, credentials: str, environment: dict[str, str]
) -> None:
    job = signing_in(tmp_path, credentials)

    found = environment_of(job, "FERMATA_AIRFLOW_")
    assert found == {f"FERMATA_AIRFLOW_{name}": value for name, value in environment.items()}
    Settings.from_env({"FERMATA_LEDGER": "file:x", **found})


def test_a_service_accounts_token_is_projected_for_its_audience(tmp_path: Path) -> None:
    job = signing_in(tmp_path, "{method: service-account, audience: airflow}")

    volumes = {each["name"]: each for each in job["spec"]["template"]["spec"]["volumes"]}
    (source,) = volumes["airflow-token"]["projected"]["sources"]
    token = {"path": "token", "audience": "airflow", "expirationSeconds": 3600}
    assert source == {"serviceAccountToken": token}
    assert "airflow" not in volumes


@pytest.mark.parametrize(
    ("credentials", "told"),
    [
        ("{}", "method password needs secret"),
        ("{method: token}", "method token needs secret"),
        ("{method: service-account}", "method service-account needs audience"),
        ("{method: service-account, audience: a, secret: s}", "does not read secret"),
        ("{method: oidc, secret: s}", "method oidc needs oidc"),
        (f"{{method: oidc, oidc: {{{OIDC}}}}}", "method oidc needs audience"),
        (f"{{method: oidc, secret: s, audience: a, oidc: {{{OIDC}}}}}", "secret or audience: one"),
        (
            f"{{method: oidc, secret: s, oidc: {{{OIDC}, grant: jwt-bearer}}}}",
            "method oidc needs audience",
        ),
        ("{method: mwaa}", "method mwaa needs mwaa"),
        ("{method: google, use: assertion}", "method google does not read use"),
    ],
)
def test_a_way_to_sign_in_that_is_half_told_is_a_problem_at_its_place(
    tmp_path: Path, credentials: str, told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        signing_in(tmp_path, credentials)


ROLLBACK = "rollback: {enabled: true, secret: fermata-git, image: 'registry.example/fermata:1-git'}"


def rolling_back(tmp_path: Path, text: str, hold: str = "hold: {on_failure: keep, ") -> list[str]:
    """Render with ``text``; return the problems."""
    shutil.copytree(GOLDEN / "hooks", tmp_path, dirs_exist_ok=True)
    config = (GOLDEN / "hooks" / "fermata.yaml").read_text()
    lines = [line for line in config.splitlines() if "on_failure" not in line]
    config = "\n".join(lines).replace("hold:", "hold:\n  on_failure: keep", 1) if hold else config
    (tmp_path / "fermata.yaml").write_text(f"{config}\n{text}\n")
    compiled = compile_checkout(str(tmp_path), Identity("etl", REVISION, "airflow"))
    return [problem.message for problem in compiled.problems]


def test_only_the_job_of_a_failed_sync_can_roll_back(tmp_path: Path) -> None:
    assert rolling_back(tmp_path, ROLLBACK) == []
    compiled = compile_checkout(str(tmp_path), Identity("etl", REVISION, "airflow"))

    for job in (each for each in compiled.manifests if each["kind"] == "Job"):
        component = job["metadata"]["labels"]["app.kubernetes.io/component"]
        ours = component == "release"
        volumes = {each["name"] for each in job["spec"]["template"]["spec"]["volumes"]}
        found = environment_of(job, "FERMATA_REPOSITORY_")
        assert bool(found) == ours
        assert ({"repository", "tmp"} <= volumes) == ours
        assert container(job)["image"].endswith("-git") == ours


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rollback: {enabled: true}", "rollback needs rollback.secret"),
        ("rollback: {branch: '-x'}", "'-x' is not the name of a branch"),
        ("rollback: {path: ../x}", "'../x' is not a folder of the repository"),
    ],
)
def test_a_rollback_that_is_half_told_is_a_problem(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in message for message in rolling_back(tmp_path, text))


def test_a_rollback_needs_a_hold_that_is_kept(tmp_path: Path) -> None:
    (message,) = rolling_back(tmp_path, ROLLBACK, hold="")

    assert message.startswith("rollback needs hold.on_failure: keep, and it is")
