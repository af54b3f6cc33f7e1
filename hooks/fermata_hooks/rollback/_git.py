"""git, as a program: a clean environment, no shell, no hooks, no configuration but ours, an end.

Credentials reach it by two small programs (``GIT_ASKPASS``, ``GIT_SSH``) that read files: neither
an argument nor a variable holds one. Host keys are pinned, redirects are refused.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from fermata_hooks.exchange import one_line, read_private_file
from fermata_hooks.rollback._access import Access
from fermata_spec.deadlines import ROLLING_BACK
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

OUTPUT_LIMIT = 16 * 2**20  # bytes; of 100,000 changed files the raw list is 15 MB

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "submodule.recurse": "false",
}
_ASKPASS = """\
#!{python} -I
import sys
name = "username" if sys.argv[1].lower().startswith("username") else "password"
with open({folder!r} + "/" + name, encoding="utf-8") as file:
    print(file.read().strip())
"""
_SSH = """\
#!{python} -I
import os, sys
options = {options!r}
os.execv({ssh!r}, [{ssh!r}, "-F", "/dev/null", *options, *sys.argv[1:]])
"""
_HOST_KEY = ("host key verification failed", "host identification has changed")
_UNREACHABLE = ("could not resolve host", "connection refused", "connection timed out")
_UNREACHABLE_TOO = ("failed to connect", "couldn't connect", "connection reset", "hung up")


class Ended(NamedTuple):
    """How git ended, and what it said."""

    code: int
    out: bytes
    said: str


class Git:
    """A bare repository in a folder of its own, which is gone when the block ends.

    ``path``: where git and ssh are looked for (``PATH``).
    """

    def __init__(self, access: Access, *, path: str, deadline: float = ROLLING_BACK) -> None:
        self._access = access
        self._path = path
        self._ends = time.monotonic() + deadline
        self._deadline = deadline
        self._folder = Path()

    def __enter__(self) -> Self:
        git = shutil.which("git", path=self._path)
        if git is None:
            raise SettingsError("git: not found: the image's target `rollback` has it")
        self._folder = Path(tempfile.mkdtemp(prefix="fermata-git-"))
        try:
            self._git = git
            self._environment = self._prepared()
            self.run("init", "--quiet", "--bare", "--template=", ".")
            self.run("remote", "add", "origin", self._access.url)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *arguments: str, given: bytes = b"", index: bool = False) -> bytes:
        """Return what git prints; raise what it says where it ends badly."""
        ended = self.attempt(*arguments, given=given, index=index)
        if ended.code:
            raise self.failure(arguments[0], ended)
        return ended.out

    def attempt(self, *arguments: str, given: bytes = b"", index: bool = False) -> Ended:
        """Return how git ended; ``index``: it works on an index, which is ours alone.

        Raises:
            UnavailableError: it did not end in time.

        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._late(arguments[0])
        environment = dict(self._environment)
        if index:
            environment["GIT_INDEX_FILE"] = str(self._folder / "fermata-index")
        with (
            tempfile.TemporaryFile(dir=self._folder) as stdin,
            tempfile.TemporaryFile(dir=self._folder) as out,
            tempfile.TemporaryFile(dir=self._folder) as err,
        ):
            stdin.write(given)
            stdin.seek(0)
            code = self._end_of(arguments, environment, (stdin, out, err), left)
            return Ended(code, self._read(out), self._read(err).decode(errors="replace"))

    def failure(self, what: str, ended: Ended) -> RejectedError | UnavailableError:
        """Return the error for a git that ended badly, in one line that names the repository."""
        said = ended.said.lower()
        told = f"git {what}: {self._access.described}"
        if any(words in said for words in _HOST_KEY):
            return RejectedError(f"{told}: the host's key is not the one in knownHosts")
        words = one_line(last_words(ended.said)) or f"ended with {ended.code}"
        if any(each in said for each in (*_UNREACHABLE, *_UNREACHABLE_TOO)):
            return UnavailableError(f"{told}: {words}")
        return RejectedError(f"{told}: {words}")

    def _end_of(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        streams: tuple[IO[bytes], IO[bytes], IO[bytes]],
        left: float,
    ) -> int:
        settings = [f"{name}={value}" for name, value in self._settings().items()]
        flags = [flag for setting in settings for flag in ("-c", setting)]
        process = subprocess.Popen(  # noqa: S603 - git, by its path, without a shell
            [self._git, *flags, "--literal-pathspecs", *arguments],
            cwd=self._folder,
            env=environment,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            start_new_session=True,
        )
        try:
            return process.wait(timeout=left)
        except subprocess.TimeoutExpired:
            raise self._late(arguments[0]) from None
        finally:
            if process.poll() is None:  # also after a SIGTERM to us
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _settings(self) -> dict[str, str]:
        settings = dict(_SETTINGS)
        if self._access.kind == "http":
            settings["protocol.http.allow"] = "always"
        if self._access.ca_file is not None:
            settings["http.sslCAInfo"] = str(self._access.ca_file)
        return settings

    def _prepared(self) -> dict[str, str]:
        """Write the programs that give credentials; return git's whole environment."""
        environment = {
            "PATH": self._path,
            "HOME": str(self._folder),
            "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Fermata",
            "GIT_AUTHOR_EMAIL": "fermata@localhost",
            "GIT_COMMITTER_NAME": "Fermata",
            "GIT_COMMITTER_EMAIL": "fermata@localhost",
        }
        if self._access.kind == "ssh":
            return environment | {"GIT_SSH": self._ssh(), "GIT_SSH_VARIANT": "ssh"}
        text = _ASKPASS.format(python=sys.executable, folder=str(self._access.folder.resolve()))
        return environment | {"GIT_ASKPASS": self._program("askpass", text)}

    def _ssh(self) -> str:
        """Write the key where only we may read it (ssh asks for that), and a program for ssh."""
        ssh = shutil.which("ssh", path=self._path)
        if ssh is None:
            raise SettingsError("ssh: not found: the image's target `rollback` has it")
        key, hosts = self._folder / "key", self._folder / "known-hosts"
        for file, name in ((key, "sshPrivateKey"), (hosts, "knownHosts")):
            file.touch(mode=0o600)
            content = read_private_file(self._access.folder / name, f"repository's {name} file")
            file.write_text(content.reveal().strip() + "\n", encoding="utf-8")
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": str(key),
            "PreferredAuthentications": "publickey",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "UserKnownHostsFile": str(hosts),
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        text = _SSH.format(python=sys.executable, options=flags, ssh=ssh)
        return self._program("ssh", text)

    def _program(self, name: str, text: str) -> str:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        file.chmod(stat.S_IRWXU)
        return str(file)

    def _late(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"git {what}: {self._access.described}: not done within {self._deadline:g}s"
        )

    def _read(self, stream: IO[bytes]) -> bytes:
        stream.seek(0)
        content = stream.read(OUTPUT_LIMIT + 1)
        if len(content) > OUTPUT_LIMIT:
            raise RejectedError(f"git: {self._access.described}: more than {OUTPUT_LIMIT} bytes")
        return content


def last_words(said: str) -> str:
    """Return git's own verdict, with what the server said of it; without the progress."""
    lines = [line.strip() for line in said.splitlines()]
    kept = [
        line
        for line in lines
        if line.startswith(("fatal:", "error:", "remote:", "!")) and line != "remote:"
    ]
    return " ".join(kept or lines)
