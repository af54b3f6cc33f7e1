"""The parameters of an Application: announced from the model, and read as what anyone may write."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_cli.frame import run
from fermata_plugin.choice import Choice
from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout
from fermata_spec import __version__

ROOT = Path(__file__).parent.parent.parent
FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://from-git:8080"}
files: {include: ["dags/**"]}
environments: {prod: {}, staging: {}}
"""
FIELDS = {"name", "title", "tooltip", "required", "itemType", "collectionType"} | {
    "string",
    "array",
    "map",
}


@pytest.fixture(autouse=True)
def _no_argo_cd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOURCE_TARGET_REVISION", "SOURCE_PATH", "PARAMETERS"):
        monkeypatch.delenv(f"ARGOCD_APP_{name}", raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "fermata.yaml").write_text(FERMATA_YAML)
    (tmp_path / "dags" / "a.yaml").write_text("a:\n  tasks: {t: {operator: x.Y}}\n")
    return tmp_path


def announced(checkout: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert run(["params", str(checkout)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(each.keys() <= FIELDS for each in found)
    return {each["name"]: each for each in found}


def compiled(checkout: Path, **parameters: str) -> Compiled:
    given = {"environment": "prod"} | {name.replace("__", "."): v for name, v in parameters.items()}
    choice = Choice(parameters=given)
    return compile_checkout(str(checkout), Identity("etl", "abc", "airflow"), choice=choice)


def test_each_parameter_is_announced_with_what_holds_without_it(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = announced(checkout, capsys)

    assert {name: each["string"] for name, each in found.items()} == {
        "environment": "",
        "airflow.url": "http://from-git:8080",
        "airflow.credentials.secret": "",
        "airflow.credentials.method": "password",
        "hooks.image": f"airflow-fermata:{__version__}",
        "hooks.service_account": "fermata",
    }
    assert found["environment"]["tooltip"].endswith("One of prod, staging.")


@pytest.mark.parametrize("text", [None, "", "[", "7", "airflow: 7\nenvironments: [a]\n", "\0"])
def test_what_is_announced_needs_no_sound_file(
    checkout: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "fermata.yaml").unlink()
    if text is not None:
        (checkout / "fermata.yaml").write_text(text)

    assert announced(checkout, capsys)["airflow.url"]["string"] == ""


def test_the_plugin_asks_for_parameters_by_the_command_that_announces_them() -> None:
    plugin = yaml.safe_load((ROOT / "manifests" / "plugin" / "plugin.yaml").read_text())

    assert plugin["spec"]["parameters"] == {"dynamic": {"command": ["fermata", "params"]}}
    assert plugin["spec"]["version"] == f"v{__version__}"


def test_a_parameter_wins_over_the_file(checkout: Path) -> None:
    made = compiled(
        checkout,
        airflow__url="http://from-argo:1",
        airflow__credentials__secret="airflow-login",
        hooks__image="registry.example/fermata:9",
    )

    assert made.problems == []
    assert made.plan is not None
    assert made.plan.airflow_url == "http://from-argo:1"
    assert made.plan.credentials_secret == "airflow-login"
    (hold, *_) = [each for each in made.manifests if each["kind"] == "Job"]
    pod = hold["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example/fermata:9"


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        pytest.param("airflow.url", "file:///etc/passwd", "value", id="a path for an address"),
        pytest.param("airflow.url", "http://u:hunter2@airflow", "value", id="a password"),
        pytest.param("hooks.image", "x; rm -rf /", "value", id="a command"),
        pytest.param("hooks.image", "x\n  privileged: true", "value", id="YAML"),
        pytest.param("hooks.service_account", "../../default", "value", id="a path"),
        pytest.param("airflow.credentials.secret", "$(id)", "value", id="a substitution"),
        pytest.param("environment", "../prod", "environment", id="a path for an environment"),
        pytest.param("files.include", "/etc/*", "parameter", id="a key that is no parameter"),
        pytest.param("hooks.imag", "x", "parameter", id="a parameter that there is not"),
        pytest.param("\x1b[2J", "x", "parameter", id="control characters"),
    ],
)
def test_a_hostile_parameter_is_a_finding(checkout: Path, name: str, value: str, rule: str) -> None:
    given = {"environment": "prod", name: value}

    (problem,) = compile_checkout(str(checkout), choice=Choice(parameters=given)).problems

    assert problem.rule == rule
    assert str(problem).isprintable()
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", 0, id="an empty variable"),
        pytest.param("null", 0, id="a plugin without parameters"),
        pytest.param("[]", 0, id="none"),
        pytest.param('[{"name": "airflow.url", "string": ""}]', 0, id="an empty field"),
        pytest.param('[{"name": "airflow.url"}]', 2, id="no value"),
        pytest.param('[{"name": "airflow.url", "array": ["http://a"]}]', 2, id="a list"),
        pytest.param('[{"name": 7, "string": "x"}]', 2, id="a name that is none"),
        pytest.param(
            '[{"name": "hooks.image", "string": "a"}, {"name": "hooks.image", "string": "b"}]',
            2,
            id="one twice",
        ),
        pytest.param("{", 2, id="no JSON"),
        pytest.param("7", 2, id="no list"),
        pytest.param("[7]", 2, id="a list of something else"),
        pytest.param("[" * 50_000, 2, id="depth"),
    ],
)
def test_parameters_are_read_as_argo_cd_passes_them(
    checkout: Path,
    text: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARGOCD_APP_PARAMETERS", text)

    assert run(["lint", str(checkout), "--environment", "prod"]) == code

    assert len(capsys.readouterr().err.splitlines()) == (1 if code else 0)


def test_variables_of_single_parameters_are_not_read(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAM_AIRFLOW_URL", "http://elsewhere")
    monkeypatch.setenv("ARGOCD_ENV_AIRFLOW_URL", "http://elsewhere")

    plan = compiled(checkout).plan

    assert plan is not None
    assert plan.airflow_url == "http://from-git:8080"
