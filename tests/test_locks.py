"""The lock files: firm, without a host, and what pyproject.toml asks for."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
# The extra `airflow` is for an Airflow that is there: its release says which versions.
OURS = [*EXTRAS["hooks"], *EXTRAS["plugin"]]
ASKED = {
    "requirements-build.txt": GROUPS["build"],
    "requirements.txt": OURS,
    "requirements-sbom.txt": GROUPS["sbom"],
    "requirements-dev.txt": [
        *OURS,
        *chain(*(asked for name, asked in GROUPS.items() if name != "sbom")),
    ],
}
ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[\w.+!]+)(?P<rest>[^\n]*(?:\n[ ]{4}[^\n]*)*)", re.MULTILINE
)


def locked(name: str) -> dict[str, re.Match[str]]:
    text = (ROOT / name).read_text("utf-8")
    return {canonicalize_name(entry["name"]): entry for entry in ENTRY.finditer(text)}


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_holds_what_is_asked_for_in_a_version_that_was_asked_for(name: str) -> None:
    entries = locked(name)
    asked = [Requirement(text) for text in ASKED[name]]

    wrong = [
        str(requirement)
        for requirement in asked
        if (entry := entries.get(canonicalize_name(requirement.name))) is None
        or entry["version"] not in requirement.specifier
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ASKED)
def test_every_entry_of_a_lock_has_its_hashes(name: str) -> None:
    entries = locked(name)

    assert [
        entry for entry, match in entries.items() if "--hash=sha256:" not in match["rest"]
    ] == []


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_holds_entries_hashes_and_reasons_only(name: str) -> None:
    rest = ENTRY.sub("", (ROOT / name).read_text("utf-8"))

    assert rest.strip() == ""


def test_people_and_jobs_run_the_versions_that_were_tested() -> None:
    tested = {entry: match["version"] for entry, match in locked("requirements-dev.txt").items()}

    for name in ("requirements.txt", "requirements-build.txt"):
        for entry, match in locked(name).items():
            assert (entry, match["version"]) == (entry, tested[entry])
