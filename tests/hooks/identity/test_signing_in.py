"""From variables to a request that Airflow takes: every way, and what each says when it fails."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fakes.oidc_provider import SUBJECT, OidcProvider
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.exchange import NotSentError
from fermata_hooks.jobs.signing_in import sign_in
from fermata_hooks.settings import Settings
from fermata_spec.errors import FermataError, RejectedError, SettingsError

SignIn = Callable[[Mapping[str, object]], AirflowApi]
A = "FERMATA_AIRFLOW_"


@pytest.fixture
def airflow(clock: ManualClock, provider: OidcProvider) -> Iterator[FakeAirflow]:
    """An Airflow that takes the provider's tokens."""
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        airflow.add_dag("etl")
        airflow.accounts.provider = lambda token: str(provider.verify(token)["sub"])
        yield airflow


@pytest.fixture
def files(tmp_path: Path, provider: OidcProvider) -> Path:
    """A folder of secrets."""
    for name, content in {
        "client-secret": "hush",
        "service-account": provider.service_account_token(),
        "token": provider.service_account_token(audience="airflow"),
    }.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(content)
    provider.clients["fermata"] = "hush"
    return tmp_path


@pytest.fixture
def signed_in(airflow: FakeAirflow, clock: ManualClock) -> Iterator[SignIn]:
    made: list[AirflowApi] = []

    def make(environ: Mapping[str, object]) -> AirflowApi:
        texts = {name: str(value) for name, value in environ.items()}
        settings = Settings.from_env({"FERMATA_LEDGER": "file:/state", **texts})
        made.append(sign_in(airflow.url, settings.identity, clock=clock))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def oidc(provider: OidcProvider, files: Path) -> dict[str, object]:
    return {
        f"{A}OIDC_ISSUER": provider.url,
        f"{A}OIDC_CLIENT_ID": "fermata",
        f"{A}OIDC_CLIENT_SECRET_FILE": files / "client-secret",
    }


Ways = dict[str, dict[str, object]]


@pytest.fixture
def ways(oidc: dict[str, object], files: Path) -> Ways:
    """The variables of each way to get a token."""
    file: dict[str, object] = {f"{A}TOKEN_FILE": files / "token"}
    return {
        "TOKEN_FILE": file,
        "OIDC": oidc,
        "assertion": {**file, f"{A}TOKEN_USE": "assertion"},
    }


def federated(provider: OidcProvider, files: Path, grant: str) -> dict[str, object]:
    return {
        f"{A}OIDC_ISSUER": provider.url,
        f"{A}OIDC_CLIENT_ID": "fermata",
        f"{A}OIDC_GRANT": grant,
        f"{A}OIDC_SUBJECT_TOKEN_FILE": files / "service-account",
    }


def paused_by(airflow: FakeAirflow, api: AirflowApi) -> str:
    """Pause a DAG; return who did by Airflow's own event log."""
    assert api.set_paused("etl", paused=True).dag.is_paused
    return airflow.rows[-1].owner


def test_a_projected_token_is_used_as_it_is(
    airflow: FakeAirflow, signed_in: SignIn, files: Path
) -> None:
    api = signed_in({f"{A}TOKEN_FILE": files / "token"})

    assert paused_by(airflow, api) == SUBJECT


def test_a_clients_secret_signs_in(
    airflow: FakeAirflow, signed_in: SignIn, oidc: dict[str, object]
) -> None:
    assert paused_by(airflow, signed_in(oidc)) == "fermata"


@pytest.mark.parametrize("grant", ["client-credentials", "token-exchange", "jwt-bearer"])
def test_a_service_account_signs_in_without_a_secret_of_ours(
    airflow: FakeAirflow, signed_in: SignIn, provider: OidcProvider, files: Path, grant: str
) -> None:
    api = signed_in(federated(provider, files, grant))

    assert paused_by(airflow, api) == SUBJECT


@pytest.mark.parametrize(("way", "owner"), [("TOKEN_FILE", SUBJECT), ("OIDC", "fermata")])
def test_an_assertion_is_changed_for_a_token_of_airflows_own(
    airflow: FakeAirflow, signed_in: SignIn, ways: Ways, way: str, owner: str
) -> None:
    api = signed_in({**ways[way], f"{A}TOKEN_USE": "assertion"})
    paused_by(airflow, api)
    airflow.accounts.end_tokens()

    assert paused_by(airflow, api) == owner
    assert airflow.accounts.logins == 2


def test_a_token_for_somebody_else_is_refused_in_one_line(
    signed_in: SignIn, oidc: dict[str, object], provider: OidcProvider
) -> None:
    api = signed_in({**oidc, f"{A}OIDC_AUDIENCE": "vault"})

    with pytest.raises(RejectedError, match="403 Forbidden: invalid_claim") as caught:
        api.dags()

    assert "OIDC client fermata of" in str(caught.value)
    assert not any(token in str(caught.value) for token in provider.given)


def test_a_revoked_client_is_told_in_one_line_without_its_secret(
    airflow: FakeAirflow, signed_in: SignIn, oidc: dict[str, object], provider: OidcProvider
) -> None:
    api = signed_in(oidc)
    api.dags()
    provider.clients.clear()
    airflow.accounts.provider = refusing

    with pytest.raises(RejectedError, match="invalid_client") as caught:
        api.dags()

    assert "hush" not in str(caught.value).replace("client-secret", "")
    assert "\n" not in str(caught.value)


def test_a_provider_that_is_not_found_is_no_dag_that_is_gone(
    airflow: FakeAirflow, signed_in: SignIn, oidc: dict[str, object], provider: OidcProvider
) -> None:
    api = signed_in(oidc)
    api.dags()
    provider.description["token_endpoint"] = f"{provider.url}/gone"
    again = signed_in(oidc)

    with pytest.raises(RejectedError, match="/gone: ") as caught:
        again.set_paused("etl", paused=True)

    assert caught.value.status == 401
    assert airflow.sent("PATCH") == []


def refusing(token: str) -> str:
    raise ValueError(f"expired: {token}")


@pytest.mark.slow
def test_tokens_end_under_a_drain_and_no_request_is_lost(
    airflow: FakeAirflow,
    signed_in: SignIn,
    oidc: dict[str, object],
    provider: OidcProvider,
    clock: ManualClock,
) -> None:
    """Eight threads ask all the time, while tokens of two minutes end; none is ever refused."""
    provider.token_life = 120
    api = signed_in(oidc)
    api.dags()
    airflow.requests.clear()
    turn = threading.Barrier(8, action=lambda: clock.sleep(5))

    def drain() -> int:
        answers = 0
        for _ in range(60):  # five minutes
            answers += len(api.dags())
            turn.wait(timeout=60)
        return answers

    with ThreadPoolExecutor(8) as pool:
        answered = sum(pool.map(lambda _: drain(), range(8)))

    assert answered == 8 * 60
    assert len(airflow.requests) == 8 * 60  # none was sent twice
    assert len(provider.given) > 2


def test_a_provider_that_is_gone_for_a_while_costs_no_request(
    airflow: FakeAirflow, signed_in: SignIn, oidc: dict[str, object], provider: OidcProvider
) -> None:
    api = signed_in({**oidc, f"{A}OIDC_ISSUER": "http://127.0.0.1:1"})

    with pytest.raises(NotSentError, match="no connection"):
        api.set_paused("etl", paused=True)

    assert airflow.sent("PATCH") == []
    assert provider.given == []


@pytest.fixture
def proxy(tmp_path: Path) -> Path:
    folder = tmp_path / "headers"
    folder.mkdir()
    return folder


def test_a_proxys_headers_are_on_every_request(
    airflow: FakeAirflow, signed_in: SignIn, files: Path, proxy: Path
) -> None:
    (proxy / "CF-Access-Client-Id").write_text("id.access\n")
    (proxy / "..data").mkdir()  # as the kubelet leaves it
    airflow.credential_files(files)
    api = signed_in(
        {
            f"{A}USERNAME_FILE": files / "fermata-username",
            f"{A}PASSWORD_FILE": files / "fermata-password",
            f"{A}HEADERS_DIR": proxy,
        }
    )

    api.dags()

    assert {headers.get("Cf-Access-Client-Id") for headers in airflow.headers} == {"id.access"}
    assert any("/auth/token" in line for line in airflow.requests)


def test_where_the_proxy_takes_authorization_the_token_is_a_cookie(
    airflow: FakeAirflow, signed_in: SignIn, files: Path, proxy: Path, clock: ManualClock
) -> None:
    (proxy / "Authorization").write_text("Basic cHJveHk6aHVzaA==")
    airflow.credential_files(files)
    airflow.accounts.token_life = 100
    api = signed_in(
        {
            f"{A}USERNAME_FILE": files / "fermata-username",
            f"{A}PASSWORD_FILE": files / "fermata-password",
            f"{A}HEADERS_DIR": proxy,
            f"{A}TOKEN_IN": "cookie",
        }
    )
    paused_by(airflow, api)
    clock.sleep(100)

    assert paused_by(airflow, api) == "fermata"
    assert airflow.accounts.logins == 2
    assert all("_token=" in headers["Cookie"] for headers in airflow.headers[-1:])


@pytest.mark.parametrize(
    ("names", "why"),
    [
        pytest.param([], "0 files", id="empty"),
        pytest.param(["Authorization"], "TOKEN_IN=cookie", id="where the token is"),
        pytest.param(["Host"], "'Host': no header of a proxy", id="ours"),
        pytest.param(["X Y"], "'X Y': no header of a proxy", id="no name"),
        pytest.param([f"X-{n}" for n in range(17)], "17 files", id="too many"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_before_anything_is(
    airflow: FakeAirflow, signed_in: SignIn, proxy: Path, names: list[str], why: str
) -> None:
    for name in names:
        (proxy / name).write_text("hush")
    api = signed_in({f"{A}HEADERS_DIR": proxy})

    with pytest.raises(SettingsError, match=why) as caught:
        api.dags()

    assert "hush" not in str(caught.value)
    assert airflow.requests == []


def test_a_folder_of_headers_that_is_not_there_is_named(
    signed_in: SignIn, files: Path, proxy: Path
) -> None:
    api = signed_in({f"{A}TOKEN_FILE": files / "token", f"{A}HEADERS_DIR": proxy / "gone"})

    with pytest.raises(SettingsError, match="gone: No such file"):
        api.dags()


def test_a_file_that_others_may_read_is_warned_of_once(
    signed_in: SignIn, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (files / "token").chmod(0o644)
    api = signed_in({f"{A}TOKEN_FILE": files / "token"})

    for _ in range(3):
        api.dags()

    assert [r.getMessage() for r in caplog.records if r.name == "fermata.secrets"] == [
        f"token file {files / 'token'}: other users may read it (mode 644): chmod 600"
    ]


def test_a_file_of_a_mounted_secret_is_not_warned_of(
    signed_in: SignIn, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    real = files / "..2026_11_24"
    real.mkdir()
    (files / "token").rename(real / "token")
    (real / "token").chmod(0o644)
    (files / "token").symlink_to("..2026_11_24/token")

    signed_in({f"{A}TOKEN_FILE": files / "token"}).dags()

    assert not [r for r in caplog.records if r.name == "fermata.secrets"]


@pytest.mark.parametrize("status", [400, 403, 422, 500, 302])
@pytest.mark.parametrize("way", ["TOKEN_FILE", "OIDC", "assertion"])
def test_no_error_of_airflow_repeats_what_it_was_shown(
    airflow: FakeAirflow, signed_in: SignIn, ways: Ways, way: str, status: int
) -> None:
    api = signed_in(ways[way])
    api.dags()
    shown = airflow.headers[-1]["Authorization"].removeprefix("Bearer ")
    echo = json.dumps({"detail": f"you sent {shown}"}).encode()
    airflow.answers(status, path="/dags", times=0, body=echo, headers={"Location": "http://x/"})

    with pytest.raises(FermataError) as caught:
        api.dag("etl")

    told = f"{caught.value!r} {caught.value.__cause__!r}"
    assert not any(part in told for part in shown.split(".")[1:])
