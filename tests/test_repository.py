"""What belongs into the repository, and what does not."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN_NAME = Path(__file__).relative_to(ROOT).as_posix()  # it must name what nobody else may
LARGEST_FILE = 300_000  # bytes; the development lock is the largest by far
LONGEST_MODULE = 350
LONGEST_TEST_MODULE = 700

# A lock or a link that names a registry works on one network only.
REGISTRY = re.compile(
    r"https?://[\w.-]*"
    r"\b(pypi|pythonhosted|registry|proxy|artifactory|nexus|mirrors?|index)\.(?!example)[\w.-]+"
)
# Argo CD has fixed /home/argocd/ for every plugin.
MACHINE = re.compile(r"(?<![\w.~$}])/(root|home/(?!argocd/)\w+|Users/\w+|work)/[\w.]|/tmp/w\b")


def committed() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the one on PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in committed()
        if name != OWN_NAME
        for number, line in enumerate(
            (ROOT / name).read_text("utf-8", errors="replace").splitlines(), start=1
        )
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert lines_that_match(REGISTRY) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert lines_that_match(MACHINE) == []


def test_no_file_is_large() -> None:
    sizes = {name: (ROOT / name).stat().st_size for name in committed()}

    assert {name: size for name, size in sizes.items() if size > LARGEST_FILE} == {}


def test_no_module_is_long() -> None:
    modules = [name for name in committed() if name.endswith(".py")]
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in modules}

    assert {
        name: length
        for name, length in lengths.items()
        if length > (LONGEST_TEST_MODULE if name.startswith("tests/") else LONGEST_MODULE)
    } == {}


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        pytest.param(REGISTRY, "https://files.pythonhosted.org/x", id="a registry's files"),
        pytest.param(REGISTRY, "--index-url https://pypi.corp.test/simple", id="a mirror"),
        pytest.param(MACHINE, "cd /home/ada/fermata", id="a home"),
        pytest.param(MACHINE, 'path = "/root/.cache/fermata"', id="root's cache"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_every_action_of_a_workflow_is_named_by_its_commit_and_its_tag() -> None:
    used = [
        line for line in lines_that_match(re.compile(r"\buses:")) if line.startswith(".github/")
    ]

    pinned = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    assert used
    assert [line for line in used if not pinned.search(line)] == []
