"""Hooks that are killed with SIGKILL, on a real Airflow, with the ledger in a real cluster.

In every third round of a story the ledger is a file: its lock must go with the process that held
it.

Each round has DAGs and a ledger of its own, so that rounds run side by side, and what one leaves
behind is waited for (a minute and a half: a request that had no answer may land so late) while
others run. What a round does, when it kills and what a person does meanwhile comes from
pytest-randomly's seed; what the processes are at in that moment does not.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from clusters import MANIFESTS, connect, fresh_namespace, install_kind
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.documents import ConfigMapDocuments, Documents, FileDocuments
from fermata_hooks.holding import read_status
from fermata_hooks.kube import CONFIG_MAPS, Objects
from fermata_hooks.ledger import Ledger
from fermata_hooks.termination import Termination
from fermata_spec.plan import HoldPolicy, Plan, VerifyPolicy, dump_plan
from patience import eventually
from workplaces import NEW, OLD, fermata, make_plan

pytestmark = [
    pytest.mark.long,
    pytest.mark.airflow,
    pytest.mark.kubernetes,
    pytest.mark.timeout(1800),
]

ROUNDS = 36
SIDE_BY_SIDE = 3  # rounds; most of a hook's time is waiting
ON, OFF = 4, 2  # DAGs of a round: running, and paused by a person before
PATIENCE = 180.0  # seconds for a hook that has no late request to wait for
# Seconds for all rounds to come to rest. A watch has no plan, so no short `late` either: what it
# has asked for itself when it is killed stays for 390 s.
REST = 600.0
QUIET = 4.0  # seconds without a change of the ledger after which a process is killed all the same
CLICKS = 6.0  # seconds within which a person acts

HOLD = HoldPolicy(late=2.0, lease=20.0)  # nothing is verified yet: all DAGs are affected
VERIFY = VerifyPolicy(deadline=2.0, settle=0.0, serialize_lag=0.0, mount_lag=0.0)
DAG_FILE = """\
from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow.models import DAG

for dag_id in {dag_ids}:
    globals()[dag_id] = DAG(
        dag_id, schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False
    )
"""


def dags_of(number: int) -> list[str]:
    """Return a round's DAGs: the first and the last are paused before."""
    return [f"kh_{number:02}_{letter}" for letter in "abcdef"[: ON + OFF]]


@dataclass
class Tally:
    """What the kills of all rounds met; ``stages``: command and what its ledger was like."""

    missed: int = 0
    stages: Counter[str] = field(default_factory=Counter)

    @property
    def hit(self) -> int:
        """How many met a process that ran."""
        return self.stages.total()


@dataclass(frozen=True)
class Site:
    """An Airflow and a namespace."""

    airflow: RunningAirflow
    namespace: str
    folder: Path

    def api_of(self, user: str) -> AirflowApi:
        """Return Airflow's API for ``user``; for one thread."""
        credentials = PasswordFiles(*self.airflow.credential_files(user))
        return AirflowApi(self.airflow.url, credentials, clock=SystemClock(Termination()))


class Round:
    """One ledger, six DAGs, two applications, a person, and processes that are killed."""

    def __init__(self, site: Site, number: int, rng: random.Random, tally: Tally) -> None:
        self.rng = rng
        self.dag_ids = dags_of(number)
        self.due = {d: d in {self.dag_ids[0], self.dag_ids[-1]} for d in self.dag_ids}
        self.story = STORIES[number % len(STORIES)]
        self.left: list[subprocess.Popen[bytes]] = []  # may wait for late requests: ends by itself
        self._name = f"round-{number}"
        self._site = site
        self._tally = tally
        self._events: list[str] = []
        self._began = time.monotonic()
        self._folder = site.folder / self._name
        self._folder.mkdir()
        self._where = f"kubernetes:{site.namespace}/{self._name}"
        if number // len(STORIES) % 3 == 2:
            self._where = f"file:{self._folder / 'ledger'}"
        self._documents = self._open()
        self._ledger = Ledger(self._documents, clock=SystemClock(Termination()))
        self._log = (self._folder / "hooks.log").open("wb")

    def run(self) -> None:
        """Let the story happen, with a person beside it."""
        ann = self._site.api_of("ann")
        for dag_id, paused in self.due.items():
            if paused:
                ann.set_paused(dag_id, paused=True)
        self._began = time.monotonic()
        with ThreadPoolExecutor(1) as person:
            acts = person.submit(self._act, ann, self._clicks())
            self.story(self)
            acts.result()

    def plan(self, name: str = "a", revision: str = NEW, *, shift: int = 0) -> Plan:
        """Return the plan of an application, of all DAGs but one: the last, or with 1 the first."""
        wanted = self.dag_ids[shift : len(self.dag_ids) - 1 + shift]
        return make_plan(
            *wanted,
            application=f"{self._name}-{name}",
            revision=revision,
            airflow_url=self._site.airflow.url,
            hold=HOLD,
            verify=VERIFY,
        )

    def start(self, *args: str, plan: Plan | None = None) -> subprocess.Popen[bytes]:
        """Start ``fermata``; it ends with the round at the latest."""
        username, password = self._site.airflow.credential_files("fermata")
        environ = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": os.environ["KUBECONFIG"],
            "FERMATA_LEDGER": self._where,
            "FERMATA_AIRFLOW_URL": self._site.airflow.url,
            "FERMATA_AIRFLOW_USERNAME_FILE": str(username),
            "FERMATA_AIRFLOW_PASSWORD_FILE": str(password),
        }
        if plan is not None:
            file = self._folder / f"plan-{plan.application}-{plan.revision[0]}.json"
            file.write_text(dump_plan(plan))
            environ["FERMATA_PLAN"] = str(file)
        self.note(f"{' '.join(args)} starts{f', {plan.revision[0]}' if plan else ''}")
        output: IO[bytes] = self._log
        process = subprocess.Popen(fermata(*args), env=environ, stdout=output, stderr=output)
        self.left.append(process)
        return process

    def finished(self, *args: str, plan: Plan | None = None) -> int:
        """Run ``fermata`` to its end; return its exit code."""
        process = self.start(*args, plan=plan)
        code = process.wait(PATIENCE)
        self.note(f"{args[0]} ends: {code}")
        return code

    def killed(self, command: str, plan: Plan) -> None:
        """Start a hook, and kill it around its first, second … change of the ledger."""
        self.kill(command, self.start(command, plan=plan))

    def kill(self, command: str, process: subprocess.Popen[bytes]) -> None:
        """Kill a process that has just been started."""
        writes = self.rng.choice((0, 1, 2, 2, 2, 3))  # after the second, requests are under way
        delay = self.rng.uniform(0.0, 0.08 if writes else 1.5)
        self._await_writes(process, writes)
        time.sleep(delay)
        process.kill()
        hit = process.wait(PATIENCE) == -signal.SIGKILL
        stage = self._stage()
        if hit:
            self._tally.stages[f"{command}: {stage}"] += 1
        else:
            self._tally.missed += 1
        self.note(f"{command} {'killed' if hit else 'had ended'} after write {writes}: {stage}")

    def perhaps(self) -> bool:
        """Toss a coin."""
        return self.rng.random() < 0.5

    def settle(self) -> bool:
        """Run a watch if there is something for it to do by now; return whether all is at rest."""
        if any(process.poll() is None for process in self.left):
            return False
        if not self._is_at_rest() and self._is_due():
            self.finished("watch", "--once")
        return self._is_at_rest()

    def require_right(self) -> None:
        """Fail unless every DAG is what it was, or what the person made of it."""
        api = self._site.api_of("fermata")
        found = {d: dag.is_paused for d in self.dag_ids if (dag := api.dag(d)) is not None}
        assert found == self.due, "\n".join(["paused or not", *self.told()])

    def told(self) -> list[str]:
        """Return what happened, for a failure's message."""
        log = (self._folder / "hooks.log").read_text(encoding="utf-8", errors="replace")
        return [f"{self._name}: {self.story.__name__}", *self._events, log[-6000:]]

    def note(self, what: str) -> None:
        """Note what happens, and when."""
        self._events.append(f"{time.monotonic() - self._began:6.2f} s: {what}")

    def close(self) -> None:
        """End what still runs."""
        for process in self.left:
            process.kill()
            process.wait(PATIENCE)
        self._log.close()

    def _open(self) -> Documents:
        """Return the store that ``FERMATA_LEDGER`` names."""
        kind, _, where = self._where.partition(":")
        if kind == "file":
            return FileDocuments(Path(where))
        maps = Objects(connect(), CONFIG_MAPS, self._site.namespace)
        return ConfigMapDocuments(maps, names={"ledger": self._name})

    def _clicks(self) -> list[tuple[float, str, bool]]:
        """Choose when a person acts on which DAG: any of them, in either direction, even twice."""
        dag_ids = self.rng.choices(self.dag_ids, k=self.rng.randint(1, 3))
        whens = sorted(self.rng.uniform(0.0, CLICKS) for _ in dag_ids)
        return [(when, d, self.perhaps()) for when, d in zip(whens, dag_ids, strict=True)]

    def _act(self, ann: AirflowApi, clicks: list[tuple[float, str, bool]]) -> None:
        for when, dag_id, paused in clicks:
            time.sleep(max(0.0, self._began + when - time.monotonic()))
            ann.set_paused(dag_id, paused=paused)
            self.due[dag_id] = paused
            self.note(f"ann {'pauses' if paused else 'unpauses'} {dag_id}")

    def _await_writes(self, process: subprocess.Popen[bytes], writes: int) -> None:
        """Return when the ledger has changed so often, does not change any more, or it ended."""
        version = self._documents.read("ledger").version
        changed_at = time.monotonic() + PATIENCE  # its first change may take long
        while writes and process.poll() is None and time.monotonic() < changed_at + QUIET:
            if (now := self._documents.read("ledger").version) != version:
                version, changed_at, writes = now, time.monotonic(), writes - 1
            time.sleep(0.01)

    def _stage(self) -> str:
        holds, lines = read_status(self._ledger)
        held = "holds with DAGs to do" if any(h.todo for h in holds) else "holds" if holds else ""
        marks = ", ".join(sorted({line.mark for line in lines}))
        return "; ".join(filter(None, (held, marks))) or "an empty ledger"

    def _is_at_rest(self) -> bool:
        return read_status(self._ledger) == ((), ())

    def _is_due(self) -> bool:
        """Return whether a watch would find more to do than to wait."""
        holds, lines = read_status(self._ledger)
        waits = [hold.expires for hold in holds]
        waits += [line.settles_after or 0.0 for line in lines if not line.holders]
        watched = any("watch" in event for event in self._events)
        return not watched or min(waits) < time.time()


def hold_again(it: Round) -> None:
    it.killed("hold", it.plan())
    if it.perhaps():
        it.killed("hold", it.plan())
    it.finished("hold", plan=it.plan())
    it.start("release", plan=it.plan())


def release_what_a_killed_hold_left(it: Round) -> None:
    it.killed("hold", it.plan())
    if it.perhaps():
        it.killed("release", it.plan())
    it.start("release", plan=it.plan())


def watch_what_a_killed_release_left(it: Round) -> None:
    it.finished("hold", plan=it.plan())
    it.killed("release", it.plan())


def two_applications_at_once(it: Round) -> None:
    one, other = it.plan("a"), it.plan("b", shift=1)
    first, second = it.start("hold", plan=one), it.start("hold", plan=other)
    it.kill("hold", first)
    second.wait(PATIENCE)
    it.killed("release", other)
    if it.perhaps():
        it.start("release", plan=one)


def newer_revision(it: Round) -> None:
    older, newer = it.plan(revision=OLD), it.plan(revision=NEW, shift=1)
    it.killed("hold", older)
    if it.perhaps():
        it.killed("hold", newer)
    else:
        it.finished("hold", plan=newer)
    it.start("release", plan=older)
    it.killed("release", newer)


def finish_is_killed(it: Round) -> None:
    it.finished("hold", plan=it.plan())
    it.killed("finish", it.plan())
    if it.perhaps():
        it.start("release", plan=it.plan())


STORIES: tuple[Callable[[Round], None], ...] = (
    hold_again,
    release_what_a_killed_hold_left,
    watch_what_a_killed_release_left,
    two_applications_at_once,
    newer_revision,
    finish_is_killed,
)


@pytest.fixture
def site(airflow: RunningAirflow, tmp_path: Path) -> Iterator[Site]:
    """A real Airflow that has parsed every round's DAGs, and a namespace."""
    dag_ids = [dag_id for number in range(ROUNDS) for dag_id in dags_of(number)]
    file = airflow.dags_folder / "killed_hooks.py"
    kube = connect()
    install_kind(kube, MANIFESTS / "base" / "dagsets-crd.yaml")
    with fresh_namespace(kube) as namespace:
        site = Site(airflow, namespace, tmp_path)
        file.write_text(DAG_FILE.format(dag_ids=dag_ids))
        api = site.api_of("fermata")

        def parsed() -> bool:
            return {dag.dag_id for dag in api.dags()}.issuperset(dag_ids)

        eventually(parsed, within=PATIENCE)
        yield site


def test_whatever_is_killed_every_dag_is_given_back(
    site: Site, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    seed, tally = pytestconfig.getoption("randomly_seed", default=0), Tally()
    with ExitStack() as ends:
        rounds = [
            Round(site, number, random.Random(f"{seed}/{number}"), tally)  # noqa: S311
            for number in range(ROUNDS)
        ]
        for one in rounds:
            ends.callback(one.close)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(Round.run, rounds))
        give_up_at = time.monotonic() + REST
        unsettled = rounds
        while unsettled := [one for one in unsettled if not one.settle()]:
            told = [line for one in unsettled[:2] for line in one.told()]
            assert time.monotonic() < give_up_at, "\n".join(
                [f"--randomly-seed={seed}: {len(unsettled)} not at rest", *told]
            )
            time.sleep(1)
        for one in rounds:
            one.note(f"--randomly-seed={seed}: at rest")
            one.require_right()
    record_property("kills", f"{tally.hit} hit, {tally.missed} missed: {dict(tally.stages)}")
    print(f"{tally.hit} kills hit, {tally.missed} missed: {dict(tally.stages)}")
    assert tally.hit > tally.missed
    assert any("pausing" in stage or "resuming" in stage for stage in tally.stages), tally.stages
