"""Where lines go first: a file that several processes may share, or a stream of this process."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from filelock import FileLock, Timeout

from fermata_hooks.audit._anchors import Anchor
from fermata_hooks.audit._chain import MAX_LINE, Link, Record, link_of, new_chain, parse, sealed
from fermata_spec.errors import SettingsError, UnavailableError

PATIENCE = 5.0  # seconds for the lock; a writer holds it for less than a millisecond


class Sink(Protocol):
    """Takes records one after the other; not safe for several threads."""

    def append(self, record: Record) -> tuple[bytes, Link]:
        """Chain and write a record; return its line, and where the chain is now.

        Raises ``SettingsError`` or ``UnavailableError`` if it cannot be written.
        """


class StreamSink:
    """stdout or stderr, for a log pipeline: a chain of this process alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._link = new_chain()

    def append(self, record: Record) -> tuple[bytes, Link]:
        """Chain and write a record."""
        line, link = sealed(record, self._link)
        self._link = link
        try:
            self._stream.write(line.decode())
            self._stream.flush()
        except OSError as exc:
            raise UnavailableError(f"audit: {exc.strerror or exc}") from exc
        return line, link


class FileSink:
    """A file that only grows: one chain, whoever writes; a line is on the machine before it counts.

    A lock beside it (released by the system when its process dies) lets one writer at a time read
    the last line and add the next. A file whose last line is torn, or no line of a trail, is gone
    on with in a new chain, and ``verify`` names that line. So is one that is shorter than its
    anchor says (``anchored`` returns that of a chain): going on would hide that it was cut.
    """

    def __init__(
        self, path: Path, anchored: Callable[[str], Anchor | None] = lambda _: None
    ) -> None:
        self._path = path
        self._anchored = anchored
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE)
        self._known: tuple[int, int, Link] | None = None

    def append(self, record: Record) -> tuple[bytes, Link]:
        """Chain and write a record."""
        with self._opened() as file:
            link, torn = self._last(file)
            line, after = sealed(record, link)
            # In one write, so that a process that dies leaves it or nothing.
            whole = b"\n" + line if torn else line
            if os.write(file.fileno(), whole) != len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            status = os.fstat(file.fileno())
            self._known = (status.st_ino, status.st_size, after)
            return line, after

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "rb", buffering=0, closefd=True) as file:
                    yield file
        except Timeout as exc:
            raise UnavailableError(
                f"audit: {self._path}: held by another for {PATIENCE:g}s"
            ) from exc
        except OSError as exc:
            raise SettingsError(
                f"audit: {self._path}: cannot be written: {exc.strerror or exc}"
            ) from exc

    def _last(self, file: BinaryIO) -> tuple[Link, bool]:
        """Return where the file's chain is, and whether its last line has no end."""
        status = os.fstat(file.fileno())
        if self._known is not None and self._known[:2] == (status.st_ino, status.st_size):
            return self._known[2], False
        if status.st_size == 0:
            return new_chain(), False
        file.seek(max(0, status.st_size - MAX_LINE - 1))
        tail = b"".join(iter(lambda: file.read(2**16), b""))
        torn = not tail.endswith(b"\n")
        record = None if torn else parse(tail.rstrip(b"\n").rpartition(b"\n")[2])
        if record is None or self._was_cut(link_of(record)):
            return new_chain(), torn
        return link_of(record), torn

    def _was_cut(self, link: Link) -> bool:
        """Return whether a chain that is gone on with was longer; asked at the first line only."""
        anchor = self._anchored(link.chain) if self._known is None else None
        if anchor is None or anchor.seq < link.seq:
            return False
        return anchor.seq > link.seq or anchor.hash != link.hash
