"""The model of ``fermata.yaml``: defaults, kinds, and what is refused (golden folders say how)."""

from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from fermata_spec.config import Config
from fermata_spec.config_reader import read_config
from fermata_spec.plan import HoldPolicy, ReleasePolicy, SmokePolicy, VerifyPolicy
from fermata_spec.sections import Section, SectionKind
from fermata_spec.selectors import Selector, Wanted

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
    release = ReleasePolicy()
    assert config.hold.select == Wanted(hold.select)
    assert config.hold.exclude == hold.exclude
    assert config.hold.drain.deadline == hold.drain_deadline
    for name in ("on_deadline", "extend_to", "wait_for_deferred"):
        assert getattr(config.hold.drain, name) == getattr(hold, name)
    for name in ("limit", "over_limit", "stagger"):
        assert getattr(config.release, name) == getattr(release, name)
    assert (config.hold.lease, config.hold.late) == (hold.lease, hold.late)
    assert config.hold.on_failure == hold.on_failure
    for name in ("deadline", "settle", "max_lost", "serialize_lag", "mount_lag", "parse_budget"):
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
            id="a mapping of lists",
        ),
        pytest.param("tag:etl", Selector(mode="listed", tags=("etl",)), id="an expression"),
        pytest.param("[affected, etl_*]", Selector(mode="affected", globs=("etl_*",)), id="a list"),
    ],
)
def test_a_selection_is_an_expression_a_list_of_them_or_lists(
    text: str, selector: Selector
) -> None:
    assert read(f"hold: {{select: {text}}}\n").hold.select == Wanted(selector)


def test_what_a_selection_excludes_and_what_is_excluded_anyway_are_told_apart() -> None:
    hold = read("hold: {select: [all, '!tag:slow'], exclude: 'owner:bob'}\n").hold

    assert hold.select.exclude == Selector(mode="listed", tags=("slow",))
    assert hold.exclude == Selector(mode="listed", owners=("bob",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("select: 7", "type: 7 is not a selector like", id="a number"),
        pytest.param("select: []", "value: nothing is selected", id="an empty list"),
        pytest.param("select: ['!a']", "value: nothing is selected", id="exclusions alone"),
        pytest.param("select: [a b]", "value: 'a b' is neither a DAG id nor", id="no id"),
        pytest.param("select: ['tags:a']", "(did you mean tag?)", id="an unknown kind"),
        pytest.param("exclude: affected", "affected cannot be excluded", id="not of its own"),
        pytest.param("select: {tag: [a]}", "unknown-key: tag", id="an unknown list"),
    ],
)
def test_a_wrong_selection_is_told_as_what_it_is(text: str, said: str) -> None:
    (problem,) = refused(f"hold: {{{text}}}\n")

    assert said in problem


def test_an_extension_must_be_longer_than_what_it_extends() -> None:
    drain = "drain: {deadline: 20m, on_deadline: extend, extend_to: 10m}"

    (problem,) = refused(f"hold: {{{drain}}}\n")

    assert "hold.drain.extend_to 10m is shorter than hold.drain.deadline 20m" in problem


def test_a_lease_covers_a_release_that_is_staggered() -> None:
    assert refused("hold: {lease: 45m}\nrelease: {stagger: 5s}\n") == []

    (problem,) = refused("hold: {lease: 35m}\nrelease: {stagger: 5s}\n")

    assert "late 5m, stagger 10m" in problem


def test_a_lease_covers_the_drain_that_is_extended() -> None:
    (problem,) = refused("hold: {drain: {on_deadline: extend, extend_to: 50m}}\n")

    assert "hold.lease 1h is shorter than a sync may take: drain 50m" in problem


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


@pytest.mark.parametrize(
    ("argocd", "missing"),
    [
        ("{url: 'https://argocd.example'}", "credentials"),
        ("{credentials: {secret: fermata-argocd}}", "url"),
    ],
    ids=["no credentials", "no address"],
)
def test_address_and_credentials_of_argo_cd_go_together(argocd: str, missing: str) -> None:
    (problem,) = refused(f"argocd: {argocd}\n")

    assert problem.startswith("missing-key: argocd.")
    assert problem.endswith(f"needs argocd.{missing} beside it")
