"""What is to be done later, by ``watch``: one small document beside the ledger.

``hold`` writes down why it denied a revision; ``watch`` writes down what it will do about that
and what it has done, so that two of it, or a restart, do not do it twice. The hold of DAGs needs
none of this: a lost or damaged agenda costs a convenience, and is begun anew.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from fermata_hooks.clock import Clock
from fermata_hooks.documents import DAMAGE, Documents, change, pack, unpack

NAME = "agenda"
FORMAT = 1
MAX_BYTES = 512 * 1024
MAX_BLOCKING = 50  # DAGs that a denial names; the drain of the next attempt looks at all of them
FORGOTTEN_AFTER = 7 * 86400.0  # seconds; nobody wants a change of last week to go out unasked

State = Literal["waiting", "started", "done"]


log = logging.getLogger("fermata.agenda")


@dataclass(frozen=True, kw_only=True)
class Denial:
    """Why a revision was denied, and what becomes of that; Argo CD never tries it again by itself.

    ``rule`` is what denied it (``drain-deadline``), ``blocking`` the DAGs whose tasks were in the
    way. ``waiting``: one sync is to be started when these are gone; ``started``: it was asked for
    at ``started`` and will carry ``marker``; ``done``: it began, and there will be no other.
    ``outlook`` says what will happen next, in words. ``opens``: not before that time; ``running``:
    not while one of these DAGs runs; ``final``: a guard denies that says nothing of an end.
    """

    application: str
    revision: str
    rule: str
    blocking: tuple[str, ...]
    at: float
    state: State = "waiting"
    marker: str = ""
    started: float = 0.0
    outlook: str = ""
    opens: float = 0.0
    running: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class SyncSeen:
    """Since when ``watch`` has seen a DagSet say ``Syncing`` for one revision, without a hold."""

    revision: str
    since: float


@dataclass(frozen=True, kw_only=True)
class Agenda:
    """The whole agenda. ``may_start``: whether the watch may start syncs, None: nobody knows.

    ``seen``: the applications that the watch has found in Argo CD; only these can be gone.
    """

    denials: Mapping[str, Denial] = field(default_factory=dict)
    syncing: Mapping[str, SyncSeen] = field(default_factory=dict)
    may_start: bool | None = None
    seen: frozenset[str] = frozenset()

    def with_denial(self, application: str, denial: Denial | None) -> "Agenda":
        """Return the agenda with this denial of ``application``; None removes it."""
        denials = {**self.denials}
        denials.pop(application, None)
        if denial is not None:
            denials[application] = denial
        return replace(self, denials=denials)


class Agendas:
    """The agenda in its store."""

    def __init__(self, documents: Documents, *, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def read(self) -> Agenda:
        """Return the agenda; an empty one if there is none, or none that can be read."""
        return self._read()[0]

    def change(self, decide: Callable[[Agenda], Agenda]) -> Agenda:
        """Let ``decide`` say what to write, write it, and return what was written.

        Raises:
            UnavailableError: no answer: it may have been written. Others kept changing it.

        """
        return change(
            self._documents,
            NAME,
            read=self._read,
            decide=decide,
            encode=_encode,
            clock=self._clock,
        )

    def deny(self, denial: Denial) -> Agenda:
        """Write down a denial; a revision whose one sync was started gets no second one."""
        return self.change(lambda agenda: _denied(agenda, denial))

    def _read(self) -> tuple[Agenda, str]:
        document = self._documents.read(NAME)
        if document.content is None:
            return Agenda(), document.version
        try:
            return _decode(document.content), document.version
        except DAMAGE as exc:
            log.warning("%s: damaged, begun anew: %r", NAME, exc)
            return Agenda(), document.version


def _denied(agenda: Agenda, denial: Denial) -> Agenda:
    denial = replace(denial, blocking=tuple(sorted(denial.blocking)[:MAX_BLOCKING]))
    before = agenda.denials.get(denial.application)
    again_denied = before is not None and before.revision == denial.revision
    if before is not None and again_denied and before.state != "waiting" and not before.final:
        again = replace(before, blocking=denial.blocking, at=denial.at, state="done", outlook=SPENT)
        return agenda.with_denial(denial.application, again)
    if denial.final:
        spent = replace(denial, state="done", outlook=FINAL.format(denial.rule))
        return agenda.with_denial(denial.application, spent)
    return agenda.with_denial(denial.application, replace(denial, outlook=outlook_of(agenda)))


SPENT = "nothing will happen by itself: its one sync was started, and denied again"
MAY_NOT = (
    "nothing will happen by itself: watch may not start syncs (Argo CD's `applications, sync`), "
    "and Argo CD tries no revision twice"
)
UNKNOWN = (
    "nothing will happen by itself, unless a watch runs that may start syncs (Argo CD's "
    "`applications, sync`): Argo CD tries no revision twice"
)
WILL_START = "watch will start one sync of it when nothing is in its way any more"
FINAL = "nothing will happen by itself: {} may say no for ever, and Argo CD tries no revision twice"


def outlook_of(agenda: Agenda) -> str:
    """Return what will become of a revision that is denied now."""
    return {True: WILL_START, False: MAY_NOT, None: UNKNOWN}[agenda.may_start]


def _encode(agenda: Agenda) -> bytes:
    document = {"format": FORMAT, **asdict(agenda), "seen": sorted(agenda.seen)}
    return pack(document)


def _decode(content: bytes) -> Agenda:
    raw = unpack(content, reads=FORMAT, most=MAX_BYTES)
    may_start = raw["may_start"]
    return Agenda(
        denials={str(app): _denial(each) for app, each in raw["denials"].items()},
        syncing={
            str(app): SyncSeen(revision=str(each["revision"]), since=float(each["since"]))
            for app, each in raw["syncing"].items()
        },
        may_start=may_start if isinstance(may_start, bool) else None,
        seen=frozenset(str(application) for application in raw["seen"]),
    )


def _denial(raw: Mapping[str, Any]) -> Denial:
    return Denial(
        application=str(raw["application"]),
        revision=str(raw["revision"]),
        rule=str(raw["rule"]),
        blocking=tuple(str(dag_id) for dag_id in raw["blocking"]),
        at=float(raw["at"]),
        state=_state(raw["state"]),
        marker=str(raw["marker"]),
        started=float(raw["started"]),
        outlook=str(raw["outlook"]),
        opens=float(raw.get("opens", 0.0)),
        running=tuple(str(dag_id) for dag_id in raw.get("running", ())),
        final=raw.get("final") is True,
    )


def _state(value: object) -> State:
    match value:
        case "waiting" | "started" | "done":
            return value
        case _:
            raise ValueError(f"state {value!r}")
