"""Git revisions as the sides of ``fermata diff``: a real repository, and nothing of it is run."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fermata_cli.frame import run

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {url: "http://airflow:8080"}
files: {include: ["dags/*.yaml"]}
"""
DAG = "%s:\n  tasks: {load: {operator: a.B}}\n"


def _git() -> str:
    found = shutil.which("git")
    assert found is not None
    return found


class Repository:
    """A git repository in a folder, with an application in ``team/etl``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.application = folder / "team" / "etl"
        (self.application / "dags").mkdir(parents=True)
        self.git("init", "-q", "--initial-branch=main")

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        identity = {
            f"GIT_{who}_{what}": "ana@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            [_git(), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **alone, **identity},
            input=given,
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str]) -> str:
        for name, text in files.items():
            (self.application / name).parent.mkdir(parents=True, exist_ok=True)
            (self.application / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def tree(self, *rows: str) -> str:
        """Commit a tree with these rows in place of the application, as no checkout could."""
        made = self.git("mktree", "--missing", given="".join(f"{row}\n" for row in rows).encode())
        return self.git("commit-tree", "-m", "x", made)

    def blob(self, text: str) -> str:
        return self.git("hash-object", "-w", "--stdin", given=text.encode())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    made = Repository(tmp_path / "repository")
    made.commit({"fermata.yaml": FERMATA_YAML, "dags/a.yaml": DAG % "a"})
    monkeypatch.chdir(made.application)

    yield made

    assert list(temporary.iterdir()) == []  # whatever happened


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Return the change of each DAG."""
    code = run(["diff", *arguments, "--format", "json"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return {dag["dag_id"]: dag["change"] for dag in json.loads(out)["affected"]}


def test_a_revision_is_compared_with_what_is_not_committed_yet(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository.application / "dags" / "b.yaml").write_text(DAG % "b")

    assert told(capsys, "HEAD") == {"b": "added"}


def test_two_revisions_are_compared_whatever_lies_in_the_folder(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit({"dags/b.yaml": DAG % "b"})
    (repository.application / "dags" / "c.yaml").write_text("not: [yaml")

    assert told(capsys, "HEAD^", "HEAD") == {"b": "added"}
    assert told(capsys, "HEAD", "HEAD^") == {"b": "removed"}


def test_from_the_top_the_path_is_given(
    repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"dags/b.yaml": DAG % "b"})
    monkeypatch.chdir(repository.folder)

    assert told(capsys, "HEAD^", "HEAD", "--path", "team/etl") == {"b": "added"}
    assert told(capsys, "HEAD^", ".", "--path", "team/etl/") == {"b": "added"}


def test_what_others_merged_meanwhile_is_left_out_by_the_merge_base(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"dags/mine.yaml": DAG % "mine"})
    repository.git("checkout", "-q", "main")
    repository.commit({"dags/theirs.yaml": f"{DAG % 'theirs'}  catchup: true\n"})

    assert told(capsys, "main", "feature") == {"mine": "added", "theirs": "removed"}
    assert told(capsys, "main", "feature", "--merge-base") == {"mine": "added"}


def test_before_the_folder_was_there_is_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = repository.tree()

    assert told(capsys, empty, "HEAD") == {"a": "added"}


@pytest.mark.usefixtures("repository")
def test_variables_of_a_git_hook_do_not_lead_astray(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))

    assert told(capsys, "HEAD") == {}


def test_nothing_of_the_checkout_is_run(
    repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    command = f"touch {witness}; cat"
    repository.commit(
        {
            ".gitattributes": "* filter=evil export-subst\ndags/a.yaml export-ignore\n",
            "dags/b.yaml": DAG % "b",
        }
    )
    for name in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.pager"):
        repository.git("config", name, command)
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        script = repository.folder / ".git" / "hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {witness}\n")
        script.chmod(0o755)

    assert told(capsys, "HEAD^", "HEAD") == {"b": "added"}
    assert not witness.exists()


def test_a_link_is_a_link_and_leads_nowhere_else(
    repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(DAG % "secret")
    (repository.application / "dags" / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    repository.commit({})

    code = run(["diff", "HEAD^", "HEAD"])

    assert code == 2
    assert "HEAD: dags/out.yaml:1:1: symlink: leads out of the checkout" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(["100644 blob {b}\t.."], id="the folder above"),
        pytest.param(["040000 tree {t}\t.git"], id="a repository inside"),
        pytest.param(["120000 blob {l}\tdags", "040000 tree {t}\tdags"], id="a link and a folder"),
        pytest.param(["100644 blob {b}\tdags", "040000 tree {t}\tdags"], id="a file and a folder"),
        pytest.param(["100644 blob {b}\tone", "100644 blob {b}\tone"], id="a name twice"),
    ],
)
def test_a_tree_that_git_would_not_check_out_is_refused(
    rows: list[str], repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    made = {
        "b": repository.blob(DAG % "evil"),
        "l": repository.blob(str(outside)),
        "t": repository.git("rev-parse", "HEAD:team/etl/dags"),
    }
    revision = _raw_tree(repository, [row.format(**made) for row in rows])

    code = run(["diff", revision, "HEAD", "--path", "."])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert list(outside.iterdir()) == []


def _raw_tree(repository: Repository, rows: list[str]) -> str:
    """Return a commit with a tree that ``git mktree`` would mend or refuse."""
    content = b""
    for row in rows:
        mode, _, rest = row.split(" ", 2)
        name, path = rest.split("\t")
        content += f"{mode.lstrip('0')} {path}\0".encode() + bytes.fromhex(name)
    tree = repository.git(
        "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=content
    )
    return repository.git("commit-tree", "-m", "x", tree)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: neither a folder nor a git revision: git does not know it"),
        (["--", "--output=x"], "'--output=x': neither a folder nor a git revision"),
        (["a\nb"], "'a\\nb': neither a folder nor a git revision"),
        ([""], "'': neither a folder nor a git revision"),
        (["HEAD:dags"], "HEAD:dags: neither a folder nor a git revision"),
        (["dags", "HEAD", "--merge-base"], "--merge-base: dags is a folder, not a git revision"),
        (["HEAD", "--path", "../other"], "--path: '../other' is not a folder inside the sides"),
        (["HEAD", "--path", "/etc"], "--path: '/etc' is not a folder inside the sides"),
    ],
)
def test_what_is_no_side_is_refused_in_one_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["diff", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert len(err.splitlines()) == 1


def test_outside_of_a_repository_only_folders_are_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(["diff", "main"]) == 2
    assert "not a git repository" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_without_git_folders_can_be_compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert told(capsys, ".", ".") == {}
    assert run(["diff", "HEAD"]) == 2
    assert "git: not found on PATH" in capsys.readouterr().err


def test_two_histories_without_a_common_commit_say_so(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository.tree()

    assert run(["diff", other, "HEAD", "--merge-base"]) == 2
    assert "no common ancestor" in capsys.readouterr().err


def test_a_file_that_is_too_large_is_told_and_not_read(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit({"dags/large.yaml": "a" * 3_000_000})

    assert run(["diff", "HEAD^", "HEAD"]) == 2
    assert "HEAD: dags/large.yaml:1:1: limit: 3000000 bytes" in capsys.readouterr().err
