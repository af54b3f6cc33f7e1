"""The demo's commits are real, and nobody's git configuration takes part."""

import os
import subprocess
from pathlib import Path

import pytest

from fermata_hooks.demo.repository import Repository
from fermata_spec.errors import SettingsError

PATH = os.environ.get("PATH", os.defpath)
FIRST = {"dags/orders.yaml": "one\n"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of someone whose own configuration would break every commit."""
    broken = tmp_path / "gitconfig"
    broken.write_text("[commit]\n  gpgSign = true\n[core]\n  hooksPath = /nowhere\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(broken))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    return Repository.create(tmp_path / "repository", path=PATH)


def test_a_commit_is_what_git_says_is_at_its_head(repository: Repository) -> None:
    revision = repository.commit(FIRST, "Add orders")

    env = {"PATH": PATH}
    argv = ["git", "log", "--format=%H %an: %s", "main"]
    log = subprocess.check_output(argv, cwd=repository.folder, env=env, text=True)
    assert log == f"{revision} Dana Engineer: Add orders\n"


def test_a_revert_is_a_new_commit_with_the_old_content(repository: Repository) -> None:
    repository.commit(FIRST, "Add orders")
    second = repository.commit({"dags/orders.yaml": "two\n"}, "Break orders")

    third = repository.revert()

    assert third != second
    assert repository.read("dags/orders.yaml") == "one\n"


def test_changes_name_the_files_of_the_last_commit(repository: Repository) -> None:
    repository.commit(FIRST, "Add orders")

    assert repository.changes() == [
        " dags/orders.yaml | 1 +",
        " 1 file changed, 1 insertion(+)",
    ]


def test_a_machine_without_git_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="git: not found on PATH"):
        Repository.create(tmp_path / "repository", path=str(tmp_path))
