"""A checkout that somebody wrote to do harm: a finding or a right render, and soon."""

import os
import socket
from pathlib import Path

import pytest

from fermata_plugin.render import compile_checkout
from fermata_spec import limits

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"]}
"""
DAG = "a:\n  tasks: {t: {operator: x.Y}}\n"

# What nobody bounds takes hours, not seconds.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A sound checkout in a folder of its own, with a secret beside it."""
    folder = tmp_path / "checkout"
    (folder / "dags").mkdir(parents=True)
    (folder / "fermata.yaml").write_text(FERMATA_YAML)
    (folder / "dags" / "a.yaml").write_text(DAG)
    (tmp_path / "secret").write_text("hunter2")
    return folder


def found(checkout: Path) -> list[tuple[str, str]]:
    return [(problem.file, problem.rule) for problem in compile_checkout(str(checkout)).problems]


def test_a_sound_checkout_has_no_problem(checkout: Path) -> None:
    assert found(checkout) == []


@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "../../checkout/../secret"])
def test_a_link_out_of_the_checkout_is_not_read(checkout: Path, target: str) -> None:
    (checkout / "dags" / "b.sql").symlink_to(target)

    assert found(checkout) == [("dags/b.sql", "symlink")]
    assert "hunter2" not in str(compile_checkout(str(checkout)))


def test_a_link_within_the_checkout_is_the_file_it_leads_to(checkout: Path) -> None:
    (checkout / "shared.sql").write_text("select 1;\n")
    (checkout / "dags" / "b.sql").symlink_to("../shared.sql")

    compiled = compile_checkout(str(checkout))

    assert compiled.problems == []
    assert compiled.manifests[0]["data"]["b.sql"] == "select 1;\n"


def test_a_checkout_reached_by_a_link_is_read(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout)

    assert found(tmp_path / "link") == []


def test_a_fermata_yaml_that_leads_out_is_not_read(checkout: Path) -> None:
    (checkout / "fermata.yaml").unlink()
    (checkout / "fermata.yaml").symlink_to("../secret")

    assert found(checkout) == [("fermata.yaml", "symlink")]


def test_a_defaults_file_that_leads_out_is_not_read(checkout: Path) -> None:
    (checkout / "dags" / "defaults.yml").symlink_to("../../secret")

    assert ("dags/defaults.yml", "symlink") in found(checkout)


@pytest.mark.parametrize("target", ["b.sql", "../dags/b.sql", "nowhere"])
def test_a_link_to_itself_or_to_nothing_is_a_finding(checkout: Path, target: str) -> None:
    (checkout / "dags" / "b.sql").symlink_to(target)

    assert found(checkout) == [("dags/b.sql", "unreadable")]


def test_a_folder_that_links_to_its_own_parent_ends(checkout: Path) -> None:
    (checkout / "dags" / "again").symlink_to("..")

    assert found(checkout) == [("dags/again", "symlink")]


def test_a_fifo_is_not_waited_for(checkout: Path) -> None:
    os.mkfifo(checkout / "dags" / "b.sql")

    assert found(checkout) == [("dags/b.sql", "not-a-file")]


def test_a_socket_is_not_opened(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout / "dags")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("b.sql")

        assert [file for file, _ in found(checkout)] == ["dags/b.sql"]


def test_a_link_to_a_device_is_not_read(checkout: Path) -> None:
    (checkout / "dags" / "b.sql").symlink_to("/dev/zero")

    assert found(checkout) == [("dags/b.sql", "symlink")]


@pytest.mark.parametrize("name", [b"a\nb.sql", b"a\x1b[2Jb.sql", b"\xff\xfe.sql", b"a\x7f.sql"])
def test_a_name_that_no_line_could_show_is_a_finding(checkout: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(checkout) + b"/dags/" + name))).write_text("x")

    problems = compile_checkout(str(checkout)).problems

    assert [problem.rule for problem in problems] == ["path"]
    assert str(problems[0]).isprintable()


def test_a_huge_sparse_file_is_not_read(checkout: Path) -> None:
    with (checkout / "dags" / "b.bin").open("wb") as file:
        file.truncate(1 << 30)

    assert found(checkout) == [("dags/b.bin", "limit")]


def test_all_files_together_are_bounded(checkout: Path) -> None:
    for number in range(limits.TOTAL_BYTES.value // limits.FILE_BYTES.value + 1):
        with (checkout / "dags" / f"{number}.bin").open("wb") as file:
            file.truncate(limits.FILE_BYTES.value)

    assert ("dags/9.bin", "limit") in found(checkout)


def test_deep_folders_are_a_finding(checkout: Path) -> None:
    folder = checkout / "dags"
    for _ in range(limits.FOLDER_DEPTH.value + 1):
        folder = folder / "x"
        folder.mkdir()

    assert [rule for _, rule in found(checkout)] == ["limit"]


@pytest.mark.slow
def test_too_many_files_are_one_finding(checkout: Path) -> None:
    for number in range(limits.FILES.value + 1):
        (checkout / "dags" / f"{number}.sql").touch()

    assert [rule for _, rule in found(checkout)] == ["limit"]


YAML_BOMBS: dict[str, str] = {
    "aliases": "a0: &a0 [x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)),
    "depth": "- " * 100_000,
    "flow depth": "[" * 100_000,
    "mapping depth": "".join(f"{' ' * n}a:\n" for n in range(1_000)),
    "open quotes": 'a: "' + "x" * 900_000,
    "many values": "[" + "x, " * 300_000 + "x]",
    "long key": "? " + "k" * 900_000 + "\n: v\n",
    "many merges": "a: &a {x: 1}\nb: {<<: [" + "*a, " * 100_000 + "*a]}\n",
    "a number": f"a: {'9' * 900_000}\n",
    "an underscore number": f"a: 1{'_' * 900_000}\n",
    "sexagesimal": f"a: 1{':59' * 200_000}\n",
    "anchors": "".join(f"- &a{n} x\n" for n in range(90_000)),
    "NUL bytes": "a: \0\0\0\n",
    "byte order marks": "\ufeff\ufeffa: b\n",
    "directives": "%YAML 9.9\n%TAG ! tag:x,2000:\n---\na: b\n",
    "tags": "a: " + "!x " * 10 + "b\n",
}


@pytest.mark.parametrize("bomb", YAML_BOMBS.values(), ids=YAML_BOMBS)
@pytest.mark.parametrize("name", ["fermata.yaml", "dags/b.yaml"])
def test_a_yaml_bomb_ends_soon(checkout: Path, name: str, bomb: str) -> None:
    (checkout / name).write_bytes(bomb.encode())

    compile_checkout(str(checkout))


PYTHON_BOMBS: dict[str, str] = {
    "parentheses": "airflow = dag = " + "(" * 50_000,
    "unary": "airflow = dag = " + "-" * 50_000 + "1",
    "attributes": "airflow.dag" + ".x" * 50_000,
    "binary": "airflow = dag = " + "1+" * 50_000 + "1",
    "nested functions": "".join(f"{' ' * n}def dag{n}(airflow):\n" for n in range(90))
    + " " * 90
    + "pass",
    "NUL": "airflow = dag = '\0'",
    "a coding that is none": "# -*- coding: nonsense -*-\nairflow = dag = 1\n",
    "a huge number": f"airflow = dag = {'9' * 500_000}",
    "many calls": "from airflow import DAG\n" + "dag = DAG('a')\n" * 8_000,
}


@pytest.mark.parametrize("bomb", PYTHON_BOMBS.values(), ids=PYTHON_BOMBS)
def test_a_python_bomb_ends_soon(checkout: Path, bomb: str) -> None:
    (checkout / "dags" / "b.py").write_text(bomb)

    compile_checkout(str(checkout))


def test_nothing_of_a_checkout_is_run(checkout: Path, tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for name in ("conftest.py", "sitecustomize.py", "yaml.py", "click.py"):
        (checkout / name).write_text(trap)
    (checkout / "dags" / "b.py").write_text(f"# airflow dag\n{trap}")
    (checkout / "dags" / "c.yaml").write_text(
        f"c:\n  tasks: {{t: {{operator: !!python/object/apply:eval [{trap!r}]}}}}\n"
    )

    problems = compile_checkout(str(checkout)).problems

    assert not (tmp_path / "ran").exists()
    assert [problem.rule for problem in problems] == ["yaml-tag"]


@pytest.mark.parametrize("pattern", ["../**", "/etc/*", "dags/../../*", "..\\\\x"])
def test_a_pattern_that_leaves_the_checkout_is_refused(checkout: Path, pattern: str) -> None:
    (checkout / "fermata.yaml").write_text(FERMATA_YAML.replace("dags/**", pattern))

    assert found(checkout) == [("fermata.yaml", "value")]


@pytest.mark.parametrize("data", [b"a: \xff\n", b"\xfe\xff\x00a", b"\x00"])
def test_a_configuration_that_is_no_utf8_is_a_finding(checkout: Path, data: bytes) -> None:
    (checkout / "dags" / "b.yaml").write_bytes(data)

    assert found(checkout) in (
        [("dags/b.yaml", "not-utf8")],
        [("dags/b.yaml", "yaml-syntax")],
    )
