"""Checkouts that were written to do harm, rendered by the command itself: 5 s, 200 MiB, one answer.

Each takes less than 5 s on a quiet machine. The bound here is wider, and in processor time, so that
a busy machine fails no test, and what grows with the square of its input still does.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

FERMATA = str(Path(sys.executable).with_name("fermata"))
FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/**"], layout: sharded, shards: 99}
"""
TASKS = "{tasks: {t: {operator: x.Y}}}"
# Argo CD ends a plugin's command after 90 s; what nobody bounds takes hours.
DEADLINE, MEBIBYTES = 90.0, 200

pytestmark = pytest.mark.slow


class Ended(NamedTuple):
    code: int
    stdout: bytes
    stderr: str
    mebibytes: float


# A process of its own in between: a child begins with the peak of the process that forked it, and
# that of many tests is above any bound here.
COUNTED = """\
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cost = [code, used.ru_maxrss / 1024]
open(sys.argv[1], "w").write(json.dumps(cost))
"""


def render(checkout: Path, **environment: str) -> Ended:
    command = [FERMATA, "render", "--application", "etl", "--revision", "abc"]
    with tempfile.NamedTemporaryFile() as cost:
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, cost.name, *command],
            check=True,
            cwd=checkout,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
        )
        code, mebibytes = json.load(cost)
    return Ended(code, done.stdout, done.stderr.decode(), mebibytes)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "fermata.yaml").write_text(FERMATA_YAML)
    (tmp_path / "dags" / "sound.yaml").write_text(f"sound: {TASKS}\n")
    return tmp_path


def sparse_gibibyte(dags: Path) -> None:
    with (dags / "a.bin").open("wb") as file:
        file.truncate(1 << 30)


def billion_aliases(dags: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (dags / "a.yaml").write_text("\n".join(lines))


def aliases_of_a_long_text(dags: Path) -> None:
    many = ", ".join(["*a"] * 900)
    text = f"d:\n  doc_md: &a {'x' * 900_000}\n  tasks: {{t: {{operator: x.Y, q: [{many}]}}}}\n"
    (dags / "a.yaml").write_text(text)


def long_default_for_many_dags(dags: Path) -> None:
    many = "".join(f"d{number}: {TASKS}\n" for number in range(6_000))
    (dags / "a.yaml").write_text(f"default: {{doc_md: {'x' * 800_000}}}\n{many}")


def long_defaults_for_many_files(dags: Path) -> None:
    (dags / "defaults.yml").write_text(f"default_args: {{doc: {'x' * 800_000}}}\n")
    for number in range(500):
        (dags / f"{number}.yaml").write_text(f"d{number}: {TASKS}\n")


def many_defaults_for_many_files(dags: Path) -> None:
    many = ", ".join(f"k{number}: {number}" for number in range(40_000))
    (dags / "defaults.yml").write_text(f"default_args: {{{many}}}\n")
    for number in range(500):
        (dags / f"{number}.yaml").write_text(f"d{number}: {TASKS}\n")


def ten_thousand_levels(dags: Path) -> None:
    (dags / "a.yaml").write_text("- " * 10_000)
    (dags / "b.yaml").write_text("[" * 10_000)


def thousands_of_unknown_dependencies(dags: Path) -> None:
    many = "".join(f"    t{n}: {{operator: x.Y, dependencies: [z{n}]}}\n" for n in range(8_000))
    (dags / "a.yaml").write_text(f"d:\n  tasks:\n{many}")


def names_without_end(dags: Path) -> None:
    for number in range(3_000):
        (dags / str(number)).mkdir()
        (dags / str(number) / "x.sql").touch()
    named = "x.sql " * 100_000
    (dags / "a.yaml").write_text(f"d: {{tasks: {{t: {{operator: x.Y, sql: '{named}'}}}}}}\n")


def keys_that_clash(dags: Path) -> None:
    (dags / "a.yaml").write_text(f"a: {TASKS}\n")
    (dags / "a.yaml.py").write_text("X = 1\n")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a sparse file of 1 GiB": (sparse_gibibyte, "dags/a.bin:1:1: limit: 1073741824 bytes"),
    "a billion aliases": (billion_aliases, "limit: more than 100000 values"),
    "aliases of a long text": (aliases_of_a_long_text, "limit: more than 4194304 characters"),
    "a long default": (long_default_for_many_dags, "limit: more than 67108864 characters"),
    "long defaults": (long_defaults_for_many_files, "limit: more than 67108864 bytes"),
    "many defaults": (many_defaults_for_many_files, "limit: more than 67108864 characters"),
    "10,000 levels": (ten_thousand_levels, "limit: more than 64 levels"),
    "unknown dependencies": (thousands_of_unknown_dependencies, "and 7900 more"),
    "keys that clash": (keys_that_clash, "becomes a.yaml.py, and so does"),
}


@pytest.mark.long  # it is their making that takes long
def test_a_hundred_thousand_files_are_one_finding(checkout: Path) -> None:
    for number in range(100_000):
        os.close(os.open(checkout / "dags" / f"{number}.sql", os.O_CREAT | os.O_WRONLY))

    assert_refused(checkout, "limit: 100001 files")


@pytest.mark.parametrize(("make", "told"), REFUSED.values(), ids=REFUSED)
def test_it_ends_soon_and_small_with_a_finding(
    checkout: Path, make: Callable[[Path], None], told: str
) -> None:
    make(checkout / "dags")

    assert_refused(checkout, told)


def assert_refused(checkout: Path, told: str) -> None:
    ended = render(checkout)

    assert ended.code == 2
    assert ended.stdout == b""
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert all(len(line) <= 500 for line in ended.stderr.splitlines())
    assert ended.mebibytes < MEBIBYTES


def test_names_without_end_are_looked_up_once_each(checkout: Path) -> None:
    names_without_end(checkout / "dags")

    ended = render(checkout)

    assert ended.code == 0
    assert ended.mebibytes < MEBIBYTES


def test_a_device_file_is_not_opened(checkout: Path) -> None:
    try:
        os.mknod(checkout / "dags" / "zero.sql", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes device files")

    ended = render(checkout)

    assert ended.code == 2
    assert ended.stderr.startswith("dags/zero.sql:1:1: ")


def test_settings_of_argo_cd_in_git_change_nothing_by_themselves(checkout: Path) -> None:
    before = render(checkout)
    source = {"plugin": {"parameters": [{"name": "airflow.url", "string": "http://elsewhere"}]}}
    for name in (".argocd-source.yaml", ".argocd-source-etl.yaml"):
        (checkout / name).write_text(json.dumps(source))
        (checkout / "dags" / name).write_text(json.dumps(source))

    assert render(checkout).stdout == before.stdout != b""


def test_a_hostile_parameter_is_one_line(checkout: Path) -> None:
    hostile = [{"name": "hooks.image", "string": "$(touch ran); rm -rf / \n--- {}\x1b[2J"}]

    ended = render(checkout, ARGOCD_APP_PARAMETERS=json.dumps(hostile))

    assert ended.code == 2
    assert ended.stdout == b""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.strip().isprintable()
    assert sorted(path.name for path in checkout.iterdir()) == ["dags", "fermata.yaml"]
