"""Deploy locks: who said that nothing is to be deployed, why, and until when.

One small document beside the ledger. A lock that is in force denies every deploy of its
application, whatever any guard says; it needs no configuration, and git cannot take it away. A
damaged document denies, too: it may have held a lock.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.documents import DAMAGE, Documents, change, pack, unpack
from fermata_spec.errors import RefusedError, SettingsError
from fermata_spec.problems import one_line

NAME = "locks"
FORMAT = 1
EVERY = "*"  # the application of a lock that is of all of them
MAX_BYTES = 256 * 1024
MAX_TEXT = 500  # characters of a reason or an owner


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock; ``expires`` is in seconds since the epoch, None: it never ends by itself."""

    application: str
    reason: str
    owner: str
    since: float
    expires: float | None

    def is_in_force(self, now: float) -> bool:
        """Return whether it still denies."""
        return self.expires is None or now < self.expires

    def told(self) -> str:
        """Return it for people."""
        whose = "all applications" if self.application == EVERY else self.application
        until = "until somebody unlocks" if self.expires is None else f"until {self.until}"
        return f"{whose} locked by {self.owner} since {rfc3339(self.since)} {until}: {self.reason}"

    @property
    def until(self) -> str:
        """When it ends; empty: never by itself."""
        return rfc3339(self.expires) if self.expires is not None else ""


class Locks:
    """The locks in their store."""

    def __init__(self, documents: Documents, *, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def in_force(self) -> tuple[Lock, ...]:
        """Return the locks that deny now, by application.

        Raises:
            SettingsError: the document is damaged.
            UnavailableError: the store does not answer.

        """
        now = self._clock.now()
        return tuple(lock for lock in self._read()[0].values() if lock.is_in_force(now))

    def of(self, application: str) -> tuple[Lock, ...]:
        """Return the locks in force that deny a deploy of ``application``."""
        return tuple(lock for lock in self.in_force() if lock.application in (EVERY, application))

    def put(self, lock: Lock, *, replace: bool = False) -> None:
        """Lock an application; one lock each.

        Raises:
            RefusedError: it is locked already, and not to be replaced.

        """
        lock = Lock(
            **{
                **asdict(lock),
                "reason": one_line(lock.reason, limit=MAX_TEXT),
                "owner": one_line(lock.owner, limit=MAX_TEXT),
            }
        )

        def decide(locks: Mapping[str, Lock]) -> Mapping[str, Lock]:
            before = locks.get(lock.application)
            if before is not None and not replace:
                raise RefusedError(f"{before.told()}; --replace puts another in its place")
            return {**locks, lock.application: lock}

        self._change(decide)

    def remove(self, application: str) -> Lock | None:
        """Take a lock away, and return it; None: there is none."""
        taken: dict[str, Lock] = {}

        def decide(locks: Mapping[str, Lock]) -> Mapping[str, Lock]:
            taken.clear()
            if application in locks:
                taken[application] = locks[application]
            return {name: lock for name, lock in locks.items() if name != application}

        self._change(decide)
        return taken.get(application)

    def _change(self, decide: Callable[[Mapping[str, Lock]], Mapping[str, Lock]]) -> None:
        """Let ``decide`` say which locks there are to be, of those that are in force."""

        def in_force(locks: Mapping[str, Lock]) -> Mapping[str, Lock]:
            now = self._clock.now()
            return {name: lock for name, lock in locks.items() if lock.is_in_force(now)}

        change(
            self._documents,
            NAME,
            read=self._read,
            decide=lambda locks: decide(in_force(locks)),
            encode=_encode,
            clock=self._clock,
        )

    def _read(self) -> tuple[Mapping[str, Lock], str]:
        document = self._documents.read(NAME)
        if document.content is None:
            return {}, document.version
        try:
            return _decode(document.content), document.version
        except DAMAGE as exc:
            raise SettingsError(
                f"{NAME}: damaged, so nothing is deployed: {exc!r}; remove the document"
            ) from exc


def _encode(locks: Mapping[str, Lock]) -> bytes:
    rows = [asdict(lock) for _, lock in sorted(locks.items())]
    return pack({"format": FORMAT, "locks": rows})


def _decode(content: bytes) -> dict[str, Lock]:
    raw = unpack(content, reads=FORMAT, most=MAX_BYTES)
    locks = [
        Lock(
            application=str(each["application"]),
            reason=str(each["reason"]),
            owner=str(each["owner"]),
            since=float(each["since"]),
            expires=None if each["expires"] is None else float(each["expires"]),
        )
        for each in raw["locks"]
    ]
    return {lock.application: lock for lock in locks}
