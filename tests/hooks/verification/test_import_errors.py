"""New import errors fail, old ones are named, and what may not be read is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.airflow_api import ImportErrorRow
from fermata_hooks.handoff import error_key, fingerprints
from fermata_hooks.verification import import_errors
from fermata_hooks.verification._files import FileIndex
from fermata_hooks.verification._finding import Light

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/opt/airflow/dags/sales.py", line 7, in <module>\n'
    "    from nowhere import Operator\n"
    "ModuleNotFoundError: No module named 'nowhere'\n"
)
REDACTED = "REDACTED - you do not have read permission on all Dags in the file"


def row(
    filename: str = "sales.py",
    trace: str = TRACE,
    *,
    bundle: str | None = "dags-folder",
    at: float | None = 100.0,
) -> ImportErrorRow:
    return ImportErrorRow(
        id=1, filename=filename, stack_trace=trace, bundle_name=bundle, timestamp=at
    )


def verdict_of(
    now: list[ImportErrorRow], before: list[ImportErrorRow] | None, *ours: str
) -> tuple[str, str]:
    files = FileIndex(("dags-folder", file, file) for file in ours)
    baseline = None if before is None else fingerprints(before)
    found = import_errors.judge(
        import_errors.sort_rows(now, baseline, ours=files), lasting=(), files={}
    )
    return found.check.verdict, found.check.message


@pytest.mark.parametrize(
    ("now", "before", "verdict", "told"),
    [
        pytest.param([], [], "pass", "no new import error", id="none before, none now"),
        pytest.param([row()], [], "fail", "sales.py line 7: ModuleNotFoundError", id="new"),
        pytest.param([row()], [row()], "pass", "1 old one as before: sales.py", id="old"),
        pytest.param([], [row()], "pass", "fixed: sales.py", id="fixed"),
        pytest.param(
            [row(trace="SyntaxError: invalid syntax")], [row()], "fail", "SyntaxError", id="changed"
        ),
        pytest.param(
            [row(trace=REDACTED)], [row()], "inconclusive", "can_read", id="redacted since"
        ),
        pytest.param(
            [row()], [row(trace=REDACTED)], "inconclusive", "can_read", id="redacted before"
        ),
        pytest.param(
            [row(trace=REDACTED)], [], "fail", "REDACTED", id="redacted, but was not there before"
        ),
        pytest.param(
            [row("/opt/airflow/dags/team/sales.py", bundle=None)],
            [row("team/sales.py")],
            "pass",
            "1 old one",
            id="the same file, absolute by another release",
        ),
        pytest.param(
            [row("team/sales.py", bundle="other")],
            [row("team/sales.py")],
            "fail",
            "team/sales.py",
            id="the same path in another bundle",
        ),
        pytest.param(
            [row("team/sales.py")], [row("sales.py")], "fail", "team/", id="the same name deeper"
        ),
        pytest.param([], None, "pass", "no new import error", id="no baseline, no error"),
        pytest.param(
            [row("theirs.py")], None, "inconclusive", "without a baseline", id="no baseline, theirs"
        ),
        pytest.param([row("ours.py")], None, "fail", "ours.py", id="no baseline, ours"),
    ],
)
def test_errors_are_judged_against_the_baseline(
    now: list[ImportErrorRow], before: list[ImportErrorRow] | None, verdict: str, told: str
) -> None:
    got, message = verdict_of(now, before, "ours.py")

    assert got == verdict
    assert told in message


def test_a_new_error_brings_its_traceback_without_secrets() -> None:
    trace = TRACE + "KeyError: 'password=hunter2'\n"

    found = import_errors.judge(
        import_errors.sort_rows([row(trace=trace)], {}),
        lasting=(),
        files={error_key(row()): ["sales, dags/sales.yaml"]},
    )

    assert "(DAG sales, dags/sales.yaml)" in found.check.message
    assert "    from nowhere import Operator" in found.check.lines
    assert "hunter2" not in found.check.message + "".join(found.check.lines)


def test_of_many_new_errors_three_are_told_and_all_are_counted() -> None:
    rows = [row(f"dag{number}.py") for number in range(7)]

    found = import_errors.judge(import_errors.sort_rows(rows, {}), lasting=(), files={})

    assert found.check.numbers["new"] == 7
    assert "and 4 more" in found.check.message


def test_not_permitted_is_inconclusive_and_passes_on_what_airflow_refused() -> None:
    refusal = "GET /importErrors: 403 Forbidden: (needs can_read on ImportError)"

    found = import_errors.not_permitted(refusal)

    assert (found.check.verdict, found.light) == ("inconclusive", Light.GREEN)
    assert found.check.message == f"not permitted: {refusal}"


def lights(watch: import_errors.ErrorWatch, *looks: ImportErrorRow) -> list[Light]:
    seen = []
    for each in looks:
        rows = import_errors.sort_rows([each], {})
        seen.append(import_errors.judge(rows, watch.lasting(rows.new), files={}).light)
    return seen


def test_an_error_is_final_once_a_parse_after_the_settle_window_has_failed_too() -> None:
    watch = import_errors.ErrorWatch(settle=10.0)

    assert lights(watch, row(at=100), row(at=105), row(at=110)) == [
        Light.WAITING,
        Light.WAITING,
        Light.RED,
    ]


def test_time_alone_does_not_make_an_error_final() -> None:
    watch = import_errors.ErrorWatch(settle=10.0)

    assert set(lights(watch, *[row(at=100)] * 5)) == {Light.WAITING}


def test_an_error_that_changes_its_text_begins_anew() -> None:
    watch = import_errors.ErrorWatch(settle=10.0)

    seen = lights(watch, row(at=100), row(trace="SyntaxError: no", at=115))

    assert seen == [Light.WAITING, Light.WAITING]


def test_an_error_without_a_time_is_left_to_the_deadline() -> None:
    watch = import_errors.ErrorWatch(settle=0.0)

    assert lights(watch, row(at=None), row(at=None)) == [Light.WAITING, Light.WAITING]


def test_a_parse_is_asked_for_when_it_would_settle_the_question() -> None:
    watch = import_errors.ErrorWatch(settle=10.0)
    watch.lasting([row(at=100)])

    assert not watch.due(row(at=100), now=105)
    assert watch.due(row(at=100), now=110)


@pytest.mark.parametrize(
    ("known", "asked", "found"),
    [
        pytest.param(("", "/o/dags/a.py"), ("b", "a.py"), True, id="absolute known, relative"),
        pytest.param(("b", "a.py"), ("", "/o/dags/a.py"), True, id="relative known, absolute"),
        pytest.param(("b", "dags/a.py"), ("", "/o/ags/a.py"), False, id="half a component"),
        pytest.param(("b", "a.py"), ("b", "x/a.py"), False, id="two relative paths"),
        pytest.param(("", "/o/a.py"), ("", "/o/x/a.py"), False, id="two absolute paths"),
        pytest.param(("b", "./x/../a.py"), ("b", "a.py"), True, id="the same, said oddly"),
        pytest.param(("b", "a.py"), ("c", "/o/a.py"), False, id="another bundle"),
        pytest.param(
            ("b", "p.zip/a.py"), ("b", "/o/dags/p.zip/a.py"), True, id="a member of a zip"
        ),
        pytest.param(("b", ""), ("b", ""), False, id="no name at all"),
    ],
)
def test_a_file_is_found_by_any_of_its_names(
    known: tuple[str, str], asked: tuple[str, str], *, found: bool
) -> None:
    index = FileIndex([(*known, "it")])

    assert index.find(*asked) == (["it"] if found else [])


PATHS = st.lists(st.sampled_from(["a", "b", "dags", "x.py"]), min_size=1, max_size=4)


@given(PATHS, PATHS)
def test_a_file_is_found_by_each_absolute_form_of_its_relative_name(
    folder: list[str], path: list[str]
) -> None:
    relative, absolute = "/".join(path), "/" + "/".join([*folder, *path])

    assert FileIndex([("b", relative, 1)]).find("", absolute) == [1]
    assert FileIndex([("", absolute, 1)]).find("b", relative) == [1]
