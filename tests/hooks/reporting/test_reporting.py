"""A report goes to a file, to stderr, to the termination message and to stdout."""

import io
import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # has no types of its own
import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.reporting import Format, Outlets, new_report, publish, render, table, took
from fermata_spec.errors import SettingsError
from fermata_spec.report import REPORT_SCHEMA, Blocker, Check, DagOutcome, Report

CLOCK = ManualClock()


@pytest.fixture
def report() -> Report:
    made = new_report("finish", "shop", "a" * 40, CLOCK)
    made.finished = "2027-01-15T08:01:05Z"
    made.verdict = "fail"
    made.message = "etl.py: ModuleNotFoundError"
    made.checks = [
        Check(name="inventory", verdict="pass", message="all 2 DAGs", numbers={"planned": 2}),
        Check(
            name="import errors",
            verdict="fail",
            message="etl.py: a | b `c` <b>",
            lines=("Traceback", "  boom"),
        ),
    ]
    made.dags = [DagOutcome(dag_id="etl", done="running again")]
    made.blockers = [
        Blocker(dag_id="etl", run_id="r1", task_id="load", state="running", usual=125.0)
    ]
    made.calls = {"airflow GET": 3}
    return made


def published(report: Report, form: Format, *, termination: Path, file: Path | None = None) -> str:
    out = io.StringIO()
    outlets = Outlets(form=form, report=file, termination=termination)
    publish(report, outlets, clock=CLOCK, out=out)
    return out.getvalue()


def test_stdout_gets_a_table_for_people(report: Report, tmp_path: Path) -> None:
    assert published(report, "text", termination=tmp_path / "absent") == (
        "finish shop@aaaaaaaaaaaa: fail, 1m5s\n"
        "etl.py: ModuleNotFoundError\n"
        "\n"
        "check          verdict  what\n"
        "-------------  -------  ----\n"
        "inventory      pass     all 2 DAGs\n"
        "import errors  fail     etl.py: a | b `c` <b>\n"
        "\n"
        "dag  done           why\n"
        "---  -------------  ---\n"
        "etl  running again\n"
        "\n"
        "task      run  state    since  usually  expected end  owner\n"
        "--------  ---  -------  -----  -------  ------------  -----\n"
        "etl.load  r1   running         2m5s\n"
        "\n"
        "import errors:\n"
        "  Traceback\n"
        "    boom\n"
    )


def test_json_is_what_the_schema_says(report: Report, tmp_path: Path) -> None:
    out = published(report, "json", termination=tmp_path / "absent")

    jsonschema.validate(json.loads(out), REPORT_SCHEMA)


def test_markdown_cells_stay_cells(report: Report, tmp_path: Path) -> None:
    out = published(report, "markdown", termination=tmp_path / "absent")

    assert "| import errors | fail | etl.py: a \\| b \\`c\\` \\<b\\> |" in out
    assert "\n    Traceback\n      boom\n" in out


def test_the_report_file_is_whole_and_alone(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("an older one, and longer than the new one" * 1000)

    published(report, "text", file=path, termination=tmp_path / "absent")

    jsonschema.validate(json.loads(path.read_text()), REPORT_SCHEMA)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_a_report_file_that_cannot_be_written_is_an_error_that_names_it(
    report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "report.json"

    with pytest.raises(SettingsError, match=r"nowhere/report\.json: report cannot be written"):
        published(report, "text", file=path, termination=tmp_path / "absent")


def test_the_termination_message_is_one_line_where_there_is_a_file_for_it(
    report: Report, tmp_path: Path
) -> None:
    log = tmp_path / "termination-log"
    log.touch()

    published(report, "text", termination=log)

    assert log.read_text() == "finish shop@aaaaaaaaaaaa: fail: etl.py: ModuleNotFoundError\n"


def test_a_termination_message_that_cannot_be_written_is_no_failure(
    report: Report, tmp_path: Path
) -> None:
    published(report, "text", termination=tmp_path)


def test_the_log_gets_the_one_line_of_a_pass_and_nothing_of_a_failure(
    report: Report, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fermata")
    published(report, "text", termination=tmp_path / "absent")
    assert caplog.messages == []

    report.verdict, report.message = "pass", "all is well"
    published(report, "text", termination=tmp_path / "absent")

    assert caplog.messages == ["finish shop@aaaaaaaaaaaa: pass: all is well"]


def test_the_end_is_set_when_it_is_published(tmp_path: Path) -> None:
    report = new_report("hold", "shop", "r1", CLOCK)

    published(report, "text", termination=tmp_path / "absent")

    assert report.finished == report.started
    assert took(report) == "0.0s"


def test_a_long_message_still_fits_a_termination_message(report: Report) -> None:
    report.message = "ä" * 10_000

    assert len(report.one_line().encode()) <= 4096


def test_a_long_table_is_cut_and_says_so(report: Report) -> None:
    report.dags = [DagOutcome(dag_id=f"dag{number}", done="held") for number in range(500)]

    text = render(report, "text")

    assert "… and 300 more" in text
    assert "dag499" not in text


def test_a_table_has_columns_as_wide_as_their_cells() -> None:
    assert table(("a", "b"), [("long cell", "x")]) == "a          b\n---------  -\nlong cell  x\n"
