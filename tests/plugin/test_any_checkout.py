"""Whatever stands in a checkout: problems with places, or manifests that read back. No exception.

Texts are made from those of the golden folders: cut, mixed, and sprinkled with what YAML and
Python give a meaning.
"""

import shutil
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fermata_plugin.choice import NO_CHOICE, Choice
from fermata_plugin.dump import dump
from fermata_plugin.planning import Identity
from fermata_plugin.render import compile_checkout
from fermata_spec.rules import RULES

GOLDEN = Path(__file__).parent.parent / "golden"
SEEDS = sorted(
    path.read_text(errors="replace")
    for path in GOLDEN.rglob("*")
    if path.suffix in {".yaml", ".py"} and path.name != "expected.yaml"
)
PIECES = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "&a ",
    "*a",
    "<<: *a",
    "!!x ",
    "|",
    "'",
    '"',
]
PIECES += [
    "\t",
    "#",
    "default:",
    "tasks:",
    "dependencies: [a]",
    "DAG(",
    "@dag",
    "\x85",
    "\u2028",
    "0x",
    "~",
]
SMALLEST = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["**/*"]}
"""


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return a seed after some edits."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 20)))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=3))
        text = text[:at] + piece + text[at if draw(st.booleans()) else end :]
    return text.encode("utf-8", "replace").decode()


names = st.sampled_from(["dags/a.yaml", "dags/b.yml", "dags/c.py", "dags/defaults.yml", "d.sql"])
checkouts = st.dictionaries(names, mutated() | st.binary(max_size=30), max_size=4)


def judge(files: dict[str, str | bytes], fermata_yaml: str, choice: Choice = NO_CHOICE) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        (root / "env" / "dags").mkdir(parents=True)
        (root / "dags").mkdir()
        (root / "fermata.yaml").write_text(fermata_yaml)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (root / name).write_bytes(data)
        compiled = compile_checkout(str(root), Identity("etl", "abc", "airflow"), choice=choice)
        for problem in compiled.problems:
            assert problem.rule in RULES
            assert problem.line >= 1
            assert problem.column >= 1
            assert "\n" not in str(problem)
        if not any(problem.severity == "error" for problem in compiled.problems):
            written = dump(compiled.manifests)
            assert list(yaml.load_all(written, yaml.CSafeLoader)) == list(compiled.manifests)
    finally:
        shutil.rmtree(root)


@pytest.mark.parametrize("content", [b"", b"~", b"3", b"true", b"a", b"[1]", b"# nothing"])
def test_a_dag_factory_file_without_dags_is_a_finding(content: bytes, tmp_path: Path) -> None:
    """Found by the many checkouts below: an empty file ended in a traceback."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.yaml").write_bytes(content)
    chosen = SMALLEST.replace('["**/*"]', '["dags/*"], format: dag-factory')
    (tmp_path / "fermata.yaml").write_text(chosen)

    compiled = compile_checkout(str(tmp_path), Identity("etl", "abc", "airflow"))

    assert [str(each) for each in compiled.problems if each.severity == "error"] == [
        "dags/a.yaml:1:1: dag-factory: not a mapping of DAG ids to DAGs"
    ]


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(checkouts)
def test_any_files_give_problems_or_manifests(files: dict[str, str | bytes]) -> None:
    judge(files, SMALLEST)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_any_fermata_yaml_gives_problems_or_manifests(text: str) -> None:
    judge({"dags/a.yaml": "a:\n  tasks: {t: {operator: x.Y}}\n"}, text)


OVERLAID = SMALLEST.replace("**/*", "dags/**") + "environments: {prod: {overlay: env}}\n"
overlays = st.dictionaries(
    st.sampled_from(
        [
            *("fermata.merge.yaml", "dags/a.merge.yaml", "dags/b.merge.yml", "dags/c.py"),
            *("dags/defaults.merge.yml", "dags/a.yaml", "dags/e.yaml"),
        ]
    ).map(lambda name: f"env/{name}"),
    mutated() | st.binary(max_size=30),
    min_size=1,
    max_size=3,
)
parameters = st.dictionaries(
    st.sampled_from(["airflow.url", "hooks.image", "airflow.credentials.secret"]) | st.text(),
    st.text(min_size=1),
    max_size=2,
)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(checkouts, overlays, parameters)
def test_any_overlay_and_parameters_give_problems_or_manifests(
    files: dict[str, str | bytes], overlay: dict[str, str | bytes], given: dict[str, str]
) -> None:
    judge(files | overlay, OVERLAID, Choice(environment="prod", parameters=given))


@pytest.mark.long
@settings(max_examples=3000, suppress_health_check=[HealthCheck.too_slow])
@given(checkouts, overlays, parameters)
def test_many_overlays_and_parameters_give_problems_or_manifests(
    files: dict[str, str | bytes], overlay: dict[str, str | bytes], given: dict[str, str]
) -> None:
    judge(files | overlay, OVERLAID, Choice(environment="prod", parameters=given))


@pytest.mark.long
@settings(max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
@given(checkouts, mutated() | st.just(SMALLEST))
def test_many_checkouts_give_problems_or_manifests(
    files: dict[str, str | bytes], fermata_yaml: str
) -> None:
    judge(files, fermata_yaml)
