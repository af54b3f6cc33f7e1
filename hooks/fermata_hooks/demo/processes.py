"""The one way the demo starts a program that ends by itself: explicit environment, a deadline."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fermata_spec.errors import UnavailableError

POLL = 0.05
TAIL_LINES = 15
TAIL_COLUMNS = 400
MAX_OUTPUT = 8 * 1024 * 1024
DEADLINE = 600.0
GRACE = 5.0
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

OnLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended and what it said."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def tail(self) -> str:
        """Return the last lines of stderr, or of stdout where stderr is empty."""
        return last_lines(self.stderr.strip() or self.stdout.strip(), TAIL_LINES)


class Program:
    """A program that runs while the block does; leaving the block early kills it.

    ``on_line`` gets each line of its stderr, whenever one waits for the program or asks whether it
    is running.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        on_line: OnLine = lambda _line: None,
    ) -> None:
        self.argv = tuple(argv)
        self._env = dict(env)
        self._cwd = cwd
        self._on_line = on_line
        # Files, not pipes: a program that nobody listens to for a while must not stand still.
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._heard = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            with _signals_wait() as let_them_come:
                self._process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                    self.argv,
                    env=self._env,
                    cwd=self._cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=self._stdout,
                    stderr=self._stderr,
                    preexec_fn=let_them_come,  # noqa: PLW1509 - there are no threads here
                )
        except OSError as exc:
            self._end()
            raise UnavailableError(f"{self.argv[0]}: cannot be started: {exc.strerror}") from exc
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet; what it said meanwhile is handed on."""
        ended = self._process is None or self._process.poll() is not None
        said = _read(self._stderr.fileno(), self._heard)
        complete = said if ended else said[: said.rfind(b"\n") + 1]
        self._heard += len(complete)
        for line in complete.decode(errors="replace").splitlines():
            self._on_line(line)
        return not ended

    def wait(self, deadline: float) -> Finished:
        """Return how it ended; raise ``UnavailableError`` if it does not within ``deadline``."""
        give_up_at = time.monotonic() + deadline
        while self.running:
            if time.monotonic() >= give_up_at:
                raise UnavailableError(f"{self.argv[0]}: not finished after {deadline:g}s")
            time.sleep(POLL)
        return Finished(
            argv=self.argv,
            code=self._process.returncode if self._process is not None else 1,
            stdout=_read(self._stdout.fileno()).decode(errors="replace"),
            stderr=_read(self._stderr.fileno()).decode(errors="replace"),
        )

    def _end(self) -> None:
        """Stop it if it still runs: first so that it can clean up, then so that it must."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._stdout.close()
        self._stderr.close()


@contextmanager
def _signals_wait() -> Iterator[Callable[[], None]]:
    """Keep signals for the end of the block, so that no child is started and not known.

    Yields what the child must call, because it inherits the mask.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)

    def let_them_come() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        yield let_them_come
    finally:
        let_them_come()


def run(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, deadline: float = DEADLINE
) -> Finished:
    """Run ``argv`` to its end; raise ``UnavailableError`` when it takes longer than ``deadline``.

    Whatever interrupts the wait (Ctrl-C, SIGTERM) kills the program first.
    """
    with Program(argv, env=env, cwd=cwd) as program:
        return program.wait(deadline)


def check(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, deadline: float = DEADLINE
) -> Finished:
    """Run ``argv``; raise ``UnavailableError`` with its last lines unless it ends with 0."""
    finished = run(argv, env=env, cwd=cwd, deadline=deadline)
    if finished.code:
        name = " ".join([Path(argv[0]).name, *argv[1:3]])
        raise UnavailableError(f"{name}: exit code {finished.code}\n{finished.tail()}")
    return finished


def last_lines(text: str, count: int) -> str:
    """Return the last ``count`` lines of ``text``, each cut at 400 characters."""
    return "\n".join(line[:TAIL_COLUMNS] for line in text.splitlines()[-count:])


def _read(fd: int, start: int = 0) -> bytes:
    """Return what a file holds after ``start``, bounded, without moving the program's offset."""
    return os.pread(fd, MAX_OUTPUT, start)
