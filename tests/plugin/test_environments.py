"""Environments: which one is meant, what its overlay changes, and what it may hold."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fermata_cli.frame import run
from fermata_plugin.choice import Choice
from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"]}
hold: {lease: 2h, exclude: {tags: [never-hold]}}
hooks: {image: "fermata:1"}
environments:
  prod: {branch: main, overlay: env/prod}
  staging: {branch: "release/*", overlay: env/staging}
  dev: {}
"""
DAG = """\
orders:
  default_args: {owner: data, retries: 2}
  schedule: "@daily"
  tasks:
    load: {operator: x.Y, bash_command: load}
    check: {operator: x.Y, dependencies: [load]}
"""


@pytest.fixture(autouse=True)
def _no_argo_cd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOURCE_TARGET_REVISION", "SOURCE_PATH", "PARAMETERS"):
        monkeypatch.delenv(f"ARGOCD_APP_{name}", raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write(tmp_path, "fermata.yaml", FERMATA_YAML)
    write(tmp_path, "dags/orders.yaml", DAG)
    write(tmp_path, "dags/query.sql", "select 1;\n")
    write(tmp_path, "env/prod/dags/extra.yaml", DAG.replace("orders:", "extra:"))
    write(tmp_path, "env/prod/dags/query.sql", "select 2;\n")
    write(tmp_path, "env/staging/fermata.merge.yaml", "hold: {exclude: {owners: [bob]}}\n")
    write(tmp_path, "env/staging/dags/orders.merge.yaml", "orders: {schedule: null}\n")
    return tmp_path


def write(checkout: Path, path: str, text: str) -> None:
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text(text)


def compiled(checkout: Path, **choice: Any) -> Compiled:  # noqa: ANN401 - the fields of a Choice
    made = compile_checkout(
        str(checkout), Identity("etl", "abc", "airflow"), choice=Choice(**choice)
    )
    assert [str(each) for each in made.problems] == []
    return made


def told(checkout: Path, **choice: Any) -> list[str]:  # noqa: ANN401 - the same
    return [str(each) for each in compile_checkout(str(checkout), choice=Choice(**choice)).problems]


def files(made: Compiled) -> dict[str, str | bytes]:
    return {each.key: each.content for each in made.artifacts}


def test_an_overlay_adds_files_and_replaces_those_of_the_same_path(checkout: Path) -> None:
    made = files(compiled(checkout, environment="prod"))

    assert made.keys() == {"orders.yaml.py", "extra.yaml.py", "query.sql"}
    assert made["query.sql"] == "select 2;\n"


def test_an_environment_without_overlay_has_the_folders_own_files(checkout: Path) -> None:
    made = files(compiled(checkout, environment="dev"))

    assert made.keys() == {"orders.yaml.py", "query.sql"}
    assert made["query.sql"] == "select 1;\n"


def test_folders_of_overlays_are_no_files_of_the_application(checkout: Path) -> None:
    everything = FERMATA_YAML.replace('["dags/**"]', '["**/*.yaml", "**/*.sql"]')
    write(checkout, "fermata.yaml", everything)

    assert files(compiled(checkout, environment="dev")).keys() == {
        "dags--orders.yaml.py",
        "dags--query.sql",
    }


def test_a_merge_changes_what_it_names_and_keeps_the_rest(checkout: Path) -> None:
    made = files(compiled(checkout, environment="staging"))["orders.yaml.py"]

    assert isinstance(made, str)
    text = made.partition('CONFIG = r"""')[2].partition('"""')[0]
    assert text.startswith(
        "# dags/orders.yaml and env/staging/dags/orders.merge.yaml, merged by Fermata\n"
    )
    wanted = yaml.safe_load(DAG)
    wanted["orders"]["schedule"] = None
    assert yaml.safe_load(text) == wanted


def test_a_list_takes_the_place_of_a_list(checkout: Path) -> None:
    write(
        checkout,
        "env/staging/dags/orders.merge.yaml",
        "orders: {tasks: {check: {dependencies: []}}, tags: [x]}\n",
    )

    made = files(compiled(checkout, environment="staging"))["orders.yaml.py"]

    assert isinstance(made, str)
    merged = yaml.safe_load(made.partition('CONFIG = r"""')[2].partition('"""')[0])["orders"]
    assert merged["tasks"]["check"] == {"operator": "x.Y", "dependencies": []}
    assert merged["tasks"]["load"] == {"operator": "x.Y", "bash_command": "load"}


def test_defaults_are_merged_too(checkout: Path) -> None:
    write(checkout, "dags/defaults.yml", "default_args: {owner: a, email: b}\n")
    write(checkout, "env/staging/dags/defaults.merge.yml", "default_args: {owner: c}\n")

    made = files(compiled(checkout, environment="staging"))["orders.yaml.py"]

    assert isinstance(made, str)
    text = made.partition('DEFAULTS = r"""')[2].partition('"""')[0]
    assert yaml.safe_load(text) == {"default_args": {"owner": "c", "email": "b"}}


def test_an_overlay_changes_keys_of_fermata_yaml(checkout: Path) -> None:
    plan = compiled(checkout, environment="staging").plan

    assert plan is not None
    assert plan.hold.lease == 7200
    assert (plan.hold.exclude.tags, plan.hold.exclude.owners) == (("never-hold",), ("bob",))


def test_what_is_merged_says_the_same_as_what_is_written_in_one_file(checkout: Path) -> None:
    merged = compiled(checkout, environment="staging").plan
    write(checkout, "dags/orders.yaml", DAG.replace('"@daily"', "null"))
    (checkout / "env/staging/dags/orders.merge.yaml").unlink()

    written = compiled(checkout, environment="staging").plan

    assert merged is not None
    assert written is not None
    assert merged.digests() == written.digests()


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        pytest.param(
            "fermata.merge.yaml",
            "hold:\n  leese: 1h\n",
            "env/staging/fermata.merge.yaml:2:3: unknown-key: leese is not known here "
            "(did you mean lease?)",
            id="a key of fermata.yaml",
        ),
        pytest.param(
            "dags/orders.merge.yaml",
            "orders:\n  tasks:\n    check: {dependencies: [loda]}\n",
            "env/staging/dags/orders.merge.yaml:3:28: unknown-dependency: check waits for 'loda', "
            "unknown (did you mean load?)",
            id="a part of a DAG",
        ),
        pytest.param(
            "dags/ordres.merge.yaml",
            "orders: {}\n",
            "env/staging/dags/ordres.merge.yaml:1:1: overlay: there is no dags/ordres.yaml to "
            "merge it into (did you mean dags/orders.yaml?)",
            id="nothing to merge into",
        ),
        pytest.param(
            "dags/orders.merge.yaml",
            "[orders]\n",
            "env/staging/dags/orders.merge.yaml:1:1: overlay: not a mapping: only mappings are "
            "merged",
            id="a list",
        ),
        pytest.param(
            "fermata.merge.yaml",
            "environments: {prod: {branch: x}}\n",
            "env/staging/fermata.merge.yaml:1:1: overlay: an overlay is chosen by environments: "
            "it cannot change them",
            id="the environments themselves",
        ),
        pytest.param(
            "fermata.yaml",
            "kind: Fermata\n",
            "env/staging/fermata.yaml:1:1: overlay: takes the place of fermata.yaml: change that "
            "by fermata.merge.yaml",
            id="a whole fermata.yaml",
        ),
        pytest.param(
            "dags/twice.yaml",
            DAG.replace("tasks:", "tags: [x]\n  tasks:"),
            "env/staging/dags/twice.yaml:1:1: duplicate-dag-id: orders is defined in "
            "dags/orders.yaml too",
            id="a DAG that is there already",
        ),
    ],
)
def test_a_problem_names_the_file_of_the_overlay(
    checkout: Path, path: str, text: str, problem: str
) -> None:
    write(checkout, f"env/staging/{path}", text)

    assert told(checkout, environment="staging") == [problem]


def test_a_problem_of_the_folders_own_file_keeps_its_place_when_merged(checkout: Path) -> None:
    write(checkout, "dags/orders.yaml", DAG.replace("[load]", "[loda]"))

    (problem,) = told(checkout, environment="staging")

    assert problem.startswith("dags/orders.yaml:6:43: unknown-dependency: check waits for 'loda'")


def test_a_rule_silenced_in_either_file_is_silent(checkout: Path) -> None:
    write(checkout, "env/staging/dags/orders.merge.yaml", 'orders: {schedule: "often"}\n')
    assert len(told(checkout, environment="staging")) == 1

    write(
        checkout,
        "env/staging/dags/orders.merge.yaml",
        'orders: {schedule: "often"} # fermata: silence cron\n',
    )

    assert told(checkout, environment="staging") == []


def test_an_overlay_that_leads_out_of_the_checkout_is_not_read(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside, "dags/orders.merge.yaml", "orders: {hunter2: 1}\n")
    write(
        checkout, "fermata.yaml", FERMATA_YAML.replace("overlay: env/prod", "overlay: env/linked")
    )
    (checkout / "env" / "linked").symlink_to(outside)

    problems = told(checkout, environment="prod")

    assert [line.split(": ")[1] for line in problems] == ["symlink", "overlay"]
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize("folder", ["../other", "/etc", "env/../..", "a//b", "."])
def test_an_overlay_is_a_folder_below_the_application(checkout: Path, folder: str) -> None:
    write(checkout, "fermata.yaml", FERMATA_YAML.replace("env/prod", folder))

    assert ["is not a folder below" in line for line in told(checkout, environment="dev")] == [True]


def test_files_that_git_delivers_cannot_be_laid_over(checkout: Path) -> None:
    write(checkout, "fermata.yaml", f"{FERMATA_YAML}delivery: git-bundle\n")

    assert told(checkout, environment="dev") == []
    (problem,) = told(checkout, environment="prod")
    assert problem.endswith(
        "overlay: with delivery: git-bundle Airflow reads git's own files, not "
        "env/prod/dags/extra.yaml"
    )


@pytest.mark.parametrize(
    ("choice", "overlay"),
    [
        pytest.param({"environment": "prod"}, "prod", id="by name"),
        pytest.param({"parameters": {"environment": "prod"}}, "prod", id="by parameter"),
        pytest.param({"folder": "env/staging"}, "staging", id="by folder"),
        pytest.param({"branch": "main"}, "prod", id="by branch"),
        pytest.param({"branch": "refs/heads/main"}, "prod", id="by a branch's full name"),
        pytest.param({"branch": "release/7"}, "staging", id="by a pattern of branches"),
        pytest.param(
            {"branch": "main", "environment": "prod", "folder": "env/prod"}, "prod", id="by all"
        ),
    ],
)
def test_an_environment_is_chosen(checkout: Path, choice: dict[str, Any], overlay: str) -> None:
    made = files(compiled(checkout, **choice))

    assert ("extra.yaml.py" in made) == (overlay == "prod")
    assert ("merged by Fermata" in str(made["orders.yaml.py"])) == (overlay == "staging")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        pytest.param({}, "none is named: --environment prod or staging or dev", id="nothing said"),
        pytest.param(
            {"environment": "prd"}, "prd: no such environment (did you mean prod?)", id="a typo"
        ),
        pytest.param(
            {"environment": "zzz"},
            "zzz: no such environment: there are prod, staging, dev",
            id="another name",
        ),
        pytest.param(
            {"environment": "prod", "branch": "feature"},
            "prod is rendered from branch main, and not from 'feature'",
            id="another branch",
        ),
        pytest.param(
            {"parameters": {"environment": "prod"}, "branch": "release/7"},
            "prod is rendered from branch main, and not from 'release/7'",
            id="a parameter that git has set",
        ),
        pytest.param(
            {"folder": "env/prod", "branch": "release/7"},
            "prod is rendered from branch main, and not from 'release/7'",
            id="the branch of another",
        ),
        pytest.param(
            {"environment": "prod", "branch": "HEAD"},
            "prod is rendered from branch main: let targetRevision name it",
            id="HEAD",
        ),
        pytest.param(
            {"environment": "prod", "branch": ""},
            "prod is rendered from branch main: let targetRevision name it",
            id="an Application that names no branch",
        ),
        pytest.param(
            {"branch": "feature"},
            "branch 'feature' is that of no environment: there are prod, staging, dev",
            id="a branch of none",
        ),
        pytest.param(
            {"folder": "env/prd"},
            "env/prd: no environment's overlay (did you mean env/prod?)",
            id="a folder of none",
        ),
        pytest.param(
            {"environment": "staging", "folder": "env/prod"},
            "env/prod is the overlay of prod, not of staging",
            id="two that differ",
        ),
        pytest.param(
            {"environment": "../../etc; id"},
            "../../etc; id: no such environment: there are prod, staging, dev",
            id="a path and a command",
        ),
    ],
)
def test_what_is_not_meant_for_an_environment_is_refused(
    checkout: Path, choice: dict[str, Any], message: str
) -> None:
    (problem,) = told(checkout, **choice)

    assert problem.partition(": environment: ")[2] == message


def test_a_name_is_refused_where_there_are_no_environments(checkout: Path) -> None:
    write(checkout, "fermata.yaml", FERMATA_YAML.partition("environments:")[0])

    (problem,) = told(checkout, environment="prod")

    assert "prod: no such environment: fermata.yaml has none" in problem


def test_a_branch_of_two_environments_chooses_none(checkout: Path) -> None:
    write(checkout, "fermata.yaml", FERMATA_YAML.replace("dev: {}", "dev: {branch: ma*}"))

    (problem,) = told(checkout, branch="main")

    assert "branch 'main' is that of prod and of dev: name one" in problem


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("files: 2", "prod has 3 files, and may have 2"),
        ("dags: 1", "prod has 2 dags, and may have 1"),
        ("bytes: 300", f"prod has {2 * len(DAG) - 1 + 10} bytes, and may have 300"),
    ],
)
def test_an_environment_holds_no_more_than_it_may(
    checkout: Path, limits: str, message: str
) -> None:
    bounded = FERMATA_YAML.replace("env/prod}", f"env/prod, limits: {{{limits}}}}}")
    write(checkout, "fermata.yaml", bounded)

    (problem,) = told(checkout, environment="prod")

    assert problem.endswith(f": environment-limit: {message}")
    assert told(checkout, environment="staging") == []


def test_lint_without_a_choice_judges_every_environment(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(checkout, "env/prod/dags/extra.yaml", "extra: {tasks: {a: {}}}\n")
    write(checkout, "env/staging/dags/orders.merge.yaml", "orders: {schedule: often}\n")

    assert run(["lint", str(checkout)]) == 2

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "env/prod/dags/extra.yaml",
        "env/staging/dags/orders.merge.yaml",
    ]
    assert run(["lint", str(checkout), "--environment", "dev"]) == 0


@pytest.mark.parametrize(
    "command",
    [["render", "--revision", "abc"], ["plan"], ["plan", "--dagset"], ["lint"]],
    ids=["render", "plan", "DagSet", "lint"],
)
def test_each_command_takes_the_same_choice(
    checkout: Path,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARGOCD_APP_NAME", "etl")
    call = [*command, str(checkout), "--environment"]

    assert run([*call, "prod"]) == 0
    assert run([*call, "prod", "--branch", "main"]) == 0
    assert run([*call, "prod", "--branch", "feature"]) == 2
    assert run([*call, "nowhere"]) == 2
    monkeypatch.setenv("ARGOCD_APP_SOURCE_TARGET_REVISION", "")
    assert run([*call, "prod"]) == 2
    assert "let targetRevision name it" in "".join(capsys.readouterr())


def test_a_folder_of_a_repository_is_rendered_with_the_file_above(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "--quiet", checkout], check=True)  # noqa: S607 - the one on PATH

    assert run(["plan", str(checkout / "env/prod"), "--application", "etl"]) == 0

    assert '"extra"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source_path", "code"),
    [("env/prod", 0), ("prod", 2), ("other/prod", 2), ("", 2), (".", 2), ("../../x", 2)],
)
def test_nothing_above_argo_cds_copy_of_the_repository_is_looked_at(
    checkout: Path, source_path: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOCD_APP_SOURCE_PATH", source_path)

    assert run(["plan", str(checkout / "env/prod"), "--application", "etl"]) == code
