"""The end of a task's log, for people."""

import json

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi, TaskInstance
from fermata_hooks.airflow_api._logs import LOG_LIMIT, tail
from fermata_spec.errors import RejectedError


def structured(*events: object) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def event(text: str, **more: object) -> dict[str, object]:
    return {"timestamp": "2026-11-24T10:00:00Z", "level": "info", "event": text, **more}


def test_the_last_lines_are_kept() -> None:
    body = structured(*(event(f"line {number}") for number in range(100)))

    assert tail(body, lines=2, structured=True) == ["line 98", "line 99"]


def test_airflows_framing_is_left_out() -> None:
    body = structured(
        {"timestamp": None, "event": "::group::Log message source details"},
        {"timestamp": None, "event": "/logs/attempt=1.log"},
        {"timestamp": None, "event": "::endgroup::"},
        event("::group::Pre Execute"),
        event("hello"),
        event("::endgroup::"),
    )

    assert tail(body, lines=9, structured=True) == ["hello"]


def test_an_exception_is_told_with_its_message() -> None:
    detail = [{"exc_type": "RuntimeError", "exc_value": "boom", "frames": [{}]}]
    body = structured(event("Task failed with exception", error_detail=detail))

    assert tail(body, lines=9, structured=True) == [
        "Task failed with exception",
        "RuntimeError: boom",
    ]


def test_an_event_of_several_lines_is_several_lines() -> None:
    assert tail(structured(event("a\nb\r\n\nc ")), lines=2, structured=True) == ["b", "c"]


def test_what_is_not_structured_is_shown_as_it_is() -> None:
    body = b'plain\n[1]\n{"event": 7}\n\xff\n' + b"[" * 10_000

    shown = tail(body, lines=9, structured=True)

    assert shown[:2] == ["plain", "[1]"]
    assert all(len(line) <= 2000 for line in shown)


def test_the_head_of_a_plain_log_is_left_out() -> None:
    body = (
        b"worker-1\n INFO - ::group::Log message source details\n*** Found local files:\n"
        b"***   * /logs/attempt=1.log\n INFO - ::endgroup::\n"
        b"[2026-11-24T13:28:23.013+0000] {x.py:1} INFO - ::group::Pre task execution logs\n"
        b"[2026-11-24T13:28:23.116+0000] {x.py:2} INFO - hello\n"
    )

    assert tail(body, lines=9, structured=False) == [
        "[2026-11-24T13:28:23.116+0000] {x.py:2} INFO - hello"
    ]


def test_a_log_that_was_not_found_is_empty() -> None:
    body = b"worker-1\n*** Log file not found on worker 'worker-1'.\n"

    assert tail(body, lines=9, structured=False) == []


def test_a_log_that_was_cut_says_so() -> None:
    line = b"[" + b"x" * 1022 + b"\n"
    body = line * (LOG_LIMIT // len(line))

    assert tail(body, lines=2, structured=False)[-1].startswith("(the log goes on: ")


TASK = TaskInstance(dag_id="etl", run_id="run", task_id="hello", try_number=1)


def test_a_log_larger_than_we_read_is_no_failure(airflow: FakeAirflow, api: AirflowApi) -> None:
    line = structured(event("x" * 1000))
    body = line * (LOG_LIMIT // len(line) + 2)
    airflow.answers(200, path="/logs/", body=body)

    lines = api.log_tail(TASK, lines=3)

    assert lines[-1].startswith("(the log goes on: ")
    assert len(lines) == 3


def test_a_page_instead_of_a_log_is_refused(airflow: FakeAirflow, api: AirflowApi) -> None:
    page = {"Content-Type": "text/html"}
    airflow.answers(200, path="/logs/", body=b"<html>", headers=page)

    with pytest.raises(RejectedError, match="answered by a proxy, with an HTML page"):
        api.log_tail(TASK, lines=3)


def test_a_task_without_a_try_is_asked_for_its_first(airflow: FakeAirflow, api: AirflowApi) -> None:
    task = TaskInstance(dag_id="etl", run_id="run", task_id="hello", map_index=3)

    assert api.log_tail(task, lines=3) == []
    assert airflow.sent("GET", "/logs/")[0].endswith("/logs/1?full_content=true&map_index=3")
