"""How far each chain goes, in one small document beside the ledger.

Whoever cuts the end off a trail, or takes a whole chain away, would have to change this as well.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fermata_hooks.audit._chain import Link
from fermata_hooks.clock import Clock
from fermata_hooks.documents import DAMAGE, Documents, change, pack, unpack
from fermata_spec.errors import FermataError, SettingsError

NAME = "audit"
FORMAT = 1
MOST = 2000  # chains; a hook's process writes one, so that is some months of syncs
MAX_BYTES = 1024 * 1024


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

    def read(self) -> Mapping[str, Anchor]:
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

        def further(anchors: Mapping[str, Anchor]) -> Mapping[str, Anchor]:
            before = anchors.get(link.chain)
            if before is not None and before.seq >= link.seq:
                return anchors
            anchor = Anchor(seq=link.seq, hash=link.hash, at=self._clock.now())
            return {**anchors, link.chain: anchor}

        change(
            self._documents,
            NAME,
            read=self._read,
            decide=further,
            encode=_encode,
            clock=self._clock,
            pause=0.05,
        )

    def _read(self) -> tuple[Mapping[str, Anchor], str]:
        document = self._documents.read(NAME)
        if document.content is None:
            return {}, document.version
        try:
            return _decode(document.content), document.version
        except DAMAGE as exc:
            raise SettingsError(
                f"{NAME}: damaged anchors of the audit trail: {exc!r}; keep a copy of the "
                "document for the auditor, then remove it"
            ) from exc


def _encode(anchors: Mapping[str, Anchor]) -> bytes:
    newest = sorted(anchors.items(), key=lambda item: item[1].at)[-MOST:]
    return pack({"format": FORMAT, "chains": {chain: asdict(a) for chain, a in newest}})


def _decode(content: bytes) -> dict[str, Anchor]:
    raw = unpack(content, reads=FORMAT, most=MAX_BYTES)
    return {
        str(chain): Anchor(seq=int(each["seq"]), hash=str(each["hash"]), at=float(each["at"]))
        for chain, each in raw["chains"].items()
    }
