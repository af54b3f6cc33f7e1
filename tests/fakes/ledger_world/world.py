"""Airflow, the store and the time: what the actors share, and what the test may do to it."""

from collections.abc import Callable, Collection, Iterable
from itertools import count

from fakes.ledger_world.actors import Actor
from fakes.ledger_world.ports import WorldAirflow, WorldClock, WorldDocuments
from fakes.ledger_world.properties import Properties
from fakes.ledger_world.traffic import DIALECTS, Request
from fermata_hooks.documents import ABSENT, Document
from fermata_hooks.holding import (
    EndedOperation,
    Environment,
    HoldOrder,
    Patience,
    end_due_holds,
    hold_dags,
    release_hold,
    watch_pass,
)
from fermata_hooks.ledger import Ledger, LogMode, PauseRow, Record, decode
from fermata_spec.errors import RejectedError, UnavailableError

LATE = 300.0  # T
LEASE = 3600.0
DEADLINE = 900.0
SLACK = 25.0  # seconds between an actor's look at its clock and its send; less than clocks differ
MOST_PASSES = 40  # of the watch, until everything must be at rest


class World:
    """Some DAGs (all running, unless ``paused``), one ledger, and whoever the test starts."""

    def __init__(
        self,
        dag_ids: Iterable[str] = ("d",),
        *,
        mode: LogMode = "values",
        dialect: str = "3.3",
        paused: Collection[str] = (),
        ledger_of: Callable[[str], str] = lambda _: "ledger",
    ) -> None:
        self.mode = mode
        self.dialect = DIALECTS[dialect]
        self.time = 1_800_000_000.0
        self.tick = 0
        self.paused = {dag_id: dag_id in paused for dag_id in dag_ids}
        self.rows: list[PauseRow] = []
        self.requests: list[Request] = []
        self.documents: dict[str, Document] = {}
        self.late: list[tuple[str, bytes, str]] = []
        self.actors: list[Actor] = []
        self.story: list[str] = []
        self.crashed: BaseException | None = None
        self.broken = False
        self.record = Record(id="none")
        self._ledger_of = ledger_of
        self._numbers = count(1)
        self.properties = Properties(self)

    # Whom the test may start.

    def hold(
        self, application: str, wanted: Collection[str], *, revision: str = "r1", skew: float = 0.0
    ) -> Actor:
        """Start a hold step."""
        order = HoldOrder(
            application=application,
            revision=revision,
            operation=f"sync of {revision}",
            wanted=wanted,
            lease=LEASE,
            deadline=DEADLINE,
        )
        actor = self.start(f"hold {application}", lambda env: hold_dags(env, order), skew=skew)
        actor.wanted = wanted
        return actor

    def release(
        self,
        application: str,
        *,
        revision: str | None = "r1",
        waits: bool = False,
        skew: float = 0.0,
    ) -> Actor:
        """Start a release; with ``waits`` it also waits for late requests."""
        patience = Patience(deadline=DEADLINE, for_late_requests=waits, lease=LEASE)
        return self.start(
            f"release {application}",
            lambda env: release_hold(env, application, revision=revision, patience=patience),
            skew=skew,
        )

    def watch(self, *applications: str, of: str = "", skew: float = 0.0) -> Actor:
        """Start one pass of the watch, which knows that these applications are gone.

        ``of`` is whose ledger it watches, where a broken rule keeps one for each application.
        """
        patience = Patience(deadline=DEADLINE, lease=LEASE)
        return self.start(
            f"watch {of}".rstrip(),
            lambda env: watch_pass(env, gone(applications), patience=patience),
            skew=skew,
        )

    def end_holds(self, *applications: str, skew: float = 0.0) -> Actor:
        """Start the first half of such a pass: it ends holds, and settles nothing."""
        return self.start("end", lambda env: end_due_holds(env, gone(applications)), skew=skew)

    def start(
        self, what: str, body: Callable[[Environment], object], *, skew: float = 0.0
    ) -> Actor:
        """Start an actor with an environment of its own."""
        number = next(self._numbers)
        application = what.partition(" ")[2]

        def run(actor: Actor) -> object:
            actor.skew = skew
            actor.application = application if what.startswith("hold") else ""
            actor.token = f"t{number}"
            clock = WorldClock(self, actor)
            ledger = Ledger(
                WorldDocuments(self, actor), clock=clock, name=self._ledger_of(application)
            )
            environment = Environment(
                airflow=WorldAirflow(self, actor),
                ledger=ledger,
                clock=clock,
                termination=actor.termination,
                late=LATE,
                at_once=1,
                token=actor.token,
            )
            return body(environment)

        actor = Actor(self, f"{what} ({number})", run)
        self.actors.append(actor)
        self._tell(f"{actor.name} starts")
        return actor

    def alive(self) -> list[Actor]:
        """Return the actors that are parked somewhere."""
        return [actor for actor in self.actors if actor.alive]

    # What the test may do besides.

    def person(self, dag_id: str, *, paused: bool) -> None:
        """A person asks, and it is so."""
        self.land(self.person_asks(dag_id, paused=paused))

    def person_asks(self, dag_id: str, *, paused: bool) -> Request:
        """A person's request is under way; where rows come first, its row is there."""
        for request in [r for r in self.requests if r.dag_id == dag_id and not r.ours]:
            self.land(request)  # two persons at once are beyond any protocol
        request = Request(dag_id, paused, "", self.time)
        self.requests.append(request)
        self.tick += 1
        self._tell(f"a person asks: {dag_id} {'paused' if paused else 'running'}")
        if self.dialect.row_first:
            self.row(request)
        return request

    def row(self, request: Request) -> None:
        """Write the row of a request that is under way."""
        if request.has_row:
            return
        request.has_row = True
        self.tick += 1
        value = False if self.dialect.false_values else request.paused
        self.rows.append(
            PauseRow(
                id=len(self.rows) + 1,
                when=self.time,
                dag_id=request.dag_id,
                owner="fermata" if request.ours else "ann",
                value=value,
                tag=request.tag,
            )
        )
        if not request.ours:
            self.properties.person_asked(request.dag_id, paused=request.paused)

    def land(self, request: Request) -> None:
        """Let a request that is under way take effect."""
        if request.done:
            return
        self.row(request)
        self.tick += 1
        self.properties.effect(request.dag_id, paused=request.paused, ours=request.ours)
        if not request.ours:
            self.properties.person_asked(request.dag_id, paused=request.paused)
        self.paused[request.dag_id] = request.paused
        request.done = True
        if not request.awaited:
            self.requests.remove(request)
        who = "our" if request.ours else "a person's"
        self._tell(f"{who} {'pause' if request.paused else 'run'} of {request.dag_id} lands")
        self.check("a request lands")

    def give_up(self, request: Request) -> None:
        """Let a request come to nothing; whoever waits for an answer gets none."""
        request.lost = True
        self.requests.remove(request)
        self._tell(f"a request for {request.dag_id} comes to nothing")

    def in_flight(self) -> list[Request]:
        """Return what may land by itself: nobody waits for its answer, or it has not landed yet."""
        return [request for request in self.requests if not request.done]

    def replace_late(self) -> None:
        """Let a replacement of the ledger that had no answer arrive now."""
        name, content, expected = self.late.pop(0)
        if self.documents.get(name, Document(None, ABSENT)).version == expected:
            self.write(name, content, self.actors[0])
            self.check("a late replacement")

    def wake(self, at: float) -> None:
        """Let the time be at least ``at``, since somebody slept until then."""
        if at > self.time:
            self.pass_time(at - self.time)

    def may_pass(self, seconds: float) -> bool:
        """Whether nobody stands between the look at the clock and the send for too long."""
        sending = any(a.call is not None and a.call.kind == "send" for a in self.alive())
        return not sending or seconds <= SLACK / 5

    def pass_time(self, seconds: float) -> None:
        """Let time pass: what was sent longer than T ago can have no effect any more."""
        if not self.may_pass(seconds):
            for actor in self.alive():
                if actor.call is not None and actor.call.kind == "send":
                    actor.kill()
        self.time += seconds
        for request in list(self.in_flight()):
            if not request.ours and seconds > SLACK:
                self.land(request)
            elif request.ours and self.time > request.sent + LATE:
                self.give_up(request)
        self._tell(f"{seconds:g}s pass")

    def rest(self, perhaps: Callable[[], bool] = lambda: False) -> None:
        """Kill everybody, and let the watch alone bring the world to rest: P1 and P3.

        What is under way still may land at any step of the watch: where ``perhaps`` says so.
        """
        for actor in self.alive():
            actor.kill()
        for request in list(self.in_flight()):
            if not request.ours:
                self.land(request)
        for _ in range(MOST_PASSES):
            for name in ("A", "B") if self._ledger_of("A") != self._ledger_of("B") else ("",):
                self._rest(self.watch(of=name), perhaps)
            if not (self.record.holds or self.record.lines or self.requests):
                break
            self.pass_time(LATE if not self.record.holds else LEASE)
        self.properties.check_rest()

    def _rest(self, watch: Actor, perhaps: Callable[[], bool]) -> None:
        while watch.alive:
            for request in [r for r in self.in_flight() if not r.awaited and perhaps()]:
                self.land(request)
            watch.go()
        watch.finish()

    def end(self) -> None:
        """Let no thread stay behind."""
        self.crashed = None
        for actor in self.alive():
            actor.kill()

    # What a story says itself.

    def require(self, what: str, *, paused: bool) -> None:
        """Raise ``BrokenError`` unless ``d`` is so by now."""
        if self.paused["d"] != paused:
            raise self.properties.broken(f"{what}: d is {'paused' if not paused else 'running'}")

    def require_settled(self, what: str) -> None:
        """Raise ``BrokenError`` if anything is owed by now."""
        if self.record.lines:
            raise self.properties.broken(f"{what}: {self.record.lines}")

    # What the ports and the actors tell.

    def sent(self, actor: Actor, dag_id: str, *, paused: bool, tag: str) -> Request:
        """Note a request that leaves."""
        if dag_id not in self.paused:
            raise RejectedError(f"{dag_id}: no such DAG", status=404)
        if paused and actor.application:
            self.properties.sends_pause(actor)
        request = Request(dag_id, paused, tag, self.time, awaited=True)
        self.requests.append(request)
        self._tell(f"{actor.name} sends {'pause' if paused else 'run'} of {dag_id}")
        if self.dialect.row_first:
            self.row(request)
        return request

    def answer(self, actor: Actor, request: Request, *, lands: bool) -> None:
        """Let nobody wait for a request any more; it ``lands`` now, or is still under way."""
        if request.lost:
            raise UnavailableError(f"{request.dag_id}: no answer")
        if lands:
            self.land(request)
        request.awaited = False
        if request.done:
            self.requests.remove(request)
        self._tell(f"{actor.name} waits no more for {request.dag_id}")

    def abandoned(self, actor: Actor) -> None:
        """Note that an actor is killed: nobody waits for its request any more."""
        self._tell(f"{actor.name} is killed")
        if actor.call is not None and actor.call.kind == "answer":
            for request in [r for r in self.requests if r.tag.endswith(f".{actor.token}")]:
                request.awaited = False
                if request.done:
                    self.requests.remove(request)

    def write(self, name: str, content: bytes, actor: Actor) -> str:
        """Write a document; return its new version."""
        self.tick += 1
        version = str(self.tick)
        self.documents[name] = Document(content, version)
        before, self.record = self.record, self._merged()
        self.properties.wrote(before, self.record, actor)
        self._tell(f"{actor.name} writes: {told(self.record)}")
        return version

    def saw_ledger(self, actor: Actor, document: Document) -> None:
        """Note whether a hold step knows that its hold is not its own any more."""
        if not actor.application or document.content is None:
            return
        hold = decode(document.content, origin="ledger").holds.get(actor.application)
        mine = hold is not None and hold.token == actor.token
        actor.had_hold = actor.had_hold or mine
        actor.lost_hold = actor.had_hold and not mine

    def saw_rows(self) -> None:
        """Note which DAGs somebody has seen a person ask to run."""
        for dag_id, ghost in self.properties.ghosts.items():
            persons = [r for r in self.rows if r.dag_id == dag_id and not r.tag]
            if persons and persons[-1].value is False:
                ghost.saw_run = self.tick

    def check(self, what: str) -> None:
        """Check every property; ``what`` has just happened."""
        self.tick += 1
        del what
        self.properties.check()

    def _merged(self) -> Record:
        """Return the ledger; of several, as only a broken rule has them, all together."""
        records = [decode(d.content, origin=n) for n, d in self.documents.items() if d.content]
        holds = {a: hold for record in records for a, hold in record.holds.items()}
        lines = {d: line for record in records for d, line in record.lines.items()}
        return Record(id=records[0].id, holds=holds, lines=lines)

    def _tell(self, what: str) -> None:
        self.story.append(what)


def gone(applications: Iterable[str]) -> list[EndedOperation]:
    """Return what the watch knows of applications that are gone."""
    return [EndedOperation(application=a, operation=None, reason="gone") for a in applications]


def told(record: Record) -> str:
    """Return a ledger in a few words, for a story."""
    holds = [
        f"{a}[{h.token} todo={','.join(sorted(h.todo))} held={','.join(sorted(h.held))}]"
        for a, h in sorted(record.holds.items())
    ]
    lines = [
        f"{d}:{ln.mark}{'/' + ln.writer if ln.writer else ''}{'+late' if ln.late_until else ''}"
        for d, ln in sorted(record.lines.items())
    ]
    return " ".join([*holds, *lines]) or "nothing"
