"""A watch and all that it looks at, with a clock that moves only when somebody sleeps on it."""

from collections.abc import Sequence
from pathlib import Path

from fakes.fake_airflow import FakeAirflow
from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.argocd import ArgoCd, ByApi
from fermata_hooks.clock import Clock
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import HoldOrder, hold_dags
from fermata_hooks.jobs.watch import neighbours
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.ledger import Record
from fermata_hooks.watching import Watch
from fermata_spec.errors import TerminatedError
from workplaces import NEW, CountedDocuments, Surroundings

LEASE = 3600.0


class EndingClock:
    """A clock that goes on for some seconds and then ends the process that sleeps on it."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.now() + seconds
        self.now = clock.now
        self.monotonic = clock.monotonic

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise as a SIGTERM would."""
        if self._clock.now() + seconds >= self._end:
            raise TerminatedError("terminated by SIGTERM")
        self._clock.sleep(seconds)


class Scene:
    """One Airflow, one Argo CD, one ledger; watches come and go."""

    def __init__(
        self, airflow: FakeAirflow, argocd: FakeArgoCd, folder: Path, clock: ManualClock
    ) -> None:
        self.airflow = airflow
        self.argocd = argocd
        self.clock = clock
        self.around = Surroundings(airflow, folder, clock)
        self.documents = CountedDocuments(self.around.folder)
        self._token = argocd.token_file(folder)
        self._apis: list[ByApi] = []

    def close(self) -> None:
        """Close connections that idle."""
        for api in self._apis:
            api.close()

    def place(self, *, argocd: bool = True, clock: Clock | None = None) -> Workplace:
        """Return what a process works with; without ``argocd`` it may ask none."""
        place = self.around.place(clock=clock)
        api: ArgoCd | None = None
        if argocd:
            api = ByApi(self.argocd.url, self._token, clock=self.clock)
            self._apis.append(api)
        place.__dict__.update(argocd=api, documents=self.documents)
        return place

    def watch(
        self, *, argocd: bool = True, clock: Clock | None = None, period: float = 15.0
    ) -> Watch:
        """Return a watch that has just been started."""
        return self.watch_of(self.place(argocd=argocd, clock=clock), period=period)

    def watch_of(self, place: Workplace, *, period: float = 15.0) -> Watch:
        """Return a watch that has just been started in ``place``."""
        return Watch(neighbours(place), period=period, jitter=lambda: 1.0)

    def run(self, seconds: float, *, argocd: bool = True, period: float = 15.0) -> Watch:
        """Let a new watch run for so long."""
        watch = self.watch(argocd=argocd, clock=EndingClock(self.clock, seconds), period=period)
        self.run_to_its_end(watch)
        return watch

    def run_to_its_end(self, watch: Watch) -> None:
        """Let a watch run until its clock ends it."""
        try:
            watch.run()
        except TerminatedError:
            return
        raise AssertionError("the watch ended by itself")

    def hold(
        self, *dag_ids: str, revision: str = NEW, operation: str = "", application: str = "demo"
    ) -> None:
        """Let a hold step pause ``dag_ids``, and be gone without a trace."""
        order = HoldOrder(
            application=application,
            revision=revision,
            operation=operation,
            wanted=dag_ids,
            lease=LEASE,
            deadline=600.0,
        )
        hold_dags(self.around.place().holding, order)

    def begin_sync(self, *dag_ids: str, revision: str = NEW, named: bool = True) -> None:
        """Let a sync of ``demo`` begin, whose hold step holds ``dag_ids``."""
        started = self.argocd.begin("demo", revision=revision)
        self.argocd.hook("demo", "fermata-hold-demo", "PreSync")
        self.clock.sleep(2)
        self.hold(*dag_ids, revision=revision, operation=started if named else "")

    def ledger(self) -> Record:
        """Return what the ledger holds."""
        return self.around.place().ledger.read()

    def at_rest(self) -> bool:
        """Return whether nobody holds anything and nothing is owed."""
        record = self.ledger()
        return not record.holds and not record.lines

    def paused(self) -> set[str]:
        """Return the DAGs that are paused."""
        return self.around.paused()

    def written(self, name: str) -> bytes | None:
        """Return what a document of the ledger's folder holds."""
        return FileDocuments(self.around.folder).read(name).content


def lines_about(lines: Sequence[str], word: str) -> list[str]:
    """Return the log's lines that have ``word`` in them."""
    return [line for line in lines if word in line]
