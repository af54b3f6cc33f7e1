"""Documents as files in a folder: for a machine without a cluster, the demo and the tests."""

import errno
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fermata_hooks.documents._port import ABSENT, ConflictError, Document
from fermata_spec.errors import SettingsError, UnavailableError

MAX_BYTES = 2 * 1024 * 1024  # nothing of ours is larger than 1 MiB; the rest is somebody else's
LOCK_PATIENCE = 10.0  # seconds; a writer holds the lock for milliseconds

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")
_HEADER = re.compile(rb"fermata-document ([0-9]+-[0-9a-f]{16})\n")
_MISCONFIGURED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


class FileDocuments:
    """Documents in ``folder`` (made if it is not there), one file each, on one machine.

    A file starts with a line that holds its version: a counter for people, and a random part so
    that a version never comes back. A lock (released by the system when its process dies) makes
    compare-and-swap atomic between processes; a new file is flushed to the disk and renamed over
    the old one, so that a reader or a crash sees one or the other, never a part.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> Document:
        """Return the document; raise ``SettingsError`` if the file is none of ours."""
        path = self._path(name)
        try:
            with _told(path), path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return Document(content=None, version=ABSENT)
        if len(raw) > MAX_BYTES:
            raise SettingsError(f"{path}: more than {MAX_BYTES} bytes: not written by Fermata")
        header = _HEADER.match(raw)
        if header is None:
            raise SettingsError(f"{path}: damaged: its first line holds no version")
        return Document(content=raw[header.end() :], version=header[1].decode())

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        """Replace the document if its version is ``expected``; return the new version."""
        path = self._path(name)
        with self._locked_to_write(path):
            current = self.read(name).version
            if current != expected:
                raise ConflictError(
                    f"{path}: version {current or 'none'}, not {expected or 'none'}"
                )
            return self._write(path, content, after=current)

    def put(self, name: str, content: bytes) -> None:
        """Make or replace the document, whatever its version; a damaged one is left alone."""
        path = self._path(name)
        with self._locked_to_write(path):
            self._write(path, content, after=self.read(name).version)

    def delete(self, name: str, *, expected: str | None = None) -> None:
        """Remove the document, of this version or whatever it is; one that is not there is fine."""
        path = self._path(name)
        if not self._folder.is_dir():
            return
        with self._locked(path), _told(path):
            if expected is not None and (now := self.read(name).version) not in (expected, ABSENT):
                raise ConflictError(f"{path}: version {now}, not {expected}")
            path.unlink(missing_ok=True)

    def versions(self, prefix: str) -> dict[str, str]:
        """Return the versions of such documents; a damaged one raises ``SettingsError``."""
        names = [path.name for path in sorted(self._folder.glob(f"{prefix}-*"))]
        read = {name: self.read(name).version for name in names if _NAME.fullmatch(name)}
        return {name: version for name, version in read.items() if version != ABSENT}

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise SettingsError(f"{name!r}: not a document's name (lower case, digits, '.', '-')")
        return self._folder / name

    def _write(self, path: Path, content: bytes, *, after: str) -> str:
        """Write the document with the version that comes after ``after``; return that one."""
        counter = int(after.partition("-")[0] or 0) + 1
        version = f"{counter}-{secrets.token_hex(8)}"
        with _told(path):
            _write(path, b"fermata-document " + version.encode() + b"\n" + content)
        return version

    @contextmanager
    def _locked_to_write(self, path: Path) -> Iterator[None]:
        with _told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked(path):
            yield

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_PATIENCE)
        try:
            with _told(Path(lock.lock_file)):
                lock.acquire()
        except Timeout as exc:
            raise UnavailableError(
                f"{lock.lock_file}: held by another for {LOCK_PATIENCE:g}s"
            ) from exc
        try:
            yield
        finally:
            lock.release()


def _write(path: Path, raw: bytes) -> None:
    """Write ``raw`` beside ``path``, flush it, and rename it over ``path``."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours, with the path; a missing file stays what it is."""
    try:
        yield
    except (FileNotFoundError, Timeout):
        raise
    except OSError as exc:
        kind = SettingsError if exc.errno in _MISCONFIGURED else UnavailableError
        raise kind(f"{path}: {exc.strerror or exc}") from exc
