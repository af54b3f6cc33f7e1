"""The checkout, read with distrust: anyone who may push has written it.

No path leaves it (links are resolved first), nothing but regular files is opened, and sizes are
looked at before anything is read. What does not match a pattern is not even looked at, except
that a linked folder which could hold matching files is told rather than left out: what a renderer
leaves out, Argo CD prunes.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fermata_spec import limits
from fermata_spec.limits import Limit
from fermata_spec.located import Document
from fermata_spec.problems import Problem

_SKIPPED = frozenset({".git"})


class SourceFile(NamedTuple):
    """A file of the application: ``path`` with ``/`` from the application's path, and its bytes.

    ``origin`` is its path in git where that is another (a file of an overlay). Of a file that was
    put together from others, ``document`` is the content and ``parts`` are those.
    """

    path: str
    data: bytes
    origin: str = ""
    document: Document | None = None
    parts: "tuple[SourceFile, ...]" = ()

    @property
    def git_path(self) -> str:
        """Where a person finds the file."""
        return self.origin or self.path

    @property
    def text(self) -> str | None:
        """The content as UTF-8, if that is what it is."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


class Checkout:
    """A folder; every problem found while reading it goes into ``problems``."""

    def __init__(self, root: str, problems: list[Problem]) -> None:
        self._root = os.path.realpath(root)
        self._problems = problems
        self._entries = 0
        self._total = 0
        self._walked: dict[str, bool] | None = None

    def paths(self) -> Mapping[str, bool]:
        """Return the path of everything that is no folder, and whether it is a link."""
        if self._walked is None:
            self._walked = dict(self._walk("", 0))
        return self._walked

    def are_too_many(self, files: int) -> bool:
        """Whether so many files match; reports them."""
        if files > limits.FILES.value:
            self._over("", limits.FILES, files)
        return files > limits.FILES.value

    def holds(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        return os.path.lexists(os.path.join(self._root, path))  # noqa: PTH118 - as below

    def read(self, path: str) -> bytes | None:
        """Return the bytes of one file, or ``None`` after reporting why it is not read."""
        may_be_linked = self._walked is None or self._walked.get(path, True)
        if not _is_sound(path):
            self._report(path, "path", "a name with control characters, or that is not UTF-8")
            return None
        if len(path) > limits.PATH_CHARACTERS.value:
            self._over(path[:80], limits.PATH_CHARACTERS, len(path))
            return None
        real = os.path.join(self._root, path)  # noqa: PTH118 - a name is not touched
        if may_be_linked:
            real = os.path.realpath(real)
        if not real.startswith(self._root + os.sep):
            self._report(path, "symlink", "leads out of the checkout")
            return None
        try:
            return self._read(path, real)
        except OSError as exc:
            self._report(path, "unreadable", exc.strerror or str(exc))
            return None

    def _read(self, path: str, real: str) -> bytes | None:
        # Not blocking: a FIFO would wait for a writer for ever.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                self._report(path, "not-a-file", "is neither a file nor a link to one")
                return None
            if found.st_size > limits.FILE_BYTES.value:
                self._over(path, limits.FILE_BYTES, found.st_size)
                return None
            self._total += found.st_size
            if self._total > limits.TOTAL_BYTES.value:
                self._over(path, limits.TOTAL_BYTES, self._total)
                return None
            return os.read(descriptor, found.st_size)
        finally:
            os.close(descriptor)

    def _walk(self, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
        """Yield each path that is no folder, and whether it is a link."""
        for entry in self._scan(folder, depth):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    yield from self._walk(path, depth + 1)
            elif _is_linked_folder(entry):
                self._linked_folder(path)
            else:
                yield path, entry.is_symlink()

    def _scan(self, folder: str, depth: int) -> list[os.DirEntry[str]]:
        """Return what is in a folder; nothing if that would be too much."""
        if depth > limits.FOLDER_DEPTH.value:
            self._over(folder, limits.FOLDER_DEPTH, depth)
            return []
        try:
            entries = list(os.scandir(os.path.join(self._root, folder)))  # noqa: PTH118 - as above
        except OSError as exc:
            self._report(folder or ".", "unreadable", exc.strerror or str(exc))
            return []
        before, self._entries = self._entries, self._entries + len(entries)
        if self._entries <= limits.ENTRIES.value:
            return entries
        if before <= limits.ENTRIES.value:
            self._over(folder, limits.ENTRIES, self._entries)
        return []

    def _linked_folder(self, path: str) -> None:
        self._problems.append(
            Problem(path, 1, 1, "symlink", "a linked folder is not read", "warning")
        )

    def _over(self, path: str, limit: Limit, found: int) -> None:
        told = f"{found} {limit.unit}, at most {limit.value} are read: {limit.bounds}"
        self._report(path or ".", "limit", told)

    def _report(self, path: str, rule: str, message: str) -> None:
        self._problems.append(Problem(path, 1, 1, rule, message))


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_sound(path: str) -> bool:
    return path.isprintable() and all(not "\ud800" <= c <= "\udfff" for c in path)
