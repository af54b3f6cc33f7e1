"""The model of ``fermata.yaml``: defaults, kinds, and what is refused (golden folders say how)."""

from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from fermata_spec.config import Config
from fermata_spec.config_reader import read_config
from fermata_spec.plan import HoldPolicy, Selector, SmokePolicy, VerifyPolicy
from fermata_spec.sections import Section, SectionKind

if TYPE_CHECKING:
    from fermata_spec.problems import Problem

SMALLEST = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"]}
"""


def read(more: str = "") -> Config:
    problems: list[Problem] = []
    found = read_config(SMALLEST + more, problems)
    assert found is not None
    assert problems == []
    return found.config


def refused(more: str) -> list[str]:
    problems: list[Problem] = []
    read_config(SMALLEST + more, problems)
    return [f"{problem.rule}: {problem.message}" for problem in problems]


def test_everything_but_address_and_files_has_a_default() -> None:
    config = read()

    assert config.files.layout == "single"
    assert config.files.form == "auto"
    assert config.airflow.credentials is None
    assert config.hooks.emit


def test_the_defaults_are_those_of_the_plan() -> None:
    config = read()

    hold, verify, smoke = HoldPolicy(), VerifyPolicy(), SmokePolicy()
    assert config.hold.select == hold.select
    assert config.hold.exclude.selector() == hold.exclude
    assert config.hold.drain.deadline == hold.drain_deadline
    assert config.hold.drain.on_deadline == hold.on_deadline
    assert (config.hold.lease, config.hold.late) == (hold.lease, hold.late)
    assert config.hold.on_failure == hold.on_failure
    for name in ("deadline", "settle", "max_lost", "serialize_lag", "mount_lag"):
        assert getattr(config.verify, name) == getattr(verify, name)
    assert config.smoke.deadline == smoke.deadline


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        pytest.param("all", Selector(mode="all"), id="all"),
        pytest.param("affected", Selector(mode="affected"), id="affected"),
        pytest.param(
            "{tags: [etl], dag_ids: [a]}",
            Selector(mode="listed", tags=("etl",), dag_ids=("a",)),
            id="a list",
        ),
    ],
)
def test_a_selection_is_a_word_or_lists(text: str, selector: Selector) -> None:
    assert read(f"hold: {{select: {text}}}\n").hold.select == selector


@pytest.mark.parametrize(
    "url",
    ["airflow:8080", "ftp://airflow", "http://", "http://airflow:port", "https://[airflow"],
)
def test_an_address_that_is_no_url_is_refused(url: str) -> None:
    problems: list[Problem] = []

    read_config(SMALLEST.replace("http://airflow:8080", url), problems)

    assert [problem.rule for problem in problems] == ["value"]


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    problems: list[Problem] = []

    read_config(SMALLEST.replace("http://", "http://admin:hunter2@"), problems)

    assert [problem.rule for problem in problems] == ["value"]
    assert "hunter2" not in str(problems[0])


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("expects: {}\n", id="a key of a later release"),
        pytest.param("hooks: {post: separate}\n", id="a value of a later release"),
        pytest.param("delivery: git-sync\n", id="a delivery of a later release"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(more: str) -> None:
    assert [line.partition(":")[0] for line in refused(more)] == ["not-implemented"]


@pytest.mark.parametrize("mount", ["/opt", "../x", "a//b", ".."])
def test_a_mount_stays_below_the_dags_folder(mount: str) -> None:
    problems: list[Problem] = []
    text = SMALLEST.replace('include: ["dags/**"]', f'include: ["dags/**"], mount: "{mount}"')

    read_config(text, problems)

    assert [problem.rule for problem in problems] == ["value"]


def test_a_conf_is_json() -> None:
    assert refused("smoke: {dags: [{dag_id: a, conf: {day: 2024-01-01}}]}\n") == [
        "type: a mapping is not a mapping that JSON can hold"
    ]


def test_a_section_is_not_changed_once_it_is_read() -> None:
    config = read()

    with pytest.raises(AttributeError, match=r"Files\.layout"):
        config.files.layout = "per-file"  # type: ignore[misc]


def test_the_schema_is_valid_and_takes_what_the_reader_takes() -> None:
    schema = SectionKind(Config).schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SMALLEST), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(SMALLEST) | {"holdd": {}}, schema)


def sections(cls: type[Section]) -> list[type[Section]]:
    found = [cls]
    for _, declared in cls.declared.values():
        kind: Any = declared.kind
        inner = getattr(kind, "kind", kind)
        if isinstance(inner, SectionKind):
            found += sections(inner.cls)
    return found


def test_every_key_has_help_and_a_default_that_its_kind_takes() -> None:
    for section in sections(Config):
        for name, (_, declared) in section.declared.items():
            assert declared.help.endswith("."), name
            if declared.default is not ...:
                declared.default_value()
