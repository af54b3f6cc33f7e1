"""Amazon's Airflow: AWS as botocore's own stubs play it, and a web server on loopback."""

import re
from collections.abc import Iterator

import pytest
from botocore.stub import Stubber
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, MwaaRole
from fermata_hooks.identity_settings import MwaaSettings
from fermata_spec.errors import (
    FermataError,
    RejectedError,
    SettingsError,
    UnavailableError,
)

WEB_TOKEN = "web-token-of-a-minute"
SESSION = "session-that-is-secret"
VERSIONS = {
    "_token": ("/pluginsv2/aws_mwaa/login", "/api/v2"),
    "session": ("/aws_mwaa/login", "/api/v1"),
}


class Amazon:
    """One environment: its API by stubs, and its web server, of Airflow 3 or 2 by its cookie."""

    def __init__(self, server: HTTPServer, clock: ManualClock, cookie: str) -> None:
        self.server = server
        self.cookie = cookie
        self.role = MwaaRole(MwaaSettings(environment="prod", region="eu-central-1"))
        self.stubs = Stubber(self.role.client())
        self.stubs.activate()
        self.api = AirflowApi(server.url_for(""), self.role, clock=clock)
        self.sessions = 0
        login, root = VERSIONS[cookie]
        server.expect_request(login).respond_with_handler(self._login)
        server.expect_request(f"{root}/version").respond_with_handler(self._version)
        server.expect_request(re.compile(".*")).respond_with_data("lots of circles", 404)

    @property
    def host(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def gives(self, host: str = "") -> None:
        """Let AWS answer the next request with a web token."""
        answer = {"WebServerHostname": host or self.host, "WebToken": WEB_TOKEN}
        self.stubs.add_response("create_web_login_token", answer, {"Name": "prod"})

    def _login(self, request: Request) -> Response:
        assert request.form["token"] == WEB_TOKEN
        self.sessions += 1
        answer = Response("", 302, headers={"Location": "/home"})
        answer.set_cookie(self.cookie, f"{SESSION}{self.sessions}", httponly=True)
        return answer

    def _version(self, request: Request) -> Response:
        now = f"{SESSION}{self.sessions}"
        bearer = request.headers.get("Authorization") == f"Bearer {now}"
        if not (bearer if self.cookie == "_token" else request.cookies.get("session") == now):
            return Response('{"detail": "Not authenticated"}', 401, content_type="application/json")
        version = "3.0.6" if self.cookie == "_token" else "2.10.3"
        return Response(f'{{"version": "{version}"}}', content_type="application/json")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["_token", "session"], ids=["Airflow 3", "Airflow 2"])
def amazon(
    request: pytest.FixtureRequest, httpserver: HTTPServer, clock: ManualClock
) -> Iterator[Amazon]:
    amazon = Amazon(httpserver, clock, request.param)
    yield amazon
    amazon.api.close()


def test_the_role_signs_in_once(amazon: Amazon) -> None:
    amazon.gives()

    for _ in range(3):
        assert amazon.api.version().text in {"3.0.6", "2.10.3"}

    assert amazon.sessions == 1


def test_a_session_is_renewed_before_it_ends(amazon: Amazon, clock: ManualClock) -> None:
    amazon.gives()
    amazon.api.version()
    amazon.gives()
    clock.sleep(900)

    headers = amazon.role.headers(amazon.api._talk)  # noqa: SLF001 - what a request shows

    assert f"{SESSION}2" in next(iter(headers.values())).reveal()  # type: ignore[union-attr]


def test_a_session_that_ended_is_renewed_once(amazon: Amazon) -> None:
    amazon.gives()
    amazon.gives()
    login = amazon.api._talk  # noqa: SLF001 - what a request shows
    amazon.role.headers(login)
    amazon.sessions += 10  # the one that we have is no good any more

    assert amazon.api.version().text

    amazon.stubs.assert_no_pending_responses()


def test_the_web_token_goes_to_the_environment_only(amazon: Amazon) -> None:
    amazon.gives(host="abc.c2.eu-central-1.airflow.amazonaws.com")

    with pytest.raises(SettingsError, match=r"its web server is abc\.c2\.eu-central-1") as caught:
        amazon.api.version()

    assert amazon.sessions == 0
    assert WEB_TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        pytest.param("AccessDeniedException", 403, RejectedError, id="not permitted"),
        pytest.param("ResourceNotFoundException", 404, RejectedError, id="no such environment"),
        pytest.param("InternalServerException", 500, UnavailableError, id="AWS is down"),
    ],
)
def test_what_aws_refuses_is_told_in_one_line(
    amazon: Amazon, code: str, status: int, error: type[FermataError]
) -> None:
    for _ in range(4):  # an unavailable one is asked again
        amazon.stubs.add_client_error("create_web_login_token", code, "no", status)

    with pytest.raises(error, match=f"MWAA environment prod: CreateWebLoginToken: {code}: no"):
        amazon.api.version()


@pytest.mark.parametrize("status", [200, 302, 404, 405])
def test_a_login_that_gives_no_session_is_refused(
    httpserver: HTTPServer, amazon: Amazon, status: int
) -> None:
    httpserver.clear()
    httpserver.expect_request(re.compile(".*/login")).respond_with_data(WEB_TOKEN, status)
    amazon.gives()

    with pytest.raises(RejectedError, match="no login of MWAA gave a session") as caught:
        amazon.api.version()

    assert WEB_TOKEN not in str(caught.value)


def test_no_region_is_told_before_anything_is_sent(clock: ManualClock) -> None:
    with (
        AirflowApi(
            "http://127.0.0.1:1", MwaaRole(MwaaSettings(environment="prod")), clock=clock
        ) as api,
        pytest.raises(SettingsError, match="You must specify a region"),
    ):
        api.version()
