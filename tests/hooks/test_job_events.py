"""The line of a hook's report, as an Event on its own Job."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from clusters import connect, fresh_namespace, rule, somebody
from fakes.manual_clock import ManualClock
from fermata_hooks.job_events import MESSAGE_BYTES, announce
from fermata_hooks.kube import EVENTS, JOBS, Cluster, Kube, ObjectDict, Objects
from fermata_hooks.settings import OwnJob
from fermata_spec.report import Report, Verdict

POD = {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}


def report(verdict: Verdict, message: str) -> Report:
    whole = Report(hook="hold", application="shop", revision="b" * 40, started="")
    whole.verdict, whole.message = verdict, message
    return whole


@pytest.fixture
def namespace() -> Iterator[str]:
    with fresh_namespace(connect()) as namespace:
        yield namespace


@pytest.fixture
def job(namespace: str) -> OwnJob:
    """A Job of a hook."""
    body = {"metadata": {"name": "fermata-hold-shop"}, "spec": {"template": {"spec": POD}}}
    made = Objects(connect(), JOBS, namespace).create(body)
    return OwnJob(name="fermata-hold-shop", uid=str(made["metadata"]["uid"]))


def events_of(job: OwnJob, namespace: str) -> list[ObjectDict]:
    """Return its Events that are ours, found as kubectl finds them."""
    events = Objects(connect(), EVENTS, namespace).list()
    found = [e for e in events if e["involvedObject"].get("uid") == job.uid]
    return [event for event in found if event["source"].get("component") == "fermata"]


@pytest.mark.kubernetes
@pytest.mark.parametrize(
    ("verdict", "kind", "reason"),
    [
        ("pass", "Normal", "Passed"),
        ("fail", "Warning", "Failed"),
        ("inconclusive", "Warning", "Inconclusive"),
    ],
)
def test_the_line_of_a_report_stands_on_the_job(
    job: OwnJob, namespace: str, verdict: Verdict, kind: str, reason: str
) -> None:
    ours = Objects(somebody(connect(), namespace, rule("", "events", "create")), EVENTS, namespace)

    announce(report(verdict, "why"), job, ours, namespace=namespace, clock=ManualClock())

    (event,) = events_of(job, namespace)
    assert (event["type"], event["reason"]) == (kind, reason)
    assert event["message"] == f"hold shop@bbbbbbbbbbbb: {verdict}: why"


@pytest.mark.kubernetes
def test_a_long_line_is_cut_to_what_an_event_may_carry(job: OwnJob, namespace: str) -> None:
    events = Objects(connect(), EVENTS, namespace)

    announce(report("fail", "ö" * 4000), job, events, namespace=namespace, clock=ManualClock())

    (event,) = events_of(job, namespace)
    assert MESSAGE_BYTES - 1 <= len(event["message"].encode()) <= MESSAGE_BYTES


@pytest.mark.kubernetes
def test_without_the_right_to_write_it_nothing_else_happens(job: OwnJob, namespace: str) -> None:
    nobody = Objects(somebody(connect(), namespace), EVENTS, namespace)

    announce(report("pass", "why"), job, nobody, namespace=namespace, clock=ManualClock())

    assert events_of(job, namespace) == []


def test_an_api_server_that_does_not_answer_changes_no_end(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/api/v1/namespaces/airflow/events").respond_with_data(status=503)
    kube = Kube(Cluster(url=httpserver.url_for("/")), clock=ManualClock())
    job = OwnJob(name="fermata-hold-shop", uid="")

    with caplog.at_level("INFO", "fermata.events"):
        events = Objects(kube, EVENTS, "airflow")
        announce(report("pass", "why"), job, events, namespace="airflow", clock=ManualClock())

    assert "fermata-hold-shop: its Event is not written" in caplog.text
    kube.close()
