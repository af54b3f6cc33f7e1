"""Whose commits a deploy was: from a clone of the repository, which hooks do not have.

A line of the trail says from which verified revision to which other one; git's history says the
rest, exactly, whenever somebody asks.
"""

import os
import re
import subprocess
from pathlib import Path

from fermata_spec.errors import SettingsError
from fermata_spec.problems import one_line

MOST = 1000  # commits of one deploy
TIMEOUT = 30.0  # seconds

_SHA = re.compile(r"[0-9a-f]{7,64}")


def people_of(repository: Path, verified: str, revision: str) -> list[str]:
    """Return authors and committers of the commits after ``verified`` up to ``revision``.

    Without a verified revision only the last commit is asked. A revision that the clone does not
    have gives ``unknown: ...``.

    Raises:
        SettingsError: git is not there, or the folder is no repository.

    """
    if not _SHA.fullmatch(revision):
        return [f"unknown: {one_line(revision, limit=40)} is no commit"]
    span = f"{verified}..{revision}" if _SHA.fullmatch(verified) else revision
    most = MOST if ".." in span else 1
    form = "--format=%an <%ae>%x00%cn <%ce>"
    done = _git(repository, "log", f"--max-count={most}", form, span, "--")
    if done.returncode:
        return [f"unknown: {one_line(done.stderr.strip(), limit=100)}"]
    if not done.stdout and ".." in span:
        return people_of(repository, "", revision)  # a revert to what was verified before
    names = [name for line in done.stdout.splitlines() for name in line.split("\0")]
    return list(dict.fromkeys(one_line(name) for name in names))


def _git(repository: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    if not repository.is_dir():
        raise SettingsError(f"--repository: {repository} is no folder")
    try:
        return subprocess.run(  # noqa: S603 - git, with revisions that are hexadecimal
            ["git", "-C", str(repository), *args],  # noqa: S607 - the one of the PATH
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as exc:
        raise SettingsError("--repository: git is not installed") from exc
    except subprocess.TimeoutExpired as exc:
        raise SettingsError(f"--repository: git took more than {TIMEOUT:g}s") from exc
