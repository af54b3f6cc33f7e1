"""A git revision as a folder: its files written out as git has them, and nothing of it run.

Objects are read by ``ls-tree`` and ``cat-file``: no hook, filter, attribute or configuration of the
revision has a say, and no network is used. What a tree may hold is not trusted: links are made
last, so that nothing is written through one, and a file too large to be read is left empty at its
size, for the reader to refuse.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from fermata_spec import limits
from fermata_spec.errors import SettingsError, UnavailableError
from fermata_spec.problems import one_line

DEADLINE = 60.0  # seconds, for each question to git
_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "TMPDIR")  # HOME: safe.directory is there
_OWN = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_LINK, _MODULE = "120000", "160000"


class _Entry(NamedTuple):
    """A file of a tree: its mode, object and size, and its path below the folder asked for."""

    mode: str
    object: str
    size: int
    path: str


class Repository:
    """The git repository around ``folder``."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self._folder = folder
        kept = {name: environment[name] for name in _KEPT if name in environment}
        self._env = {**kept, **_OWN}

    def prefix(self) -> str:
        """Return where ``folder`` is in the repository: ``""``, or ``team/etl``."""
        return self._ask("rev-parse", "--show-prefix").strip("/\n")

    def commit(self, revision: str) -> str:
        """Return the commit that ``revision`` names."""
        if not revision or not revision.isprintable() or revision.startswith("-"):
            raise SettingsError(f"{one_line(repr(revision))}: neither a folder nor a git revision")
        try:
            found = self._ask(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except SettingsError as exc:
            why = str(exc) or "git does not know it (a shallow clone has few)"
            told = f"neither a folder nor a git revision: {why}"
            raise SettingsError(one_line(f"{revision}: {told}")) from None
        return found.split()[-1]

    def merge_base(self, one: str, other: str) -> str:
        """Return the last common ancestor of two commits."""
        try:
            return self._ask("merge-base", one, other).strip()
        except SettingsError as exc:
            if str(exc):
                raise
            told = "no common ancestor (a shallow clone has none: fetch with its history)"
            raise SettingsError(f"{one[:12]} and {other[:12]}: {told}") from None

    @contextmanager
    def unpacked(self, commit: str, prefix: str) -> Iterator[str]:
        """Give the folder ``prefix`` of ``commit`` as a temporary folder, gone afterwards.

        It is empty where the commit has no such folder.
        """
        tree = self._tree(commit, prefix)
        with tempfile.TemporaryDirectory(prefix="fermata-diff-") as name:
            try:
                self._write(self._entries(commit, tree) if tree else [], Path(name))
            except OSError as exc:
                told = f"cannot be unpacked: {exc.strerror or exc}"
                raise SettingsError(one_line(f"{commit[:12]}: {told}")) from exc
            yield name

    def _tree(self, commit: str, prefix: str) -> str:
        try:
            return self._ask("rev-parse", "--verify", "--quiet", f"{commit}:{prefix}").strip()
        except SettingsError as exc:
            if str(exc):
                raise
            return ""

    def _entries(self, commit: str, tree: str) -> list[_Entry]:
        listed = self._ask("ls-tree", "-r", "-l", "-z", "--full-tree", tree)
        entries = []
        for row in filter(None, listed.split("\0")):
            about, _, path = row.partition("\t")
            mode, _, name, size = about.split()
            entries.append(_Entry(mode, name, 0 if size == "-" else int(size), _sound(path)))
        if len(entries) > limits.ENTRIES.value:
            raise SettingsError(
                f"{commit[:12]}: {len(entries)} files, {limits.ENTRIES.value} are read"
            )
        written = sum(each.size for each in entries if each.size <= limits.FILE_BYTES.value)
        if written > limits.REVISION_BYTES.value:
            told = f"{written} bytes, {limits.REVISION_BYTES.value} fit: --path names a folder"
            raise SettingsError(f"{commit[:12]}: {told}")
        return entries

    def _write(self, entries: list[_Entry], folder: Path) -> None:
        links = []
        with self._objects() as (ask, answer):
            for entry in entries:
                target = folder / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                if entry.mode == _MODULE:
                    target.mkdir(exist_ok=True)
                elif entry.mode == _LINK:
                    links.append((target, _content(entry, ask, answer)))
                else:
                    _write_file(entry, target, ask, answer)
        for target, destination in links:
            target.symlink_to(os.fsdecode(destination))

    @contextmanager
    def _objects(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        command = ["git", "cat-file", "--batch"]
        with subprocess.Popen(  # noqa: S603 - no shell, and nothing of the checkout in it
            command,
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise UnavailableError("git cat-file: no pipe")
            try:
                yield process.stdin, process.stdout
            finally:
                process.stdin.close()
                process.stdout.close()
                process.terminate()

    def _ask(self, *arguments: str) -> str:
        """Return what git answers; a refusal without a word is an empty ``SettingsError``."""
        command = [
            "git",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            *arguments,
        ]
        try:
            done = subprocess.run(  # noqa: S603 - as above
                command,
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=DEADLINE,
                check=False,
            )
        except FileNotFoundError as exc:
            raise SettingsError("git: not found on PATH: compare two folders instead") from exc
        except subprocess.TimeoutExpired as exc:
            raise UnavailableError(f"git {arguments[0]}: no answer in {DEADLINE:.0f}s") from exc
        if done.returncode != 0:
            raise SettingsError(_complaint(arguments[0], done.stderr))
        return os.fsdecode(done.stdout)


def _complaint(command: str, stderr: bytes) -> str:
    lines = os.fsdecode(stderr).strip().splitlines()
    return one_line(f"git {command}: {lines[0].removeprefix('fatal: ')}") if lines else ""


def _sound(path: str) -> str:
    """Return a path that stays where it is put."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or {"", ".", ".."} & {*path.split("/")} or ".git" in parts:
        raise SettingsError(f"{one_line(path)}: a path that git would not check out")
    return path


def _content(entry: _Entry, ask: IO[bytes], answer: IO[bytes]) -> bytes:
    ask.write(f"{entry.object}\n".encode())
    ask.flush()
    head = answer.readline().split()
    if len(head) != 3 or int(head[2]) != entry.size:  # noqa: PLR2004 - name, type, size
        raise SettingsError(f"{one_line(entry.path)}: not in this clone: fetch it whole")
    content = answer.read(entry.size)
    answer.read(1)
    return content


def _write_file(entry: _Entry, target: Path, ask: IO[bytes], answer: IO[bytes]) -> None:
    with target.open("xb") as file:
        if entry.size <= limits.FILE_BYTES.value:
            file.write(_content(entry, ask, answer))
        else:
            file.truncate(entry.size)
