"""The repository and who we are to it: a folder of files, as Argo CD's own repository Secrets.

``url``; ``username`` and ``password`` for https, and ``ca.crt`` where its authority is no public
one; ``sshPrivateKey`` and ``knownHosts`` for ssh. The address is beside the credential, and not in
git: who writes to git must not choose where the credential is shown.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from fermata_hooks.exchange import is_loopback, read_private_file, read_secret
from fermata_spec.errors import SettingsError

_SCP = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:\s]+")  # git@host:team/dags.git
_HTTPS = ("username", "password")
_SSH = ("sshPrivateKey", "knownHosts")


@dataclass(frozen=True, kw_only=True)
class Access:
    """A repository; ``kind`` is how it is spoken to."""

    folder: Path
    url: str
    kind: Literal["https", "http", "ssh"]

    @property
    def described(self) -> str:
        """What a message may say of it."""
        return f"{self.url} (repository folder {self.folder})"

    @property
    def ca_file(self) -> Path | None:
        """The certificates to trust in place of the public ones, where they are given."""
        file = self.folder / "ca.crt"
        return file if file.is_file() else None


def read_access(folder: Path) -> Access:
    """Return the repository of a folder, with all its files looked at.

    Raises:
        SettingsError: an address that is none, a file that is missing, empty or too large.

    """
    url = read_secret(folder / "url", "repository's url file").reveal()
    kind = _kind(url, folder)
    for name in _SSH if kind == "ssh" else _HTTPS:
        if name in _SSH:
            read_private_file(folder / name, f"repository's {name} file")
        else:
            read_secret(folder / name, f"repository's {name} file")
    return Access(folder=folder, url=url, kind=kind)


def _kind(url: str, folder: Path) -> Literal["https", "http", "ssh"]:
    told = f"repository's url file {folder / 'url'}"
    if _SCP.fullmatch(url):
        return "ssh"
    try:
        parts = urlsplit(url)
        host, user, password = parts.hostname or "", parts.username, parts.password
    except ValueError:
        raise SettingsError(f"{told}: no address") from None
    if password is not None or (user is not None and parts.scheme != "ssh"):
        raise SettingsError(f"{told}: credentials belong into files of their own")
    if not host or host.startswith("-") or not url.isascii() or " " in url:
        raise SettingsError(f"{told}: no https:// or ssh:// address")
    match parts.scheme:
        case "https" | "ssh" as kind:
            return kind
        case "http" if is_loopback(host):
            return "http"
    raise SettingsError(f"{told}: neither https:// nor ssh://: a credential goes over these only")
