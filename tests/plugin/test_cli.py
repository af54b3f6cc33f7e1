"""The renderer's commands: stdout is data, all or nothing; stderr is talk."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fermata_cli.frame import run
from fermata_spec.plan import parse_plan

GOLDEN = Path(__file__).parent.parent / "golden"
BAD = str(GOLDEN / "task-graph")
GOOD = str(GOLDEN / "dag-factory")


def test_lint_tells_every_problem_on_stdout_and_exits_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["lint", BAD])

    out, err = capsys.readouterr()
    assert out == (GOLDEN / "task-graph" / "expected.err").read_text()
    assert "9 error(s), 0 warning(s)" in err
    assert code == 2


def test_lint_of_a_sound_checkout_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", GOOD]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(GOLDEN / "computed-dag-id")]) == 0
    assert "dag-id-computed: warning: " in capsys.readouterr().out


def test_lint_as_json_has_a_field_for_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", BAD, "--format", "json"])

    first = json.loads(capsys.readouterr().out)[0]
    assert first == {
        "file": "dags/etl.yaml",
        "line": 5,
        "column": 5,
        "rule": "cycle",
        "message": "tasks that wait for each other: a > c > b > a",
        "severity": "error",
    }


@pytest.mark.parametrize("command", ["render", "plan"])
def test_nothing_is_made_of_a_checkout_with_errors(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([command, BAD, "--application", "etl", "--revision", "abc"])

    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 9
    assert all(len(line) <= 500 for line in err.splitlines())


def test_render_takes_argo_cds_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOCD_APP_NAME", "team_etl")
    monkeypatch.setenv("ARGOCD_APP_NAMESPACE", "airflow")
    monkeypatch.setenv("ARGOCD_APP_REVISION", "abc123")
    monkeypatch.chdir(GOLDEN / "hooks")

    assert run(["render"]) == 0

    manifests = {
        (manifest["kind"], manifest["metadata"]["name"].split("-")[1]): manifest
        for manifest in yaml.safe_load_all(capsys.readouterr().out)
    }
    plan = parse_plan(manifests["ConfigMap", "plan"]["data"]["plan.json"], origin="x")
    assert (plan.application, plan.namespace, plan.revision) == ("team_etl", "airflow", "abc123")


@pytest.mark.parametrize("missing", ["--application", "--revision"])
def test_render_says_which_part_of_the_identity_is_missing(
    missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    identity = {"--application": "etl", "--revision": "abc"}
    del identity[missing]

    code = run(["render", GOOD, *(each for pair in identity.items() for each in pair)])

    assert code == 2
    assert capsys.readouterr().err.startswith(f"{missing}: missing")


def test_plan_prints_what_the_hooks_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", GOOD, "--application", "etl"]) == 0

    plan = parse_plan(capsys.readouterr().out, origin="stdout")
    assert [dag.dag_id for dag in plan.dags] == ["etl"]
    assert plan.dags[0].evidence == "doc_md"
    assert plan.dags[0].file == "etl.yaml.py"
    assert plan.dags[0].source == "dags/etl.yaml"


def test_plan_prints_the_dagset_that_render_emits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", GOOD, "--application", "etl", "--dagset"]) == 0

    printed = yaml.safe_load(capsys.readouterr().out)
    rendered = yaml.safe_load_all((GOLDEN / "dag-factory" / "expected.yaml").read_text())
    assert printed in list(rendered)


def test_a_path_that_is_no_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "/nowhere"]) == 2
    assert "/nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("known", "code"),
    [
        pytest.param("", 0, id="nobody says"),
        pytest.param("v1,apps/v1,apps/v1/Deployment", 2, id="it does not"),
        pytest.param("v1,fermata.dev/v1alpha1,fermata.dev/v1alpha1/DagSet", 0, id="it does"),
    ],
)
def test_render_asks_whether_the_cluster_knows_a_dagset(
    known: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBE_API_VERSIONS", known)

    assert run(["render", GOOD, "--application", "etl", "--revision", "abc"]) == code

    out, err = capsys.readouterr()
    assert bool(out) == (code == 0)
    assert bool(err) == (code != 0)


def test_lint_as_sarif_has_a_result_for_each_problem(capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", BAD, "--format", "sarif"])

    (only,) = json.loads(capsys.readouterr().out)["runs"]
    assert len(only["results"]) == 9
    assert {result["ruleId"] for result in only["results"]} == {
        rule["id"] for rule in only["tool"]["driver"]["rules"]
    }
    location = only["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "dags/etl.yaml"
    assert location["region"] == {"startLine": 5, "startColumn": 5}


@pytest.mark.parametrize("option", [[], ["--dagset"]], ids=["plan", "DagSet"])
def test_plan_tells_whether_a_committed_file_is_stale(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["plan", GOOD, "--application", "etl", *option]
    run(command)
    committed = tmp_path / "committed"
    committed.write_text(capsys.readouterr().out)

    assert run([*command, "--check", str(committed)]) == 0
    committed.write_text(committed.read_text() + "\n")
    assert run([*command, "--check", str(committed)]) == 2
    assert "stale" in capsys.readouterr().err


def test_the_absence_of_libyaml_is_said() -> None:
    script = (
        "import sys, yaml\n"
        "del yaml.CSafeLoader\n"
        "from fermata_cli.frame import run\n"
        f"sys.exit(run(['plan', {GOOD!r}, '--application', 'etl']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stderr == "PyYAML has no libyaml here: reading takes ten times as long\n"
    assert [dag.dag_id for dag in parse_plan(done.stdout, origin="stdout").dags] == ["etl"]
