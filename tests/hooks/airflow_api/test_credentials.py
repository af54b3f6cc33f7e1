"""Who we are: files, tokens that end, passwords that are wrong, and nobody at all."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import (
    AirflowApi,
    Credentials,
    NoCredentials,
    TokenFile,
)
from fermata_hooks.identity import life_of
from fermata_spec.errors import FermataError, RejectedError, SettingsError

MakeApi = Callable[[FakeAirflow], AirflowApi]
With = Callable[[FakeAirflow, Credentials], AirflowApi]


@pytest.fixture
def api_with(clock: ManualClock) -> Iterator[With]:
    made: list[AirflowApi] = []

    def make(airflow: FakeAirflow, credentials: Credentials) -> AirflowApi:
        made.append(AirflowApi(airflow.url, credentials, clock=clock))
        return made[-1]

    yield make
    for api in made:
        api.close()


def test_a_token_is_asked_for_once(airflow: FakeAirflow, api: AirflowApi) -> None:
    for _ in range(5):
        api.dags()

    assert airflow.accounts.logins == 1


def test_eight_threads_ask_for_one_token(airflow: FakeAirflow, api: AirflowApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: api.dag("etl"), range(32)))

    assert airflow.accounts.logins == 1


def test_a_token_is_renewed_before_it_ends(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.accounts.token_life = 3600
    api.dags()

    clock.sleep(3600 - 59)
    airflow.requests.clear()
    api.set_paused("etl", paused=True)

    assert airflow.accounts.logins == 2
    assert [line.split()[0] for line in airflow.requests] == ["POST", "PATCH"]


def test_a_short_token_is_not_asked_for_at_every_request(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.accounts.token_life = 30
    api.dags()

    clock.sleep(20)
    api.dags()

    assert airflow.accounts.logins == 1


@pytest.mark.parametrize(
    "end", ["end_tokens", "change_signing_key"], ids=["ended", "another signing key"]
)
def test_a_token_that_is_refused_is_renewed_once(
    airflow: FakeAirflow, api: AirflowApi, end: str
) -> None:
    api.dags()

    getattr(airflow.accounts, end)()
    api.set_paused("etl", paused=True)

    assert airflow.dags["etl"].is_paused
    assert airflow.accounts.logins == 2
    assert len(airflow.sent("PATCH")) == 2


def test_a_new_token_that_is_refused_too_is_the_end(
    airflow: FakeAirflow, api: AirflowApi, tmp_path: Path
) -> None:
    airflow.answers(401, path="/dags", times=0, body=b'{"detail": "Not authenticated"}')

    with pytest.raises(RejectedError, match="401 Unauthorized: Not authenticated") as caught:
        api.dags()

    assert caught.value.status == 401
    assert str(tmp_path / "fermata-password") in str(caught.value)
    assert len(airflow.sent("GET", "/dags")) == 2


def test_a_missing_permission_is_not_taken_for_an_old_token(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.accounts.denied.add("/dags")

    with pytest.raises(RejectedError, match="403 Forbidden: Forbidden") as caught:
        api.dags()

    assert caught.value.status == 403
    assert airflow.accounts.logins == 1
    assert len(airflow.sent("GET", "/dags")) == 1


def test_a_password_that_was_changed_in_the_files_is_used(
    airflow: FakeAirflow, api: AirflowApi, tmp_path: Path
) -> None:
    api.dags()
    airflow.accounts.passwords["fermata"] = "another"
    (tmp_path / "fermata-password").write_text("another")

    airflow.accounts.end_tokens()
    api.dags()

    assert airflow.accounts.logins == 2


def test_on_2x_a_changed_password_is_used_at_once(
    airflow_2: FakeAirflow, make_api: MakeApi, tmp_path: Path
) -> None:
    api = make_api(airflow_2)
    api.dags()
    airflow_2.accounts.passwords["fermata"] = "another"
    (tmp_path / "fermata-password").write_text("another")

    assert [dag.dag_id for dag in api.dags()] == ["etl"]


def test_a_wrong_password_is_not_sent_again_and_again(
    airflow: FakeAirflow, api: AirflowApi, tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "fermata-password").write_text("guessed")

    with pytest.raises(RejectedError) as caught:
        api.dags()

    assert str(caught.value) == (
        f"POST {airflow.url}/auth/token: 401 Unauthorized "
        f"(user file {tmp_path}/fermata-username, password file {tmp_path}/fermata-password)"
    )
    assert airflow.accounts.logins == 1
    assert clock.naps == []


@pytest.mark.parametrize("status", [200, 302, 400, 422, 500])
def test_what_a_login_that_failed_repeats_is_not_repeated(
    status: int, airflow: FakeAirflow, api: AirflowApi
) -> None:
    echo = json.dumps({"detail": "input_value={'password': 'fermatas-pass-phrase'}"}).encode()
    target = {"Location": "http://elsewhere/?password=fermatas-pass-phrase"}
    airflow.answers(status, path="/auth/token", times=0, body=echo, headers=target)

    with pytest.raises(FermataError) as caught:
        api.dags()

    assert "pass-phrase" not in str(caught.value)


def test_a_login_without_a_token_in_its_answer_is_refused(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.answers(200, path="/auth/token", body=b'{"token": "x"}')

    with pytest.raises(RejectedError, match="no access_token in the answer"):
        api.dags()


def test_a_token_file_is_read_for_every_request(
    airflow: FakeAirflow, api_with: With, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(airflow.accounts.give_token("fermata") + "\n")
    api = api_with(airflow, TokenFile(file))
    api.dags()

    airflow.accounts.end_tokens()
    file.write_text(airflow.accounts.give_token("ann"))
    api.set_paused("etl", paused=True)

    assert airflow.rows[-1].owner == "ann"


def test_a_token_that_is_renewed_in_the_file_is_used_after_a_refusal(
    airflow: FakeAirflow, api_with: With, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("forged")
    api = api_with(airflow, TokenFile(file))

    with pytest.raises(RejectedError, match=rf"403 .*Invalid JWT token \(token file {file}\)"):
        api.dags()

    file.write_text(airflow.accounts.give_token("fermata"))
    assert [dag.dag_id for dag in api.dags()] == ["etl"]


def test_a_token_that_ended_is_not_shown_twice(
    airflow: FakeAirflow, api_with: With, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(airflow.accounts.give_token("fermata"))
    airflow.accounts.end_tokens()

    with pytest.raises(RejectedError, match="401 Unauthorized: Token Expired"):
        api_with(airflow, TokenFile(file)).dags()

    assert len(airflow.sent("GET", "/dags")) == 1


def test_everybody_may_come_in_where_everybody_may(airflow: FakeAirflow, api_with: With) -> None:
    airflow.accounts.open = True

    api = api_with(airflow, NoCredentials())

    assert api.set_paused("etl", paused=True).dag.is_paused
    assert airflow.rows[-1].owner == "Anonymous"
    assert api.account is None


def test_nobody_may_not_come_in_elsewhere(airflow: FakeAirflow, api_with: With) -> None:
    with pytest.raises(RejectedError, match=r"401 Unauthorized: Not authenticated \(no cred"):
        api_with(airflow, NoCredentials()).dags()


def test_nobody_may_not_come_into_2x(airflow_2: FakeAirflow, api_with: With) -> None:
    with pytest.raises(RejectedError, match=r"\(no credentials; needs can_read on DAGs\)"):
        api_with(airflow_2, NoCredentials()).dags()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "No such file or directory", id="absent"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \n", "empty", id="white space"),
        pytest.param(b"hush\xff", "not UTF-8", id="not text"),
        pytest.param(b"hush\nhush", "line ends or control characters", id="two lines"),
        pytest.param("hush-ü".encode(), "line ends or control characters", id="not ASCII"),
        pytest.param(b"hush" * 20_000, "more than 65536 bytes", id="too long"),
    ],
)
def test_a_token_file_that_is_no_good_is_named(
    airflow: FakeAirflow, api_with: With, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        api_with(airflow, TokenFile(file)).dags()

    assert str(caught.value).startswith(f"token file {file}: ")
    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_password_may_have_any_characters(airflow_2: FakeAirflow, make_api: MakeApi) -> None:
    airflow_2.accounts.passwords["fermata"] = "pass : phräse €"

    assert make_api(airflow_2).dags()


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.signature"


@pytest.mark.parametrize(
    ("token", "life"),
    [
        pytest.param(jwt({"iat": 100, "exp": 160.5}), 60.5, id="both times"),
        pytest.param(jwt({"iat": 100, "exp": 90}), 0.0, id="ended before it began"),
        pytest.param(jwt({"exp": 160}), float("inf"), id="no beginning"),
        pytest.param(jwt({"iat": "now", "exp": "later"}), float("inf"), id="no numbers"),
        pytest.param(jwt([1]), float("inf"), id="no object"),
        pytest.param("opaque", float("inf"), id="no JWT"),
        pytest.param("a.%%%.c", float("inf"), id="no base64"),
    ],
)
def test_the_life_of_a_token_is_what_it_says(token: str, life: float) -> None:
    assert life_of(token) == life


def test_errors_of_eight_threads_name_no_secret(
    airflow: FakeAirflow, api: AirflowApi, tmp_path: Path
) -> None:
    (tmp_path / "fermata-password").write_text("guessed")

    def message(_: int) -> str:
        with pytest.raises(FermataError) as caught:
            api.dag("etl")
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        messages = list(pool.map(message, range(16)))

    assert not any("guessed" in text for text in messages)
    assert {text.split(" (")[0] for text in messages} == {
        f"POST {airflow.url}/auth/token: 401 Unauthorized"
    }
