"""A real git repository, with an identity of its own and nothing of the user's configuration."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from fermata_hooks.demo import processes
from fermata_spec.errors import SettingsError

AUTHOR = "Dana Engineer"
DEADLINE = 60.0


class Repository:
    """A repository in ``folder`` with one branch, ``main``."""

    def __init__(self, folder: Path, *, path: str) -> None:
        self.folder = folder
        self._env = {
            "PATH": path,
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": AUTHOR,
            "GIT_AUTHOR_EMAIL": "dana@example.com",
            "GIT_COMMITTER_NAME": AUTHOR,
            "GIT_COMMITTER_EMAIL": "dana@example.com",
        }

    @classmethod
    def create(cls, folder: Path, *, path: str) -> "Repository":
        """Make the repository in a new folder; ``path`` is where git is looked for (``PATH``)."""
        if shutil.which("git", path=path) is None:
            raise SettingsError("git: not found on PATH")
        folder.mkdir(parents=True)
        made = cls(folder, path=path)
        made._git("init", "-q", "--initial-branch=main")
        return made

    def commit(self, files: Mapping[str, str], message: str) -> str:
        """Write ``files``, commit them, and return the revision."""
        for name, content in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "-q", "-m", message)
        return self.head()

    def revert(self) -> str:
        """Commit the undoing of the last commit, and return the revision."""
        self._git("revert", "--no-edit", "HEAD")
        return self.head()

    def head(self) -> str:
        """Return the revision of the last commit."""
        return self._git("rev-parse", "HEAD").strip()

    def changes(self) -> list[str]:
        """Return what the last commit changed, a line a file."""
        return self._git("show", "--stat=80", "--format=", "HEAD").splitlines()

    def read(self, name: str) -> str:
        """Return the content of a file of the work tree."""
        return (self.folder / name).read_text(encoding="utf-8")

    def _git(self, *arguments: str) -> str:
        argv = ["git", *arguments]
        return processes.check(argv, env=self._env, cwd=self.folder, deadline=DEADLINE).stdout
