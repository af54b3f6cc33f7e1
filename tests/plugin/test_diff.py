"""``fermata diff``: what going from one checkout to another will do (see also the golden pairs)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_cli.frame import run
from fermata_plugin.differ.as_markdown import MOST_CHARACTERS, code, to_markdown
from fermata_plugin.differ.as_text import to_text
from fermata_plugin.differ.causes import changed_keys
from fermata_plugin.render import compile_checkout
from fermata_spec.dagset import DagSetStatus, Verified, change
from fermata_spec.difference import (
    DIFFERENCE_SCHEMA,
    AffectedDag,
    Cause,
    Difference,
    Risk,
    Side,
)

GOLDEN = Path(__file__).parent.parent / "golden"
PAIRS = sorted(path for path in GOLDEN.glob("diff-*") if (path / "expected.txt").exists())
NOW = "2026-11-24T10:30:00Z"
HEAD = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
"""
FILES = 'files: {include: ["dags/**"]}\n'
TASKS = "  tasks: {load: {operator: a.B}}\n"

Files = Mapping[str, str]
Json = Any  # what a test looks into


def write(folder: Path, files: Files, settings: str = FILES) -> None:
    for name, text in {"fermata.yaml": HEAD + settings, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


class Pair:
    """Two checkouts, and what ``fermata diff`` says of them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.old, self.new = folder / "old", folder / "new"
        self._capsys = capsys

    def told(self, *options: str, form: str = "json") -> tuple[int, str, str]:
        sides = [str(self.old), str(self.new)]
        code = run(["diff", *sides, "--format", form, "--now", NOW, *options])
        return code, *self._capsys.readouterr()

    def __call__(self, old: Files, new: Files, *options: str) -> Json:
        write(self.old, old)
        write(self.new, new)
        code, out, err = self.told(*options)
        assert (code, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Pair:
    return Pair(tmp_path, capsys)


def only(told: Json, part: str) -> Json:
    (one,) = told[part]
    return one


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_what_is_affected_is_what_a_hold_would_call_affected(
    pair: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["diff", str(pair / "old"), str(pair / "new"), "--format", "json"])
    told = json.loads(capsys.readouterr().out)["affected"]

    old, new = (compile_checkout(str(pair / side)).plan for side in ("old", "new"))
    assert new is not None
    digests = old.digests() if old is not None else {}
    verified = Verified(revision="", at="", evidence="", digests=digests)
    named = {dag["dag_id"] for dag in told} | {dag["old_dag_id"] for dag in told} - {""}
    assert named == change(new, DagSetStatus(verified=verified)).affected


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_json_is_as_its_schema_says(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["diff", str(pair / "old"), str(pair / "new"), "--format", "json"])

    jsonschema.validate(json.loads(capsys.readouterr().out), DIFFERENCE_SCHEMA)


@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir() if path.is_dir()))
def test_nothing_differs_between_a_checkout_and_itself(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    side = GOLDEN / case / "new" if case.startswith("diff-") else GOLDEN / case
    arguments = [str(side), str(side), *(["--environment", "prod"] if has_prod(side) else [])]

    code = run(["diff", *arguments, "--fail-on", "changes"])

    out, err = capsys.readouterr()
    if code == 0:
        assert "nothing that a sync would change" in out
    else:
        assert (code, out) == (2, "")
        assert f"{side}: " in err


def has_prod(side: Path) -> bool:
    file = side / "fermata.yaml"
    return file.exists() and "prod:" in file.read_text()


def test_a_file_that_a_file_imports_is_a_cause(diff: Pair) -> None:
    dag = "import middle\nfrom airflow.sdk import DAG\ndag = DAG('etl', schedule=None)\n"
    files = {"dags/etl.py": dag, "dags/middle.py": "import leaf\n", "dags/leaf.py": "A = 1\n"}

    told = diff(files, {**files, "dags/leaf.py": "A = 2\n"})

    assert only(told, "affected")["causes"] == [
        {"kind": "imported", "path": "dags/leaf.py", "keys": []}
    ]


def test_what_python_may_read_is_a_cause_and_says_so(diff: Pair) -> None:
    dag = "from airflow.sdk import DAG\ndag = DAG('etl', schedule=None)\n"
    files = {"dags/etl.py": dag, "dags/query.sql": "select 1"}

    told = diff(files, {**files, "dags/query.sql": "select 2"})

    assert only(told, "affected")["causes"][0]["kind"] == "read"


def test_defaults_that_a_dag_overrides_are_no_cause(diff: Pair) -> None:
    dags = f"one:\n{TASKS}two:\n  schedule: '@daily'\n{TASKS}"
    old = {"dags/defaults.yml": "schedule: '@hourly'\n", "dags/a.yaml": dags}

    told = diff(old, {**old, "dags/defaults.yml": "schedule: '@weekly'\n"})

    dag = only(told, "affected")
    assert dag["dag_id"] == "one"
    assert dag["causes"] == [
        {"kind": "defaults", "path": "dags/defaults.yml", "keys": ["schedule"]}
    ]


def test_a_dag_that_goes_to_another_file_is_told_though_nothing_else_changes(diff: Pair) -> None:
    told = diff({"dags/a.yaml": f"etl:\n{TASKS}"}, {"dags/b.yaml": f"etl:\n{TASKS}"})

    assert told["affected"] == []
    assert only(told, "risks")["message"] == "from dags/a.yaml to dags/b.yaml"


def test_two_alike_under_two_new_ids_are_not_called_renamed(diff: Pair) -> None:
    old = {"dags/a.yaml": f"a:\n{TASKS}b:\n{TASKS}"}

    told = diff(old, {"dags/a.yaml": f"c:\n{TASKS}d:\n{TASKS}"})

    changes = {dag["dag_id"]: dag["change"] for dag in told["affected"]}
    assert changes == {"a": "removed", "b": "removed", "c": "added", "d": "added"}


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        pytest.param("", ["yes", ""], id="affected"),
        pytest.param("hold: {select: all}\n", ["yes", ""], id="all"),
        pytest.param("hold: {select: tag:etl}\n", ["yes", ""], id="its tag"),
        pytest.param("hold: {select: owner:ana}\n", ["yes", ""], id="its owner"),
        pytest.param(
            "hold: {select: other}\n", ["no", "hold.select does not name it"], id="another"
        ),
        pytest.param("hold: {exclude: tag:etl}\n", ["no", "hold.exclude names it"], id="excluded"),
        pytest.param(
            "hold: {select: bundle:b}\n",
            ["unknown", "hold.select goes by bundles, which git does not tell"],
            id="a bundle",
        ),
        pytest.param(
            "hold: {exclude: bundle:b}\n",
            ["unknown", "hold.exclude goes by bundles, which git does not tell"],
            id="not of a bundle",
        ),
        pytest.param("hooks: {emit: false}\n", ["no", "hooks.emit is false"], id="no hooks"),
    ],
)
def test_whether_an_affected_dag_is_held_goes_by_the_new_side(
    settings: str, held: list[str], diff: Pair
) -> None:
    dag = "  tags: [etl]\n  default_args: {owner: ana}\n"
    write(diff.old, {"dags/a.yaml": f"etl:\n{dag}{TASKS}"})
    write(diff.new, {"dags/a.yaml": f"etl:\n  catchup: true\n{dag}{TASKS}"}, FILES + settings)

    affected = only(json.loads(diff.told()[1]), "affected")

    assert [affected["held"], affected["why_not"]] == held


@pytest.mark.parametrize(
    ("schedule", "start", "why"),
    [
        ("'0 3 * * *'", "2 days", "start_date is 2 days"),
        ("'@continuous'", "2026-01-01", "the schedule is @continuous"),
        ("'R 3 * * *'", "2026-01-01", "the schedule is R 3 * * *"),
        ("'@daily'", "0001-01-01", "start_date is 0001-01-01"),
        ("'@daily'", "9999-12-31", "start_date is 9999-12-31"),
        ("{timetable: x}", "2026-01-01", "the schedule is {'timetable': 'x'}"),
        ("'0 3 30 2 *'", "2026-01-01", None),
    ],
)
def test_runs_that_cannot_be_told_offline_say_why(
    schedule: str, start: str, why: str | None, diff: Pair
) -> None:
    dag = f"  catchup: true\n  start_date: {start}\n{TASKS}"

    told = diff(
        {"dags/a.yaml": f"etl:\n  schedule: null\n{dag}"},
        {"dags/a.yaml": f"etl:\n  schedule: {schedule}\n{dag}"},
    )

    starts = [(start["runs"], start["why"]) for start in told["starts"]]
    assert starts == ([] if why is None else [(None, why)])


def test_runs_beyond_what_is_counted_are_at_least_so_many(diff: Pair) -> None:
    dag = f"  catchup: true\n  start_date: 2020-01-01\n{TASKS}"

    told = diff(
        {"dags/a.yaml": f"etl:\n  schedule: null\n{dag}"},
        {"dags/a.yaml": f"etl:\n  schedule: '* * * * *'\n{dag}"},
    )

    start = only(told, "starts")
    assert (start["runs"], start["at_least"]) == (1000, True)


def test_what_was_missed_since_counts_though_no_schedule_changed(diff: Pair) -> None:
    dag = f"  schedule: '@hourly'\n  catchup: true\n  start_date: 2026-01-01\n{TASKS}"
    sides = {"dags/a.yaml": f"etl:\n{dag}"}, {"dags/a.yaml": f"etl:\n  max_active_runs: 2\n{dag}"}

    assert diff(*sides)["starts"] == []
    assert only(diff(*sides, "--since", "2026-11-24T07:00:00Z"), "starts")["runs"] == 3


@pytest.mark.parametrize(
    ("expects", "options", "generation"),
    [
        ("", [], 3),
        ("expects: {airflow: '>=2.11'}\n", [], 3),
        ("expects: {airflow: '==3.1.0'}\n", [], 3),
        ("expects: {airflow: '>=2.11,<3'}\n", [], 2),
        ("expects: {airflow: '>=2.11,<3'}\n", ["--airflow", "3"], 3),
    ],
)
def test_runs_are_counted_by_the_airflow_that_is_expected(
    expects: str, options: list[str], generation: int, diff: Pair
) -> None:
    dag = f"  schedule: '@daily'\n  start_date: 2026-11-20\n{TASKS}"
    write(diff.old, {"dags/a.yaml": f"other:\n{TASKS}"})
    write(
        diff.new,
        {"dags/a.yaml": f"other:\n{TASKS}", "dags/b.yaml": f"etl:\n{dag}"},
        FILES + expects,
    )

    told = json.loads(diff.told(*options)[1])

    # Not stated, catchup is on in 2.x and off in 3.x.
    assert told["airflow"] == generation
    assert only(told, "starts")["runs"] == {2: 4, 3: 1}[generation]


def test_errors_of_both_sides_are_told_with_their_side(diff: Pair) -> None:
    write(diff.old, {"dags/a.yaml": "a: {tasks: 1}\n"})
    write(diff.new, {"dags/a.yaml": "b: {tasks: {t: {}}}\n"})

    code, out, err = diff.told()

    assert (code, out) == (2, "")
    assert f"{diff.old}: dags/a.yaml:1:12: dag-factory: " in err
    assert f"{diff.new}: dags/a.yaml:1:13: no-operator: " in err


def test_a_new_side_without_fermata_yaml_is_refused(diff: Pair) -> None:
    write(diff.old, {"dags/a.yaml": f"a:\n{TASKS}"})
    diff.new.mkdir()

    code, out, err = diff.told()

    assert (code, out) == (2, "")
    assert "missing-file" in err


@pytest.mark.parametrize(
    ("new", "fail_on", "code"),
    [
        pytest.param(f"a:\n{TASKS}", "changes", 0, id="nothing"),
        pytest.param(f"a:\n  max_active_runs: 1\n{TASKS}", "risks", 0, id="no risk"),
        pytest.param(f"a:\n  max_active_runs: 1\n{TASKS}", "changes", 3, id="a change"),
        pytest.param(f"a:\n  catchup: true\n{TASKS}", "risks", 3, id="a risk"),
    ],
)
def test_ci_may_ask_for_a_refusal(new: str, fail_on: str, code: int, diff: Pair) -> None:
    write(diff.old, {"dags/a.yaml": f"a:\n{TASKS}"})
    write(diff.new, {"dags/a.yaml": new})

    answered, out, _ = diff.told("--fail-on", fail_on)

    assert answered == code
    assert json.loads(out)["new"]["dags"] == 1  # told all the same


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "", "\x1b[2J"])
def test_a_time_that_is_none_is_refused(time: str, diff: Pair) -> None:
    write(diff.old, {"dags/a.yaml": f"a:\n{TASKS}"})
    write(diff.new, {"dags/a.yaml": f"a:\n{TASKS}"})

    code, _, err = diff.told("--since", time)

    assert code == 2
    assert err.isascii()
    assert "\x1b" not in err


ENVIRONMENTS = FILES + "environments: {prod: {overlay: env/prod}, test: {overlay: env/test}}\n"
OVERLAYS = {
    "dags/a.yaml": f"a:\n{TASKS}",
    "env/prod/dags/b.yaml": f"prod:\n{TASKS}",
    "env/test/dags/b.yaml": f"test:\n{TASKS}",
}


def test_environments_are_compared_one_at_a_time(diff: Pair) -> None:
    write(diff.old, OVERLAYS, ENVIRONMENTS)
    write(
        diff.new,
        {**OVERLAYS, "env/prod/dags/b.yaml": f"prod:\n  catchup: true\n{TASKS}"},
        ENVIRONMENTS,
    )

    affected = json.loads(diff.told("--environment", "prod")[1])["affected"]

    assert [(dag["dag_id"], dag["file"]) for dag in affected] == [("prod", "env/prod/dags/b.yaml")]
    assert json.loads(diff.told("--environment", "test")[1])["affected"] == []
    assert "environment: none is named" in diff.told()[2]


@pytest.mark.parametrize(
    ("settings", "old_dags"),
    [
        pytest.param(FILES, 1, id="the old side has none"),
        pytest.param(ENVIRONMENTS.replace("prod", "live"), 0, id="the old side has others"),
    ],
)
def test_an_environment_that_is_new_has_an_old_side_all_the_same(
    settings: str, old_dags: int, diff: Pair
) -> None:
    old = {name.replace("prod", "live"): text for name, text in OVERLAYS.items()}
    write(diff.old, old if old_dags == 0 else {"dags/a.yaml": f"a:\n{TASKS}"}, settings)
    write(diff.new, OVERLAYS, ENVIRONMENTS)

    told = json.loads(diff.told("--environment", "prod")[1])

    assert told["old"]["dags"] == old_dags
    assert {dag["dag_id"]: dag["change"] for dag in told["affected"]}["prod"] == "added"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("0x" + "f" * 20_000, id="a number of too many digits"),
        pytest.param("not " * 900 + "x", id="an expression inside expressions"),
        pytest.param("datetime(" + "-" * 900 + "1)", id="a date inside expressions"),
        pytest.param("datetime(0x" + "f" * 20_000 + ")", id="a date of too many digits"),
        pytest.param("datetime(*x, **y)", id="a date of unknown parts"),
        pytest.param("{**x, 1: 2, 'a': lambda: 0}", id="a mapping of unknown parts"),
    ],
)
@pytest.mark.parametrize("name", ["schedule", "start_date", "default_args", "catchup"])
def test_python_of_any_kind_is_compared_and_not_run(name: str, value: str, diff: Pair) -> None:
    dag = "from airflow import DAG\ndag = DAG('etl', %s=%s, retries=%d)\n"

    told = diff({"dags/a.py": dag % (name, value, 1)}, {"dags/a.py": dag % (name, value, 2)})

    assert only(told, "affected")["causes"][0]["kind"] == "file"


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=30)


@given(HOSTILE)
def test_no_text_leaves_its_code_span(text: str) -> None:
    span = code(text)

    assert "\n" not in span
    assert "|" not in span
    if span.startswith("<code>"):
        inner = span.removeprefix("<code>").removesuffix("</code>")
        assert not {*"`<>@[]"} & {*inner}
    elif span:
        assert span[0] == span[-1] == "`"
        assert "`" not in span[1:-1]


@given(HOSTILE, HOSTILE)
def test_no_text_breaks_a_table_or_a_line(dag_id: str, path: str) -> None:
    cause = Cause(kind="imported", path=path)
    dag = AffectedDag(dag_id=dag_id, change="changed", file=path, causes=(cause,))
    risk = Risk(dag_id=dag_id, kind="owner", message=path)
    told = difference(affected=(dag,), risks=(risk,))

    rows = [line for line in to_markdown(told).splitlines() if line.startswith("|")]

    assert [row.count("|") for row in rows] == [5, 5, 5, 4, 4, 4]
    assert all(line.isprintable() for line in to_text(told).split("\n"))


def difference(affected: tuple[AffectedDag, ...], risks: tuple[Risk, ...]) -> Difference:
    side = Side(name="main")
    return Difference(
        application="etl",
        old=side,
        new=side,
        now=NOW,
        since=NOW,
        airflow=3,
        affected=affected,
        risks=risks,
    )


@pytest.mark.parametrize("count", [101, 2000])
def test_a_comment_is_at_most_what_a_code_host_takes(count: int) -> None:
    name = "x" * 250
    dags = [
        AffectedDag(dag_id=f"{name}_{n}", change="changed", file=name, causes=(Cause(kind="file"),))
        for n in range(count)
    ]
    risks = [Risk(dag_id=dag.dag_id, kind="owner", message="|`" * 100) for dag in dags]

    text = to_markdown(difference(tuple(dags), tuple(risks)))

    assert len(text) <= MOST_CHARACTERS + 200
    assert " more: see `--format json`" in text


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": 4}}, ["a.c", "a.d"]),
        ([{"task_id": "x", "n": 1}], [{"task_id": "x", "n": 2}], ["x.n"]),
        ({"t": [{"task_id": "x"}, {"task_id": "x"}]}, {"t": [{"task_id": "x"}]}, ["t"]),
        ({"t": [1, 2]}, {"t": [2, 1]}, ["t"]),
        ({"t": {"x": 1}}, {"t": [{"task_id": "x"}]}, ["t.x"]),
    ],
)
def test_what_changed_is_named_by_its_keys(old: Json, new: Json, keys: list[str]) -> None:
    assert list(changed_keys(old, new)) == keys
