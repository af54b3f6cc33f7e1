"""Tokens as a real Airflow gives, ends and refuses them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fermata_hooks.airflow_api import AirflowApi, Front, PasswordFiles, TokenFile
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError

pytestmark = [pytest.mark.airflow]

LIFE = 6  # seconds; a token is renewed a tenth of its life before its end


def clock() -> SystemClock:
    return SystemClock(Termination())


@pytest.fixture
def only_3(airflow: RunningAirflow) -> RunningAirflow:
    if airflow.release.generation != "3":
        pytest.skip("Airflow 2 has no tokens")
    return airflow


def a_token(airflow: RunningAirflow) -> str:
    """Return a token of the hooks' own user, as Airflow gives it."""
    shown: list[str] = []

    class Recording(Front):
        def dressed(self, ours: object) -> object:  # type: ignore[override]
            dressed = super().dressed(ours)  # type: ignore[arg-type]
            shown.extend(str(v.reveal()) for v in dressed.values() if hasattr(v, "reveal"))
            return dressed

    files = PasswordFiles(airflow.username_file, airflow.password_file)
    with AirflowApi(airflow.url, files, clock=clock(), front=Recording()) as api:
        api.dags()
    return shown[-1].removeprefix("Bearer ")


def test_a_forged_token_is_refused_in_one_line(only_3: RunningAirflow, tmp_path: Path) -> None:
    token = a_token(only_3)
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(token[:-6] + "forged")

    with (
        AirflowApi(only_3.url, TokenFile(file), clock=clock()) as api,
        pytest.raises(RejectedError, match="403 Forbidden: Invalid JWT token") as caught,
    ):
        api.dags()

    assert str(file) in str(caught.value)
    assert token[:-6] not in str(caught.value)


def test_a_proxys_authorization_and_airflows_token_in_the_cookie_go_together(
    only_3: RunningAirflow, tmp_path: Path
) -> None:
    (tmp_path / "Authorization").write_text("Basic cHJveHk6aHVzaA==")
    files = PasswordFiles(only_3.username_file, only_3.password_file)
    front = Front(tmp_path, shown_in="cookie")

    with AirflowApi(only_3.url, files, clock=clock(), front=front) as api:
        assert api.dags() is not None
        assert api.history is not None


@pytest.fixture
def short_lived(airflow_server: AirflowServer) -> Iterator[RunningAirflow]:
    """An Airflow whose tokens live for seconds."""
    if airflow_server.installation.release.generation != "3":
        pytest.skip("Airflow 2 has no tokens")
    more = {"api_auth.jwt_expiration_time": str(LIFE), "api_auth.jwt_leeway": "0"}
    with airflow_server.running(settings=more) as running:
        yield running


@pytest.mark.long
def test_tokens_end_while_we_ask_and_no_request_is_lost(short_lived: RunningAirflow) -> None:
    files = PasswordFiles(short_lived.username_file, short_lived.password_file)
    until = time.monotonic() + 4 * LIFE
    asked = 0

    with AirflowApi(short_lived.url, files, clock=clock()) as api:
        while time.monotonic() < until:
            api.dags()
            asked += 1
        logins = api.calls["airflow POST"]

    assert logins >= 4
    assert asked > logins


def ask_until_refused(api: AirflowApi) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        api.dags()


@pytest.mark.long
def test_a_token_that_ended_is_told_in_one_line(
    short_lived: RunningAirflow, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(a_token(short_lived))

    with AirflowApi(short_lived.url, TokenFile(file), clock=clock()) as api:
        api.dags()
        with pytest.raises(RejectedError, match=rf"401 .*Token Expired \(token file {file}\)"):
            ask_until_refused(api)
