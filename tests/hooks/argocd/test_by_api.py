from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fakes.argocd_server import ArgoCdServer
from fakes.fake_argocd import TOKEN, FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.argocd import ByApi, Dex, HookJob
from fermata_hooks.exchange import NotSentError
from fermata_spec.errors import RejectedError, UnavailableError

HOOK = HookJob(namespace="airflow", name="fermata-hold-demo", phase="PreSync")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def argocd(clock: ManualClock) -> Iterator[FakeArgoCd]:
    with FakeArgoCd(now=clock.now) as argocd:
        yield argocd


@pytest.fixture
def api(argocd: FakeArgoCd, tmp_path: Path, clock: ManualClock) -> Iterator[ByApi]:
    api = ByApi(argocd.url, argocd.token_file(tmp_path), clock=clock)
    yield api
    api.close()


def test_a_running_operation_is_read_with_the_jobs_that_it_waits_for(
    argocd: FakeArgoCd, api: ByApi
) -> None:
    argocd.add("demo", automated=True)
    started = argocd.begin("demo", revision="b" * 40, info={"dag_run_id": "r1"})
    argocd.hook("demo", HOOK.name, "PreSync")

    demo = api.application("demo")

    assert demo is not None
    assert demo.automated
    assert demo.in_progress
    assert demo.operation is not None
    assert demo.operation.started == started
    assert demo.operation.revision == "b" * 40
    assert demo.operation.infos == {"dag_run_id": "r1"}
    assert demo.operation.waiting_for == (HOOK,)


def test_an_operation_between_retries_is_in_progress(argocd: FakeArgoCd, api: ByApi) -> None:
    argocd.add("demo")
    argocd.begin("demo")
    argocd.back_off("demo")

    demo = api.application("demo")

    assert demo is not None
    assert demo.operation is not None
    assert demo.operation.finished is not None
    assert demo.in_progress


def test_an_application_that_was_seen_and_is_not_there_any_more_is_gone(
    argocd: FakeArgoCd, api: ByApi
) -> None:
    argocd.add("demo")
    api.application("demo")
    argocd.remove("demo")

    assert api.application("demo") is None


def test_an_application_that_was_never_seen_is_not_gone(argocd: FakeArgoCd, api: ByApi) -> None:
    with pytest.raises(RejectedError) as caught:
        api.application("demo")

    assert caught.value.status == 403
    assert not argocd.refreshed


def test_an_application_in_another_namespace_is_asked_for_there(
    argocd: FakeArgoCd, api: ByApi
) -> None:
    argocd.add("demo")

    api.application("team_demo")

    assert argocd.requests == ["GET /api/v1/applications/demo?appNamespace=team"]


@pytest.mark.parametrize(
    ("condition", "ended"), [("Complete", True), ("Failed", True), ("Suspended", False)]
)
def test_a_hooks_job_has_ended_when_its_conditions_say_so(
    argocd: FakeArgoCd, api: ByApi, condition: str, *, ended: bool
) -> None:
    argocd.add("demo")
    argocd.begin("demo")
    argocd.hook("demo", HOOK.name, "PreSync")
    argocd.end_job(HOOK.name, condition)
    demo = api.application("demo")
    assert demo is not None

    assert api.hook_has_ended(demo, HOOK) is ended


def test_a_hooks_job_that_is_gone_has_not_ended(argocd: FakeArgoCd, api: ByApi) -> None:
    argocd.add("demo")
    demo = api.application("demo")
    assert demo is not None

    assert not api.hook_has_ended(demo, HOOK)


def test_a_token_that_may_only_get_may_refresh_and_not_sync(argocd: FakeArgoCd, api: ByApi) -> None:
    argocd.add("demo")
    demo = api.application("demo")
    assert demo is not None

    api.refresh("demo")

    assert argocd.refreshed == ["demo"]
    assert not api.may_sync(demo)
    with pytest.raises(RejectedError, match="permission denied"):
        api.start_sync(demo, marker="m1")


@pytest.mark.parametrize("automated", [True, False], ids=["automated", "manual"])
def test_a_sync_is_asked_for_as_the_last_one_was(
    argocd: FakeArgoCd, api: ByApi, *, automated: bool
) -> None:
    argocd.rights.add("sync")
    argocd.add("demo", automated=automated)
    argocd.begin("demo", revision="b" * 40)
    argocd.end("demo", "Failed")
    demo = api.application("demo")
    assert demo is not None

    api.start_sync(demo, marker="m1")

    (body,) = argocd.bodies
    assert body["prune"] is True
    assert body["syncOptions"] == {"items": ["ServerSideApply=true"]}
    assert body["project"] == "dags"
    assert body.get("revision") == (None if automated else "b" * 40)
    again = api.application("demo")
    assert again is not None
    assert {"fermata": "m1"} in again.infos


def test_a_second_operation_is_refused(argocd: FakeArgoCd, api: ByApi) -> None:
    argocd.rights.add("sync")
    argocd.add("demo")
    argocd.begin("demo")
    demo = api.application("demo")
    assert demo is not None

    with pytest.raises(RejectedError, match="another operation is already in progress"):
        api.start_sync(demo, marker="m1")


def test_no_message_holds_the_token(argocd: FakeArgoCd, api: ByApi, tmp_path: Path) -> None:
    argocd.answers = 503
    with pytest.raises(UnavailableError) as unavailable:
        api.application("demo")
    argocd.answers = None
    (tmp_path / "argocd-token").write_text("wrong-token-of-somebody")
    with pytest.raises(RejectedError) as refused:
        api.application("demo")

    assert str(tmp_path / "argocd-token") in str(refused.value)
    for error in (unavailable, refused):
        assert TOKEN not in str(error.value)
        assert "wrong-token" not in str(error.value)


@pytest.fixture
def exchanging(clock: ManualClock, tmp_path: Path) -> Iterator[tuple[ArgoCdServer, ByApi]]:
    """An Argo CD whose Dex takes a service account's token, and we by that."""
    file = tmp_path / "service-account"
    file.touch(mode=0o600)
    file.write_text("jwt-of-the-pod\n")
    with ArgoCdServer(now=clock.now) as argocd:
        argocd.add("demo")
        argocd.tokens.clear()
        api = ByApi(argocd.url, Dex(file, "kubernetes"), clock=clock)
        yield argocd, api
        api.close()


def test_dex_gives_a_token_for_a_service_accounts_once(
    exchanging: tuple[ArgoCdServer, ByApi], clock: ManualClock
) -> None:
    argocd, api = exchanging

    for _ in range(3):
        assert api.application("demo") is not None
    clock.sleep(3600 - 30)
    assert api.application("demo") is not None

    assert argocd.subjects == ["jwt-of-the-pod"] * 2


def test_a_token_of_dex_that_is_refused_is_exchanged_anew(
    exchanging: tuple[ArgoCdServer, ByApi],
) -> None:
    argocd, api = exchanging
    api.application("demo")
    argocd.tokens.clear()

    assert api.application("demo") is not None
    assert len(argocd.subjects) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_of_dex_is_told_and_is_no_application_that_is_gone(
    httpserver: HTTPServer, clock: ManualClock, tmp_path: Path, status: int
) -> None:
    file = tmp_path / "service-account"
    file.touch(mode=0o600)
    file.write_text("jwt-of-the-pod")
    said = {"error": "access_denied", "error_description": "jwt-of-the-pod: no such issuer"}
    httpserver.expect_request("/api/dex/token").respond_with_json(said, status=status)
    api = ByApi(httpserver.url_for(""), Dex(file, "kubernetes"), clock=clock)

    with pytest.raises(RejectedError, match=r"access_denied: .*Dex connector kubernetes") as caught:
        api.application("demo")

    assert caught.value.status == 400
    assert "jwt-of-the-pod" not in str(caught.value)
    api.close()


def test_a_dex_that_is_not_there_may_be_asked_again(clock: ManualClock, tmp_path: Path) -> None:
    file = tmp_path / "service-account"
    file.touch(mode=0o600)
    file.write_text("jwt-of-the-pod")
    api = ByApi("http://127.0.0.1:1", Dex(file, "kubernetes"), clock=clock)

    with pytest.raises(NotSentError):
        api.refresh("demo")
