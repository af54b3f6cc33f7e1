"""Which Airflow answers is found out once, wherever it stands and whoever stands before it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, NoCredentials, PasswordFiles, TokenFile
from fermata_spec.errors import RejectedError, SettingsError

MakeApi = Callable[[FakeAirflow], AirflowApi]

HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("version", "api", "pause_log"),
    [
        ("2.10.5", "v1", "values"),
        ("2.11.2", "v1", "values"),
        ("3.0.6", "v2", "order"),
        ("3.1.8", "v2", "values"),
        ("3.2.2", "v2", "values"),
        ("3.3.2", "v2", "values"),
    ],
)
def test_a_release_is_known_by_what_it_answers(
    version: str, api: str, pause_log: str, make_api: MakeApi, clock: ManualClock
) -> None:
    with FakeAirflow(version, now=clock.now) as airflow:
        found = make_api(airflow).version()

    assert (found.text, found.api, found.pause_log) == (version, api, pause_log)
    assert found.answers_before_commit is (version == "3.0.6")


@pytest.mark.parametrize(
    ("text", "release", "pause_log"),
    [
        ("3.4.0", (3, 4, 0), "values"),
        ("3.1.0rc2", (3, 1, 0), "values"),
        ("3.0.2+astro.1", (3, 0, 2), "order"),
        ("4.0", (4, 0), "values"),
        ("2.9.3", (2, 9, 3), "unreadable"),
        ("2.11.2+composer", (2, 11, 2), "values"),
    ],
)
def test_distributors_and_newer_releases_are_understood(
    text: str, release: tuple[int, ...], pause_log: str, clock: ManualClock
) -> None:
    body = f'{{"version": "{text}", "git_version": null, "new": 1}}'.encode()
    with FakeAirflow("2.11.2" if text.startswith("2") else "3.3.2") as airflow:
        airflow.answers(200, path=f"{airflow.release.root}/version", body=body)
        with AirflowApi(airflow.url, NoCredentials(), clock=clock) as api:
            version = api.version()

    assert (version.text, version.release, version.pause_log) == (text, release, pause_log)


def test_the_version_is_asked_for_once_by_all_threads(
    airflow_2: FakeAirflow, make_api: MakeApi
) -> None:
    api = make_api(airflow_2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: api.dag("etl"), range(16)))

    assert airflow_2.sent("GET", "/version") == [
        "GET /api/v2/version",
        "GET /api/v1/version",
    ]


def test_no_password_is_shown_before_it_is_known_who_asks(
    airflow: FakeAirflow, make_api: MakeApi
) -> None:
    make_api(airflow).version()

    assert airflow.accounts.logins == 0


def test_a_token_is_shown_to_the_proxy_before_the_version(
    airflow: FakeAirflow, clock: ManualClock, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("opaque")

    with AirflowApi(airflow.url, TokenFile(tmp_path / "token"), clock=clock) as api:
        api.version()

    assert airflow.headers[-1]["Authorization"] == "Bearer opaque"


@pytest.mark.parametrize("version", ["2.11.2", "3.3.2"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_address_may_have_a_path(
    version: str, slash: str, clock: ManualClock, tmp_path: Path
) -> None:
    with FakeAirflow(version, now=clock.now, base_path="/team/airflow") as airflow:
        airflow.add_dag("etl")
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url + slash, credentials, clock=clock) as api:
            api.set_paused("etl", paused=True)

        assert airflow.dags["etl"].is_paused


def test_a_server_that_is_no_airflow_is_named(airflow: FakeAirflow, make_api: MakeApi) -> None:
    airflow.answers(404, path="/version", times=0, body=b"nginx")

    with pytest.raises(RejectedError) as caught:
        make_api(airflow).version()

    assert str(caught.value) == (
        f"{airflow.url}: no Airflow here: /api/v2/version: 404; /api/v1/version: 404"
    )


def test_a_server_that_answers_everything_with_a_page_is_named(
    airflow: FakeAirflow, make_api: MakeApi
) -> None:
    page = b"<html><title>Welcome</title></html>"
    airflow.answers(200, times=0, body=page, headers=HTML)

    with pytest.raises(RejectedError, match=r"no Airflow here: .*proxy.*'Welcome'"):
        make_api(airflow).version()


def test_a_login_page_is_not_followed(airflow: FakeAirflow, make_api: MakeApi) -> None:
    headers = {"Location": "https://sso.example/login?rd=/api/v2/version"}
    airflow.answers(302, times=0, headers=headers)

    with pytest.raises(RejectedError, match=r"redirect to https://sso\.example/login refused"):
        make_api(airflow).version()


def test_a_version_that_is_none_is_refused(airflow: FakeAirflow, make_api: MakeApi) -> None:
    airflow.answers(200, path="/version", body=b'{"version": "main"}')

    with pytest.raises(RejectedError, match="version is 'main', not numbers"):
        make_api(airflow).version()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("airflow:8080", id="no scheme"),
        pytest.param("ftp://airflow", id="another scheme"),
        pytest.param("http://", id="no host"),
        pytest.param("http://ann:hush@airflow:8080", id="user and password"),
        pytest.param("http://ann:hush@airflow:port", id="no port, and a password"),
        pytest.param("http://airflow/?token=hush", id="a query"),
        pytest.param("http://airflow/#hush", id="a fragment"),
        pytest.param("http://[::1", id="half an address"),
        pytest.param("hush", id="a word"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_address_that_is_none_is_refused_without_its_secrets(
    url: str, clock: ManualClock
) -> None:
    with pytest.raises(SettingsError, match="Airflow's address") as caught:
        AirflowApi(url, NoCredentials(), clock=clock)

    assert "hush" not in str(caught.value) or url == "hush"
