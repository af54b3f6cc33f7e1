"""The ports as one actor sees them: every call parks it."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fakes.ledger_world.actors import Actor, Call, How, failed
from fermata_hooks.documents import ABSENT, ConflictError, Document
from fermata_hooks.holding import Look, PauseRows
from fermata_hooks.ledger import LogMode
from fermata_spec.errors import UnavailableError

if TYPE_CHECKING:
    from fakes.ledger_world.traffic import Request
    from fakes.ledger_world.world import World


class WorldClock:
    """The world's time, as this actor's clock shows it."""

    def __init__(self, world: "World", actor: Actor) -> None:
        self._world = world
        self._actor = actor

    def now(self) -> float:
        return self._world.time + self._actor.skew

    def monotonic(self) -> float:
        return self._world.time

    def sleep(self, seconds: float) -> None:
        if not self._actor.termination.requested:
            wake = self._world.time + seconds
            self._actor.park(Call("sleep", wake=wake), lambda _: None)
        self._actor.termination.check()


class WorldDocuments:
    """The store; an answer may be lost before or after the effect, and a replacement be late."""

    def __init__(self, world: "World", actor: Actor) -> None:
        self._world = world
        self._actor = actor

    def read(self, name: str) -> Document:
        def perform(how: How) -> Document:
            failed("go" if how in ("go", "early") else "fail")
            document = self._world.documents.get(name, Document(None, ABSENT))
            self._world.saw_ledger(self._actor, document)
            return document

        return self._actor.park(Call("read", name), perform)

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        def perform(how: How) -> str:
            if how == "late":
                self._world.late.append((name, content, expected))
            if how in ("late", "fail", "unreachable", "refuse"):
                raise UnavailableError("the store gave no answer")
            if self._world.documents.get(name, Document(None, ABSENT)).version != expected:
                raise ConflictError(f"{name}: changed meanwhile")
            version = self._world.write(name, content, self._actor)
            if how == "lose":
                raise UnavailableError("the store's answer was lost")
            return version

        return self._actor.park(Call("replace", name), perform)

    def put(self, name: str, content: bytes) -> None:
        raise AssertionError(f"the ledger is never put: {name}, {len(content)} bytes")

    def delete(self, name: str, *, expected: str | None = None) -> None:
        raise AssertionError(f"the ledger is never deleted: {name} {expected}")

    def versions(self, prefix: str) -> dict[str, str]:
        raise AssertionError(f"nobody lists documents here: {prefix}")


class WorldAirflow:
    """Airflow; a request leaves, has a row, has its effect, and is answered: or not."""

    def __init__(self, world: "World", actor: Actor) -> None:
        self._world = world
        self._actor = actor

    @property
    def log_mode(self) -> LogMode:
        return self._world.mode

    @property
    def answers_before_commit(self) -> bool:
        return self._world.dialect.answers_early

    def look(self, dag_ids: Collection[str]) -> Look:
        def perform(how: How) -> Look:
            failed("go" if how in ("go", "early") else "fail")
            for dag_id in dag_ids:
                self._actor.looked[dag_id] = self._world.tick
            known = {d: self._world.paused[d] for d in dag_ids if d in self._world.paused}
            return Look(paused=known, at=float(int(self._world.time)))

        return self._actor.park(Call("look", ",".join(sorted(dag_ids))), perform)

    def set_paused(self, dag_id: str, *, paused: bool, tag: str) -> None:
        def leave(how: How) -> "Request":
            failed(how if how in ("unreachable", "refuse") else "go")
            return self._world.sent(self._actor, dag_id, paused=paused, tag=tag)

        def answered(how: How) -> None:
            early = how == "early" and self._world.dialect.answers_early
            self._world.answer(self._actor, request, lands=how in ("go", "early") and not early)
            if how not in ("go", "early"):
                raise UnavailableError(f"{dag_id}: no answer")

        request = self._actor.park(Call("send", f"{dag_id} {paused}"), leave)
        self._actor.park(Call("answer", f"{dag_id} {paused}"), answered)

    def pause_rows(self, *, since: float, known: Collection[int]) -> PauseRows:
        def perform(how: How) -> PauseRows:
            failed("go" if how in ("go", "early") else "fail")
            rows = [r for r in self._world.rows if r.when >= since and r.id not in known]
            self._world.saw_rows()
            return PauseRows(rows, [row.id for row in rows])

        return self._actor.park(Call("log"), perform)
