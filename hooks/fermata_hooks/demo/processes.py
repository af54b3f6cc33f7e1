"""The one way the demo starts a program that ends by itself: explicit environment, a deadline."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fermata_spec.errors import UnavailableError

TAIL_LINES = 15


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended and what it said."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def tail(self) -> str:
        """Return the last lines of what it said, stderr first choice."""
        return last_lines(self.stderr.strip() or self.stdout.strip(), TAIL_LINES)


def last_lines(text: str, count: int) -> str:
    """Return the last ``count`` lines of ``text``, each cut at 400 characters."""
    return "\n".join(line[:400] for line in text.splitlines()[-count:])


def run(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, deadline: float = 600.0
) -> Finished:
    """Run ``argv`` to its end; raise ``UnavailableError`` when it takes longer than ``deadline``.

    Whatever interrupts the wait (Ctrl-C, SIGTERM) kills the program first.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own programs, no shell
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=deadline,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise UnavailableError(f"{argv[0]}: not finished after {deadline:g}s") from exc
    except OSError as exc:
        raise UnavailableError(f"{argv[0]}: cannot be started: {exc.strerror}") from exc
    return Finished(argv=tuple(argv), code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def check(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, deadline: float = 600.0
) -> Finished:
    """Run ``argv``; raise ``UnavailableError`` with its last lines unless it ends with 0."""
    finished = run(argv, env=env, cwd=cwd, deadline=deadline)
    if finished.code:
        name = " ".join(Path(argv[0]).name if i == 0 else arg for i, arg in enumerate(argv[:3]))
        raise UnavailableError(f"{name}: exit code {finished.code}\n{finished.tail()}")
    return finished
