"""Bad answers become one line that names the request, sorted by whether another attempt helps."""

import json
from collections.abc import Callable

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

HTML = {"Content-Type": "text/html; charset=utf-8"}


def failure(api: AirflowApi) -> FermataError:
    """Return how the one request ends that is never repeated."""
    with pytest.raises(FermataError) as caught:
        api.set_paused("etl", paused=True)
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_another_attempt_may_help(airflow: FakeAirflow, api: AirflowApi, status: int) -> None:
    airflow.answers(status, method="PATCH")

    error = failure(api)

    assert type(error) is UnavailableError
    assert str(error).startswith(f"PATCH {airflow.url}/api/v2/dags/etl: {status}")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 422])
def test_no_attempt_will_help(airflow: FakeAirflow, api: AirflowApi, status: int) -> None:
    airflow.answers(status, method="PATCH")

    error = failure(api)

    assert isinstance(error, RejectedError)
    assert error.status == status
    assert str(error).startswith(f"PATCH {airflow.url}/api/v2/dags/etl: {status}")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("Fri, 15 Jan 2027 08:00:30 GMT", 30.0, id="a date"),
        pytest.param("Fri, 15 Jan 2020 08:00:30 GMT", 0.0, id="a date that is over"),
        pytest.param("999999999999", 3600.0, id="for ever"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_servers_own_wish_is_told(
    airflow: FakeAirflow, api: AirflowApi, value: str, seconds: float | None
) -> None:
    airflow.answers(503, method="PATCH", headers={"Retry-After": value})

    error = failure(api)

    assert isinstance(error, UnavailableError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b'{"detail": "Not today"}', "Not today", id="a text"),
        pytest.param(b'{"error": "API route not found"}', "API route not found", id="a route"),
        pytest.param(
            b'{"detail": [{"type": "x", "loc": ["body", "is_paused"], "msg": "Field required",'
            b' "input": {"password": "hush"}}]}',
            "body.is_paused: Field required",
            id="fields of 3.x, without what was sent",
        ),
        pytest.param(
            b'{"detail": {"reason": "Unique constraint violation", "statement": "INSERT ..."}}',
            "Unique constraint violation",
            id="a database error of 3.x",
        ),
        pytest.param(
            b'{"detail": null, "status": 404, "title": "DAG not found"}',
            "DAG not found",
            id="a title of 2.x",
        ),
        pytest.param(b"plainly\r\n  no", "plainly no", id="a text on several lines"),
        pytest.param(b'{"detail": []}', "", id="an empty list"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"[" * 50_000, "[[[[", id="nesting that no parser follows"),
        pytest.param(b"\xff\x00\x1b[31m", "", id="not text at all"),
    ],
)
def test_every_kind_of_explanation_is_understood(
    airflow: FakeAirflow, api: AirflowApi, body: bytes, said: str
) -> None:
    airflow.answers(400, method="PATCH", body=body)

    message = str(failure(api))

    assert said in message
    assert "hush" not in message
    assert message.isprintable()
    assert len(message) < 320


def test_a_long_explanation_is_cut(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.answers(400, method="PATCH", body=json.dumps({"detail": "x" * 10_000}).encode())

    message = str(failure(api))

    assert message.count("x") == 199
    assert message.endswith("…")


@pytest.mark.parametrize("status", [200, 403, 502])
def test_html_is_a_proxys_and_told_by_its_title(
    airflow: FakeAirflow, api: AirflowApi, status: int
) -> None:
    page = b"<!DOCTYPE html>\n<html><head><title>Sign\n in</title></head><body>x</body></html>"
    airflow.answers(status, method="PATCH", body=page, headers=HTML)

    message = str(failure(api))

    assert "HTML page" in message
    assert "Sign" in message
    assert "<" not in message
    assert "\n" not in message


def test_an_answer_that_is_not_json_is_refused(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.answers(200, method="PATCH", body=b"OK", headers={"Content-Type": "text/plain"})

    error = failure(api)

    assert isinstance(error, RejectedError)
    assert str(error).endswith("the answer is no JSON (text/plain, 2 bytes)")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_names_its_target_only(
    airflow: FakeAirflow, api: AirflowApi, status: int
) -> None:
    target = "https://ann:hush@login.example/oauth?ticket=hush"
    airflow.answers(status, method="PATCH", headers={"Location": target})

    error = failure(api)

    assert isinstance(error, RejectedError)
    assert error.status == status
    assert "redirect to https://login.example/oauth refused" in str(error)
    assert "hush" not in str(error)
    assert len(airflow.sent("PATCH")) == 1


def test_a_broken_connection_is_no_answer(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.loses(method="PATCH", effect="now")

    error = failure(api)

    assert type(error) is UnavailableError
    assert str(error).startswith(f"PATCH {airflow.url}/api/v2/dags/etl: no answer")
    assert airflow.dags["etl"].is_paused


ECHOES = [
    pytest.param(400, {}, id="refused"),
    pytest.param(403, {}, id="forbidden"),
    pytest.param(422, {}, id="not understood"),
    pytest.param(500, {}, id="a crash"),
    pytest.param(200, {"Content-Type": "text/html"}, id="a page"),
    pytest.param(200, {}, id="JSON of another shape"),
    pytest.param(302, {"Location": "https://u:{}@login.example/?token={}"}, id="a redirect"),
]


@pytest.mark.parametrize(("status", "headers"), ECHOES)
@pytest.mark.parametrize("generation", ["airflow", "airflow_2"])
def test_what_the_server_repeats_of_our_secrets_is_not_repeated(
    generation: str,
    status: int,
    headers: dict[str, str],
    make_api: Callable[[FakeAirflow], AirflowApi],
    request: pytest.FixtureRequest,
) -> None:
    airflow: FakeAirflow = request.getfixturevalue(generation)
    api = make_api(airflow)
    api.dags()
    secrets = airflow.accounts.tokens  # what was shown: a token on 3.x, a password on 2.x
    if not secrets:
        basic = airflow.accounts.headers_of("fermata")["Authorization"]
        secrets = [airflow.accounts.passwords["fermata"], basic.removeprefix("Basic ")]
    body = json.dumps({"detail": " ".join(secrets), "is_paused": " ".join(secrets)})
    echoed = {name: value.format(secrets[0], secrets[0]) for name, value in headers.items()}
    airflow.answers(status, method="PATCH", body=body.encode(), headers=echoed)

    message = str(failure(api))

    assert not any(secret in message for secret in secrets)


def test_an_answer_that_is_too_large_is_refused(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.answers(200, method="PATCH", body=b" " * (16 * 2**20 + 1))

    error = failure(api)

    assert isinstance(error, RejectedError)
    assert "larger than 16777216 bytes" in str(error)


def test_only_our_own_errors_get_out(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    url = airflow.url
    api.version()
    airflow.stop()

    error = failure(api)

    assert type(error).__module__.startswith("fermata_")
    assert str(error) == f"POST {url}/auth/token: no connection: Connection refused"
    assert clock.naps == []
