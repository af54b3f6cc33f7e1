"""How far each chain goes, in one small document beside the ledger.

Whoever cuts the end off a trail, or takes a whole chain away, would have to change this as well.
"""

import gzip
import io
import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fermata_hooks.audit._chain import Link
from fermata_hooks.clock import Clock
from fermata_hooks.documents import ConflictError, Documents
from fermata_spec.errors import FermataError, SettingsError

NAME = "audit"
FORMAT = 1
MOST = 2000  # chains; a hook's process writes one, so that is some months of syncs
MAX_BYTES = 1024 * 1024

_ATTEMPTS = 8
_DAMAGE = (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError, AttributeError)

log = logging.getLogger("fermata.audit")


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A chain had ``seq`` lines, the last with ``hash``, at a time (seconds since the epoch)."""

    seq: int
    hash: str
    at: float


class Anchors:
    """The anchors in their store."""

    def __init__(self, documents: Documents, *, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def read(self) -> dict[str, Anchor]:
        """Return the anchors by chain; raise ``SettingsError`` if the document is damaged."""
        return self._read()[0]

    def of(self, chain: str) -> Anchor | None:
        """Return the anchor of a chain; None where there is none, or nobody can tell."""
        try:
            return self.read().get(chain)
        except FermataError as exc:
            log.warning("audit: anchors not read: %s", exc)
            return None

    def put(self, link: Link) -> None:
        """Write down where a chain is; one that is known to go further is left as it is.

        Raises:
            UnavailableError: no answer, or others kept changing it.
            SettingsError: the document is damaged: what it said is not to be lost by us.

        """
        for attempt in range(_ATTEMPTS):
            anchors, version = self._read()
            before = anchors.get(link.chain)
            if before is not None and before.seq >= link.seq:
                return
            anchor = Anchor(seq=link.seq, hash=link.hash, at=self._clock.now())
            try:
                content = _encode({**anchors, link.chain: anchor})
                self._documents.replace(NAME, content, expected=version)
            except ConflictError:
                self._clock.sleep(0.05 * attempt)
            else:
                return
        raise ConflictError(f"{NAME}: changed by others {_ATTEMPTS} times in a row")

    def _read(self) -> tuple[dict[str, Anchor], str]:
        document = self._documents.read(NAME)
        if document.content is None:
            return {}, document.version
        try:
            return _decode(document.content), document.version
        except _DAMAGE as exc:
            raise SettingsError(f"{NAME}: damaged anchors of the audit trail: {exc!r}") from exc


def _encode(anchors: Mapping[str, Anchor]) -> bytes:
    newest = sorted(anchors.items(), key=lambda item: item[1].at)[-MOST:]
    document = {"format": FORMAT, "chains": {chain: asdict(a) for chain, a in newest}}
    return gzip.compress(json.dumps(document, sort_keys=True).encode(), mtime=0)


def _decode(content: bytes) -> dict[str, Anchor]:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    raw = json.loads(text)
    if raw["format"] != FORMAT:
        raise ValueError(f"format {raw['format']!r}, this Fermata reads {FORMAT}")
    return {
        str(chain): Anchor(seq=int(each["seq"]), hash=str(each["hash"]), at=float(each["at"]))
        for chain, each in raw["chains"].items()
    }
