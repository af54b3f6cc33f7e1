"""Real git servers on loopback: ``git http-backend`` over HTTP with a password, and ``sshd``.

    with GitOverHttp(bare) as server:
        server.secret(folder)            # what a mounted Secret holds: url, username, password

Repositories are real and bare; ``refuse_pushes`` protects a branch as a forge does.
"""

import base64
import os
import shutil
import socket
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from fakes.loopback import OnLoopback

USER, PASSWORD = "fermata", "hush-hush-password"
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
START_DEADLINE = 30.0

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Dana",
    "GIT_AUTHOR_EMAIL": "dana@example.com",
    "GIT_COMMITTER_NAME": "Dana",
    "GIT_COMMITTER_EMAIL": "dana@example.com",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as Dana; return what it prints."""
    environment = _ENVIRONMENT | {"HOME": str(folder)}
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the machine's own
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


class Team:
    """A bare repository, as a forge has it, and Dana's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "dags.git"
        self.clone = folder / "clone"
        self.clone.mkdir(parents=True)
        git(folder, "init", "-q", "--bare", "--initial-branch=main", str(self.bare))
        git(self.clone, "init", "-q", "--initial-branch=main")
        git(self.clone, "remote", "add", "origin", str(self.bare))
        git(self.bare, "config", "http.receivepack", "true")

    def commit(self, files: dict[str, str | None], message: str = "Change") -> str:
        """Write files (None: remove), commit and push; return the revision."""
        for name, content in files.items():
            file = self.clone / name
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", message)
        git(self.clone, "push", "-q", "origin", "HEAD:main")
        return git(self.clone, "rev-parse", "HEAD")

    def merge(self, files: dict[str, str]) -> str:
        """Commit on a branch of its own and merge it with a merge commit; return that."""
        git(self.clone, "checkout", "-q", "-b", "topic", "HEAD~1")
        for name, content in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(content)
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "-q", "-m", "Work on a branch")
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
        git(self.clone, "push", "-q", "origin", "main")
        return git(self.clone, "rev-parse", "HEAD")

    def tip(self, branch: str = "main") -> str:
        """Return where the forge's branch is."""
        return git(self.bare, "rev-parse", f"refs/heads/{branch}")

    def branches(self) -> set[str]:
        """Return the forge's branches."""
        return set(git(self.bare, "for-each-ref", "--format=%(refname:short)").split())

    def files(self, revision: str) -> dict[str, str]:
        """Return every file of a revision with its content."""
        names = git(self.bare, "ls-tree", "-r", "--name-only", revision).splitlines()
        return {name: git(self.bare, "show", f"{revision}:{name}") for name in names}

    def message(self, revision: str) -> str:
        """Return a commit's message."""
        return git(self.bare, "show", "-s", "--format=%B", revision)

    def refuse_pushes(self) -> None:
        """Protect the branch, as a forge does."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'main is protected: open a request' >&2\nexit 1\n")
        hook.chmod(0o755)


class GitOverHttp(OnLoopback):
    """``git http-backend`` behind a password; ``redirect_to`` answers with a redirect instead."""

    def __init__(self, bare: Path) -> None:
        super().__init__()
        self.root = bare.parent
        self.name = bare.name
        self.redirect_to = ""
        self.requests: list[str] = []

    def _server(self) -> ThreadingHTTPServer:
        return ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": self}))

    @property
    def url(self) -> str:
        """The repository's address."""
        return f"{self.address}/{self.name}"

    def secret(self, folder: Path, *, password: str = PASSWORD) -> Path:
        """Write what a mounted Secret holds; return the folder."""
        return write_secret(folder, {"url": self.url, "username": USER, "password": password})


class _Handler(BaseHTTPRequestHandler):
    served: GitOverHttp

    def do_GET(self) -> None:
        served = self.served
        served.requests.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        body = self._chunked() if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if served.redirect_to:
            self._answer(302, {"Location": served.redirect_to}, b"")
        elif self.headers.get("Authorization") != f"Basic {pair}":
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            self._backend(body)

    do_POST = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def _backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        environment = _ENVIRONMENT | {
            "GIT_PROJECT_ROOT": str(self.served.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 - the machine's own
            input=body,
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = (line.partition(": ") for line in head.decode().splitlines())
        headers = {name: value for name, _, value in lines}
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, headers, content)

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class GitOverSsh:
    """OpenSSH's own server, which lets one key of ours in."""

    def __init__(self, bare: Path, folder: Path, user: str) -> None:
        self.url = ""
        self._bare = bare
        self._folder = folder
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("host", "client"):
            keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(keygen, check=True, capture_output=True, timeout=60)
        shutil.copy(folder / "client.pub", folder / "authorized")
        (folder / "authorized").chmod(0o600)

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        Path("/run/sshd").mkdir(exist_ok=True)
        options = {
            "Port": str(self.port),
            "ListenAddress": "127.0.0.1",
            "HostKey": str(self._folder / "host"),
            "AuthorizedKeysFile": str(self._folder / "authorized"),
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
        }
        config = self._folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        self._process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        self.url = f"ssh://{self._user}@127.0.0.1:{self.port}{self._bare}"
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def secret(self, folder: Path, *, host_key: str = "host") -> Path:
        """Write what a mounted Secret holds; return the folder."""
        kind, key, *_ = (self._folder / f"{host_key}.pub").read_text().split()
        contents = {
            "url": self.url,
            "sshPrivateKey": (self._folder / "client").read_text(),
            "knownHosts": f"[127.0.0.1]:{self.port} {kind} {key}\n",
        }
        return write_secret(folder, contents)

    def _wait(self) -> None:
        give_up_at = time.monotonic() + START_DEADLINE
        while time.monotonic() < give_up_at:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("sshd does not listen")


def write_secret(folder: Path, contents: dict[str, str]) -> Path:
    """Write the files of a Secret; return its folder."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content)
    return folder
