"""What one change of a checkout changes in what is rendered, and the sizes."""

from pathlib import Path

import pytest

from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout
from fermata_spec import limits

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"]}
hooks: {emit: false}
"""
TWO = """\
default:
  default_args: {owner: data}
one:
  tasks: {t: {operator: x.Y, bash_command: echo 1}}
two:
  tasks: {t: {operator: x.Y, bash_command: echo 2}}
"""
PYTHON = "from airflow import DAG\nimport tables\n\ndag = DAG('by_python')\n"
SERVER_SIDE = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write(tmp_path, "fermata.yaml", FERMATA_YAML)
    write(tmp_path, "dags/two.yaml", TWO)
    write(tmp_path, "dags/three.yaml", TWO.replace("one:", "three:").replace("two:", "four:"))
    write(tmp_path, "dags/python.py", PYTHON)
    write(tmp_path, "dags/tables.py", "TABLES = []\n")
    return tmp_path


def write(checkout: Path, path: str, text: str) -> None:
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text(text)


def compiled(checkout: Path) -> Compiled:
    made = compile_checkout(str(checkout), Identity("etl", "abc", "airflow"))
    assert made.problems == []
    return made


def digests(checkout: Path) -> dict[str, str]:
    plan = compiled(checkout).plan
    assert plan is not None
    return plan.digests()


NAMING = """\
calls:
  tasks: {t: {operator: x.Y, python_callable: helpers.tables.load}}
selects:
  tasks: {t: {operator: x.Y, sql: sql/select.sql}}
includes:
  tasks: {t: {operator: x.Y, sql: "{% include 'common.sql' %}"}}
neither:
  tasks: {t: {operator: x.Y, sql: select 1}}
"""


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        pytest.param("dags/helpers/tables.py", {"calls"}, id="the module of a callable"),
        pytest.param("dags/helpers/deep.py", {"calls"}, id="what that imports"),
        pytest.param("dags/sql/select.sql", {"selects"}, id="a template"),
        pytest.param("dags/sql/common.sql", {"includes"}, id="a template in a template"),
        pytest.param("dags/sql/other.sql", set(), id="what nobody names"),
    ],
)
def test_a_file_that_a_dag_names_is_a_part_of_it(
    tmp_path: Path, path: str, touched: set[str]
) -> None:
    write(tmp_path, "fermata.yaml", FERMATA_YAML + "lint: {silence: [flat-import]}\n")
    write(tmp_path, "dags/naming.yaml", NAMING)
    write(tmp_path, "dags/helpers/tables.py", "from helpers import deep\n")
    write(tmp_path, "dags/helpers/deep.py", "X = 1\n")
    for name in ("select", "common", "other"):
        write(tmp_path, f"dags/sql/{name}.sql", "select 1;\n")
    before = digests(tmp_path)

    write(tmp_path, path, "from helpers import deep  # changed\n")

    assert changed(before, digests(tmp_path)) == touched


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {dag for dag in before.keys() | after.keys() if before.get(dag) != after.get(dag)}


@pytest.mark.parametrize(
    ("path", "text", "touched"),
    [
        pytest.param("dags/two.yaml", TWO.replace("echo 1", "echo 3"), {"one"}, id="one DAG"),
        pytest.param("dags/two.yaml", f"# why\n{TWO}", set(), id="a comment"),
        pytest.param("dags/two.yaml", TWO.replace("data}", "new}"), {"one", "two"}, id="default"),
        pytest.param("dags/two.yaml", TWO.replace("two:", "2:"), None, id="an id that is none"),
        pytest.param("dags/python.py", f"{PYTHON}\n", {"by_python"}, id="a Python file"),
        pytest.param("dags/tables.py", "TABLES = [1]\n", {"by_python"}, id="what it imports"),
        pytest.param("dags/other.py", "X = 1\n", set(), id="what nobody imports"),
        pytest.param("dags/query.sql", "select 1", {"by_python"}, id="what it may read"),
        pytest.param(
            "dags/defaults.yml",
            "default_args: {retries: 1}\n",
            {"one", "two", "three", "four"},
            id="defaults for all",
        ),
        pytest.param("dags/defaults.yml", "default_args: {owner: other}\n", set(), id="overridden"),
    ],
)
def test_a_change_touches_the_dags_that_it_concerns(
    checkout: Path, path: str, text: str, touched: set[str] | None
) -> None:
    before = digests(checkout)

    write(checkout, path, text)

    if touched is None:
        assert compile_checkout(str(checkout)).problems
    else:
        assert changed(before, digests(checkout)) == touched


def test_a_key_said_by_the_default_or_by_the_dag_is_the_same(checkout: Path) -> None:
    before = digests(checkout)

    moved = TWO.replace("default:\n  default_args: {owner: data}\n", "").replace(
        "  tasks:", "  default_args: {owner: data}\n  tasks:"
    )
    write(checkout, "dags/two.yaml", moved)

    assert changed(before, digests(checkout)) == set()


def test_each_file_is_in_a_configmap_of_its_own_when_asked(checkout: Path) -> None:
    write(
        checkout,
        "fermata.yaml",
        FERMATA_YAML.replace('["dags/**"]', '["dags/**"], layout: per-file'),
    )

    maps = [each for each in compiled(checkout).manifests if each["kind"] == "ConfigMap"]

    assert [set(each["data"]) - {".airflowignore"} for each in maps] == [
        {"python.py"},
        {"tables.py"},
        {"three.yaml.py"},
        {"two.yaml.py"},
    ]
    assert len({each["metadata"]["name"] for each in maps}) == len(maps)


@pytest.mark.parametrize(
    ("size", "annotations"),
    [
        pytest.param(190_000, None, id="small"),
        pytest.param(262_144, SERVER_SIDE, id="too large for a client-side apply"),
        pytest.param(1_000_000, SERVER_SIDE, id="just fits"),
    ],
)
def test_a_large_configmap_is_applied_server_side(
    checkout: Path, size: int, annotations: dict[str, str] | None
) -> None:
    write(checkout, "dags/large.sql", "x" * size)

    first = compiled(checkout).manifests[0]

    assert first["metadata"].get("annotations") == annotations


def test_a_configmap_that_does_not_fit_names_its_files_and_bytes(checkout: Path) -> None:
    write(checkout, "dags/large.sql", "x" * 700_000)
    write(checkout, "dags/other.sql", "ü" * 200_000)

    (problem,) = compile_checkout(str(checkout)).problems

    assert problem.rule == "too-large"
    assert "dags/large.sql 700000, dags/other.sql 400000" in problem.message
    assert str(limits.CONFIGMAP_BYTES.value) in problem.message


def test_what_is_no_utf8_is_binary_data(checkout: Path) -> None:
    (checkout / "dags" / "data.bin").write_bytes(b"\xff\x00")

    first = compiled(checkout).manifests[0]

    assert first["binaryData"] == {"data.bin": "/wA="}
    assert "data.bin" not in first["data"]


def test_kubernetes_manifests_are_no_dags(checkout: Path) -> None:
    write(
        checkout,
        "dags/job.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {tasks: {}}\n---\nkind: Other\n",
    )

    assert set(digests(checkout)) == {"one", "two", "three", "four", "by_python"}


def test_opaque_yaml_is_not_even_parsed_when_asked(checkout: Path) -> None:
    write(
        checkout,
        "fermata.yaml",
        FERMATA_YAML.replace('["dags/**"]', '["dags/**"], format: opaque'),
    )
    write(checkout, "dags/broken.yaml", "{{ jinja }}: [\n")

    assert set(digests(checkout)) == {"by_python"}


def test_dag_factory_alone_means_that_every_yaml_is_checked(checkout: Path) -> None:
    write(
        checkout,
        "fermata.yaml",
        FERMATA_YAML.replace('["dags/**"]', '["dags/**"], format: dag-factory'),
    )
    write(checkout, "dags/other.yaml", "other: 1\n")

    assert [str(each) for each in compile_checkout(str(checkout)).problems] == [
        "dags/other.yaml:1:8: dag-factory: other is not a mapping"
    ]


def sharded(checkout: Path) -> dict[str, object]:
    layout = FERMATA_YAML.replace('["dags/**"]', '["dags/**"], layout: sharded')
    write(checkout, "fermata.yaml", layout)
    return {
        each["metadata"]["name"]: each
        for each in compiled(checkout).manifests
        if each["kind"] == "ConfigMap"
    }


def differing(before: dict[str, object], after: dict[str, object]) -> list[str]:
    assert before.keys() == after.keys()
    return [name for name in before if before[name] != after[name]]


@pytest.mark.slow
def test_a_change_of_one_of_a_thousand_files_changes_one_shard(checkout: Path) -> None:
    for number in range(1000):
        write(checkout, f"dags/team_{number % 7}/{number}.sql", f"select {number};\n")
    before = sharded(checkout)
    assert len(before) == 16

    write(checkout, "dags/team_1/1.sql", "select 'changed';\n" * 10_000)
    changed_one = sharded(checkout)
    write(checkout, "dags/new.sql", "select 'new';\n")
    added_one = sharded(checkout)
    (checkout / "dags" / "team_2" / "2.sql").unlink()

    assert len(differing(before, changed_one)) == 1
    assert len(differing(changed_one, added_one)) == 1
    assert len(differing(added_one, sharded(checkout))) == 1


def test_an_empty_shard_is_there_for_the_volume_that_names_it(checkout: Path) -> None:
    names = sorted(sharded(checkout))

    assert names == [f"fermata-shard-{number:02}-etl" for number in range(16)]


def test_where_nothing_matches_what_is_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "fermata.yaml").write_text(
        "apiVersion: fermata.dev/v1alpha1\nkind: Fermata\nairflow: {url: http://a}\n"
        'files: {include: ["dags/*.yaml"]}\n'
    )

    def told() -> str:
        (problem,) = compile_checkout(str(tmp_path)).problems
        return problem.message

    assert told() == "no file of the checkout matches: there is no other file here"
    for number in range(5):
        (tmp_path / f"{number}.yml").touch()
    assert told().endswith(": there is 0.yml, 1.yml, 2.yml and 2 more")
