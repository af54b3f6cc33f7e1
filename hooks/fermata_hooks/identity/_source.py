"""What a source of tokens promises, and the simplest: a file that somebody else keeps fresh."""

from pathlib import Path
from typing import Protocol

from fermata_hooks.exchange import read_secret
from fermata_hooks.secret import Secret


class TokenSource(Protocol):
    """Where a bearer token comes from. Used by several threads at once."""

    @property
    def described(self) -> str:
        """What a message may say of it: kind, files and addresses, never a secret."""

    def read(self) -> Secret:
        """Return a token that is good now.

        Raises:
            SettingsError: a file or an address that is no good.
            RejectedError: whoever gives the token refuses.
            UnavailableError: whoever gives it did not answer.

        """

    def renew(self, refused: Secret) -> bool:
        """Return whether ``read`` may give another token than the one that was refused."""


class FileToken:
    """A file, read for every request because projected tokens rotate."""

    def __init__(self, path: Path, *, name: str = "token file") -> None:
        self._path = path
        self._name = name
        self.described = f"{name} {path}"

    def read(self) -> Secret:
        """Return the token that the file holds now."""
        return read_secret(self._path, self._name)

    def renew(self, refused: Secret) -> bool:
        """Return whether the file holds another token by now."""
        return self.read() != refused
