"""The revert commit itself: made of trees and entries, file by file, without a work tree.

For every file that differs between the verified and the failed revision, the branch's tip gets the
verified one back: exactly, whatever merges lie between. A file that somebody has changed again
since the failed revision is a conflict: then there is no commit.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fermata_hooks.rollback._git import Git
from fermata_spec.errors import RefusedError, RejectedError

TRAILER = "Fermata-Rollback"
SHOWN = 50  # commits that a message names

_ABSENT = "0" * 6


class Entry(NamedTuple):
    """A file as a tree has it; mode ``000000``: it is not there."""

    mode: str
    blob: str


class Commits(NamedTuple):
    """Whole ids: what was ``verified``, what ``failed``, and where the branch is (``tip``)."""

    verified: str
    failed: str
    tip: str


def fetch(git: Git, branch: str) -> str:
    """Fetch the branch with its history; return its tip."""
    reference = f"refs/heads/{branch}"
    git.run("check-ref-format", reference)
    git.run("fetch", "--quiet", "--no-tags", "origin", f"+{reference}:{reference}")
    return git.run("rev-parse", "--verify", f"{reference}^{{commit}}").decode().strip()


def check_history(git: Git, commits: Commits) -> None:
    """Raise ``RefusedError`` unless verified, failed and tip lie one behind the other."""
    for older, newer, told in (
        (commits.failed, commits.tip, "the failed revision is not on the branch any more"),
        (commits.verified, commits.failed, "the failed revision does not follow the verified one"),
    ):
        if git.attempt("merge-base", "--is-ancestor", older, newer).code:
            raise RefusedError(f"{older[:12]}..{newer[:12]}: {told}")


def rolled_back_by(git: Git, revision: str) -> str:
    """Return which revision a commit rolls back, by its trailer; empty: it is no rollback."""
    form = f"--format=%(trailers:key={TRAILER},valueonly,separator=%x20)"
    return git.run("show", "-s", form, revision).decode(errors="replace").strip()


def is_rolled_back(git: Git, commits: Commits) -> bool:
    """Return whether a commit on the branch rolls the failed revision back already."""
    form = f"--format=%(trailers:key={TRAILER},valueonly,separator=%x20)"
    between = git.run("log", form, f"{commits.failed}..{commits.tip}")
    return commits.failed in between.decode(errors="replace").split()


def committed_at(git: Git, revision: str) -> float:
    """Return when a commit was made, by its committer's clock."""
    return float(git.run("show", "-s", "--format=%ct", revision).decode().strip())


def subjects(git: Git, commits: Commits) -> list[str]:
    """Return id and subject of the commits that are taken back, the newest first."""
    form = "--format=%h %s"
    told = git.run("log", form, f"-{SHOWN + 1}", f"{commits.verified}..{commits.failed}")
    lines = told.decode(errors="replace").splitlines()
    return [*lines[:SHOWN], *(["..."] if len(lines) > SHOWN else [])]


def make_revert(git: Git, commits: Commits, path: str, message: str) -> str:
    """Return a commit on the tip that puts ``path`` back; nothing refers to it yet.

    Raises:
        RefusedError: nothing to put back, or files that were changed again since.

    """
    before = _differences(git, commits.failed, commits.verified, path)
    if not before:
        raise RefusedError(f"{path}: nothing in it differs from {commits.verified[:12]}")
    since = _differences(git, commits.failed, commits.tip, path)
    if conflicts := sorted(_touching(before, since)):
        shown = ", ".join(conflicts[:5]) + (", ..." if len(conflicts) > 5 else "")  # noqa: PLR2004
        raise RefusedError(
            f"{len(conflicts)} file(s) were changed again since {commits.failed[:12]}: {shown}"
        )
    git.run("read-tree", commits.tip, index=True)
    given = "".join(f"{e.mode} {e.blob}\t{name}\0" for name, e in before.items())
    entries = given.encode(errors="surrogateescape")
    git.run("update-index", "-z", "--index-info", given=entries, index=True)
    tree = git.run("write-tree", index=True).decode().strip()
    made = git.run("commit-tree", tree, "-p", commits.tip, "-F", "-", given=message.encode())
    return made.decode().strip()


def is_there(git: Git, branch: str) -> bool:
    """Return whether the repository has a branch."""
    return bool(git.run("ls-remote", "origin", f"refs/heads/{branch}").strip())


def push(git: Git, commit: str, branch: str) -> None:
    """Push a commit as the branch's new tip, whole or not at all; never by force.

    Raises:
        RejectedError: the server refuses: a protected branch, no right to write.
        MovedError: the branch has moved since it was fetched.

    """
    target = f"{commit}:refs/heads/{branch}"
    ended = git.attempt("push", "--porcelain", "--no-verify", "origin", target)
    if not ended.code:
        return
    told = ended.out.decode(errors="replace")
    if "[rejected]" in told and "[remote rejected]" not in told:
        raise MovedError(f"{branch}: has moved since it was fetched")
    refusal = [line.rpartition("\t")[2] for line in told.splitlines() if line.startswith("!")]
    said = "\n".join([*(f"! {line}" for line in refusal), ended.said])
    raise git.failure("push", ended._replace(said=said))


class MovedError(RejectedError):
    """Somebody pushed to the branch in between."""


def _touching(before: Mapping[str, Entry], since: Mapping[str, Entry]) -> set[str]:
    """Return the names in both; also a file in one that is a folder of the other's.

    git would put the file there and take the folder away without a word.
    """
    ours, theirs = {*before}, {*since}
    as_folders = (theirs & _folders(ours)) | (ours & _folders(theirs))
    return (ours & theirs) | as_folders


def _folders(names: set[str]) -> set[str]:
    return {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}


def _differences(git: Git, old: str, new: str, path: str) -> Mapping[str, Entry]:
    """Return by name what ``new`` has of each file that is another one in ``old``."""
    only = [] if path == "." else ["--", path]
    out = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old, new, *only)
    fields: Sequence[str] = out.decode(errors="surrogateescape").split("\0")
    found: dict[str, Entry] = {}
    for about, name in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = about.split(" ")
        found[name] = Entry(_ABSENT if mode == _ABSENT else mode, blob)
    return found
