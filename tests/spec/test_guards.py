"""The model of guards: what is read, where it is refused, and that a plan carries it whole."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fermata_spec.config import Config
from fermata_spec.config_reader import read_config
from fermata_spec.errors import SettingsError
from fermata_spec.guards import RULES, branch_denial, guards_of
from fermata_spec.plan import Plan, dump_plan, parse_plan
from fermata_spec.policy import read_policy

if TYPE_CHECKING:
    from fermata_spec.problems import Problem

HEAD = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/*.py"]}
guards:
"""
POLICY = "apiVersion: fermata.dev/v1alpha1\nkind: Policy\n"
ALL = """\
  - {name: only-main, branch: {allow: [main]}}
  - {freeze: {starts: ["0 18 * * 5"], ends: ["0 8 * * 1"], time_zone: Europe/Berlin}}
  - {protected-dags: {dags: [month_end, "tag:critical"]}, message: The books are being closed.}
  - {initiator: {allow: [automated, "release-*"]}, dry_run: true}
  - {change-size: {dags: 50, share: 20%, removed: 5}}
  - {promoted: {application: airflow-staging, namespace: staging}}
"""


def read(text: str) -> tuple[Config | None, list[str]]:
    problems: list[Problem] = []
    file = read_config(HEAD + text, problems)
    return (file.config if file else None), [str(problem) for problem in problems]


def test_every_rule_is_read_and_called_by_its_name_or_its_rule() -> None:
    config, problems = read(ALL)

    assert problems == []
    assert config is not None
    assert [guard.rule for guard in config.guards] == list(RULES)
    assert [guard.called for guard in config.guards][:2] == ["only-main", "freeze"]


def test_a_plan_carries_the_guards_as_they_are_written() -> None:
    problems: list[Problem] = []
    file = read_config(HEAD + ALL, problems)
    assert file is not None
    plan = Plan(
        application="demo",
        revision="a" * 40,
        airflow_url="http://x",
        dags=(),
        target="main",
        guards=file.raw_guards(),
    )

    again = parse_plan(dump_plan(plan), origin="plan")
    guards = guards_of(again.guards, origin="plan")

    assert again == plan
    assert [guard.rule for guard in guards] == list(RULES)
    assert guards[2].protected_dags is not None
    assert guards[2].protected_dags.dags.tags == ("critical",)
    assert guards[4].change_size is not None
    assert guards[4].change_size.share == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("  - {name: x}", "6:5: value: a guard has exactly one of branch, freeze"),
        (
            "  - {branch: {allow: [main]}, initiator: {allow: [ann]}}",
            "6:5: value: a guard has exactly one of branch, freeze",
        ),
        ("  - {branch: {allow: []}}", "6:22: value: an empty list says nothing"),
        (
            "  - {branches: {allow: [main]}}",
            "6:6: unknown-key: branches is not known here (did you",
        ),
        (
            '  - {freeze: {starts: ["0 25 * * 5"], ends: ["0 8 * * 1"]}}',
            "6:24: value: '0 25 * * 5': hour '25' is not within 0 to 23",
        ),
        (
            '  - {freeze: {starts: ["@daily"], ends: ["0 8 * * 1"]}}',
            "6:24: value: '@daily' is no cron expression of five fields",
        ),
        (
            '  - {freeze: {starts: ["H 8 * * *"], ends: ["0 8 * * 1"]}}',
            "6:24: value: 'H 8 * * *': H and R are not the same twice",
        ),
        (
            '  - {freeze: {starts: ["0 8 * * 1"], ends: ["0 9 * * 1"], time_zone: ../etc/passwd}}',
            "6:70: value: '../etc/passwd' is no time zone like Europe/Berlin",
        ),
        ("  - {change-size: {}}", "6:5: value: change-size limits nothing"),
        ("  - {name: lock, branch: {allow: [main]}}", "6:12: value: 'lock' is not a name like"),
        (
            "  - {branch: {allow: [main]}}\n  - {branch: {allow: [dev]}}",
            "7:5: value: branch: a second guard of this name",
        ),
    ],
)  # fmt: skip
def test_what_is_no_guard_is_refused_at_its_place(line: str, told: str) -> None:
    config, problems = read(line)

    assert config is None
    assert problems[0].startswith(f"fermata.yaml:{told}")


def test_a_plan_with_damaged_guards_is_refused() -> None:
    with pytest.raises(SettingsError, match="plan: damaged guards: nope is not known here"):
        guards_of([{"nope": 1}], origin="plan")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("main", ""),
        ("release/7", ""),
        ("feature/x", "the application follows feature/x, not main, release/*"),
        ("", "the branch is not known (render with --branch), and only main, release/* may be"),
    ],
)
def test_a_branch_is_allowed_by_pattern_and_an_unknown_one_is_not(target: str, told: str) -> None:
    guards = guards_of([{"branch": {"allow": ["main", "release/*"]}}], origin="plan")
    assert guards[0].branch is not None

    denial = branch_denial(guards[0].branch, target)

    assert denial.startswith(told)
    assert bool(denial) == bool(told)


def test_the_policies_of_a_folder_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY + "guards: [{branch: {allow: [main]}}]\n")
    (tmp_path / "b.yaml").write_text(POLICY + "break_glass: refuse\nimages: ['registry/*']\n")
    (tmp_path / "..data").mkdir()

    policy = read_policy(tmp_path)

    assert [(file, guard.called) for file, guard in policy.guards] == [("a.yaml", "branch")]
    assert not policy.break_glass
    assert policy.allows_image("registry/fermata:1")
    assert not policy.allows_image("elsewhere/fermata:1")


def test_an_empty_folder_has_no_policy(tmp_path: Path) -> None:
    policy = read_policy(tmp_path)

    assert policy.guards == ()
    assert policy.break_glass
    assert policy.allows_image("anything")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"guards: {", "yaml-syntax"),
        (b"", "is not a mapping of apiVersion, kind, guards, break_glass, manifests, images"),
        (POLICY.encode() + b"guards: [{branch: {allow: main}}]\n", "3:27: type: 'main' is not"),
        (b"\xff", "not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "larger than 1048576 bytes"),
    ],
    ids=["not YAML", "empty", "wrong", "not UTF-8", "too large"],
)
def test_a_policy_that_cannot_be_read_is_no_policy_at_all(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match=told.replace("(", r"\(")):
        read_policy(path)


def test_a_policy_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="policy cannot be read: No such file"):
        read_policy(tmp_path / "none")


def test_raw_guards_are_json() -> None:
    problems: list[Problem] = []
    file = read_config(HEAD + ALL, problems)

    assert file is not None
    assert json.loads(json.dumps(file.raw_guards())) == list(file.raw_guards())


def test_the_policy_that_our_manifests_give_as_an_example_is_one(tmp_path: Path) -> None:
    component = Path(__file__).parents[2] / "manifests" / "components" / "policy"
    configmap = yaml.safe_load((component / "fermata-policy-configmap.yaml").read_text())
    for name, text in configmap["data"].items():
        (tmp_path / name).write_text(text)

    policy = read_policy(tmp_path)

    assert [guard.called for _, guard in policy.guards] == ["only-main", "no-weekends"]
