"""The port: what every store of documents promises."""

from dataclasses import dataclass
from typing import Protocol

from fermata_spec.errors import UnavailableError

ABSENT = ""  # the version of a document that is not there; replacing it makes the document


class ConflictError(UnavailableError):
    """Somebody changed the document since it was read; nothing was written. Read it again."""


@dataclass(frozen=True)
class Document:
    """What a document holds; ``content`` is None and ``version`` is ``ABSENT`` if it is not there.

    A version is compared for equality only and never comes back, not even after a deletion.
    """

    content: bytes | None
    version: str


class Documents(Protocol):
    """A linearizable store of small documents (each below 1 MiB) with names such as ``ledger``."""

    def read(self, name: str) -> Document:
        """Return the document as it is now; raise ``UnavailableError`` when there is no answer."""

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        """Replace (or make) the document if its version is ``expected``; return the new version.

        Raises ``ConflictError`` if the version is another one, and ``UnavailableError`` when no
        answer came: the replacement may have happened, or may still happen unless somebody else
        replaces the document first.
        """

    def put(self, name: str, content: bytes) -> None:
        """Make or replace the document, whatever its version: the last writer wins.

        One request, for documents that a single writer makes anew each time. Raises
        ``UnavailableError`` when no answer came: it may have happened.
        """

    def delete(self, name: str, *, expected: str | None = None) -> None:
        """Remove the document if its version is ``expected`` (None: whatever it is).

        One that is not there is fine. Raises ``ConflictError`` if the version is another one.
        """

    def versions(self, prefix: str) -> dict[str, str]:
        """Return the versions of the documents whose names are ``prefix``, ``-`` and more."""
