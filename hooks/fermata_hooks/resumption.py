"""What resuming DAGs will start, told before it is done.

Three kinds of runs: those that wait in ``queued``, those that a pause froze in ``running`` and
that go on, and those that a schedule has asked for meanwhile. Without catchup a schedule starts
one run at once, however many intervals were missed; with it all of them (measured on Airflow
2.11.2 and 3.3.2). How many that are Airflow itself says (3.x), or the length of an interval (2.x).
A backfill stands still with its DAG (3.0 to 3.3: the scheduler looks at no run of a paused DAG, and
none of its runs began in two minutes on 3.3.2); its queued runs start as few at once as it says.
Nothing here changes anything.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from fermata_hooks.airflow_api import Dag, DagDetails, DagRun
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

ONE_BY_ONE = 20  # DAGs up to which single questions cost less than a list of all
MOST_COUNTED = 50  # DAGs whose schedule is asked about; the rest start "at least" one run each
SHORTEST_SCHEDULE = 60.0  # seconds: cron knows no shorter one
BACKFILL = "backfill"
COUNTED_BACK = 86400.0  # seconds of a schedule that are counted; before that it is "at least"

Quality = Literal["exactly", "about", "at least"]
_QUALITIES: tuple[Quality, ...] = ("exactly", "about", "at least")


class History(Protocol):
    """What is asked about many runs."""

    def active_runs(self, dag_ids: Sequence[str]) -> list[DagRun]:
        """Return the runs of ``dag_ids`` that are queued or running."""

    def scheduled_between(self, dag_id: str, *, first: float, last: float) -> int:
        """Return how many logical dates the DAG's timetable has from ``first`` to ``last``."""


class Airflow(Protocol):
    """What foreseeing asks of Airflow."""

    @property
    def history(self) -> History:
        """Where runs are found."""

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs."""

    def dag(self, dag_id: str) -> Dag | None:
        """Return one DAG."""

    def dag_details(self, dag_id: str) -> DagDetails | None:
        """Return a DAG with what only its serialized form knows."""

    def server_time(self) -> float:
        """Return the time by Airflow's clock."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """What resuming one DAG will start; ``quality`` says how far ``missed`` is known.

    ``backfill``: queued runs of a backfill, which do not start all at once. ``assets``: besides,
    whatever its assets have asked for, which nobody can count.
    """

    dag_id: str
    queued: int = 0
    going_on: int = 0
    backfill: int = 0
    missed: int = 0
    quality: Quality = "exactly"
    assets: bool = False

    @property
    def runs(self) -> int:
        """How many runs start or go on at once, as far as it is known."""
        return self.queued + self.going_on + self.missed

    def __str__(self) -> str:
        parts = [
            f"{count} {what}"
            for count, what in ((self.queued, "queued"), (self.going_on, "going on"))
            if count
        ]
        if self.missed:
            prefix = "" if self.quality == "exactly" else f"{self.quality} "
            parts.append(f"{prefix}{self.missed} scheduled meanwhile")
        if self.backfill:
            parts.append(f"the {self.backfill} of a backfill one after the other")
        if self.assets:
            parts.append("what its assets have asked for")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What resuming will start, DAG by DAG, most runs first."""

    starts: tuple[Start, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs start or go on, as far as it is known."""
        return sum(start.runs for start in self.starts)

    def without(self, dag_ids: Collection[str]) -> "Resumption":
        """Return it without what ``dag_ids`` would start: they stay paused."""
        return replace(self, starts=tuple(s for s in self.starts if s.dag_id not in dag_ids))

    def __str__(self) -> str:
        quality = max((s.quality for s in self.starts), key=_QUALITIES.index, default="exactly")
        prefix = "" if quality == "exactly" else f"{quality} "
        assets = " and what assets have asked for" if any(s.assets for s in self.starts) else ""
        return f"resuming starts {prefix}{self.runs} run(s) of {len(self.starts)} DAG(s){assets}"


def foresee(airflow: Airflow, dag_ids: Collection[str]) -> Resumption:
    """Return what resuming ``dag_ids`` would start now; asks nothing when there is none.

    Raises:
        RejectedError, UnavailableError: DAGs or their runs cannot be read.

    """
    if not dag_ids:
        return Resumption()
    paused = _paused(airflow, dag_ids)
    active = airflow.history.active_runs(sorted(paused))
    schedules = _Schedules(airflow, airflow.server_time())
    starts = [_start(dag, active, schedules) for dag in paused.values()]
    telling = [start for start in starts if start.runs or start.backfill or start.assets]
    return Resumption(starts=tuple(sorted(telling, key=lambda s: (-s.runs, s.dag_id))))


def _paused(airflow: Airflow, dag_ids: Collection[str]) -> dict[str, Dag]:
    """Return those of the DAGs that are paused, and that the scheduler would look at."""
    found: Iterable[Dag | None]
    if len(dag_ids) <= ONE_BY_ONE:
        found = [airflow.dag(dag_id) for dag_id in sorted(dag_ids)]
    else:
        found = airflow.dags()
    return {
        dag.dag_id: dag
        for dag in found
        if dag is not None and dag.dag_id in dag_ids and dag.is_paused and not dag.is_stale
    }


def _start(dag: Dag, active: Iterable[DagRun], schedules: "_Schedules") -> Start:
    runs = [run for run in active if run.dag_id == dag.dag_id]
    queued = [run for run in runs if run.state == "queued"]
    backfill = sum(run.run_type == BACKFILL for run in queued)
    missed, quality = schedules.missed(dag)
    return Start(
        dag_id=dag.dag_id,
        queued=len(queued) - backfill,
        going_on=len(runs) - len(queued),
        backfill=backfill,
        missed=missed,
        quality=quality,
        assets=_has_assets(dag),
    )


def _has_assets(dag: Dag) -> bool:
    return any(word in dag.timetable.lower() for word in ("asset", "dataset"))


class _Schedules:
    """How many runs a schedule has asked for by ``now``, asking as little as it can."""

    def __init__(self, airflow: Airflow, now: float) -> None:
        self._airflow = airflow
        self._now = now
        self._left = MOST_COUNTED

    def missed(self, dag: Dag) -> tuple[int, Quality]:
        """Return how many runs of ``dag`` are due."""
        due = dag.next_run
        if due is None or due.due > self._now:
            return 0, "exactly"
        most = int((self._now - due.due) // (due.interval or SHORTEST_SCHEDULE)) + 1
        if most == 1:  # whether it catches up or not
            return 1, "exactly"
        if not self._left:
            return 1, "at least"
        self._left -= 1
        try:
            details = self._airflow.dag_details(dag.dag_id)
        except (RejectedError, UnavailableError) as exc:
            self._give_up(exc)
            return 1, "at least"
        if details is None or details.catchup is None:
            return 1, "at least"
        return self._count(dag, most) if details.catchup else (1, "exactly")

    def _give_up(self, exc: FermataError) -> None:
        """Ask an Airflow that does not answer nothing more: each question takes a minute."""
        if isinstance(exc, UnavailableError):
            self._left = 0

    def _count(self, dag: Dag, most: int) -> tuple[int, Quality]:
        """Count what a DAG that catches up has missed."""
        due = dag.next_run
        if due is None:
            return 0, "exactly"
        last = min(self._now - due.interval, due.logical_date + COUNTED_BACK)
        whole = last == self._now - due.interval
        try:
            count = self._airflow.history.scheduled_between(
                dag.dag_id, first=due.logical_date, last=last
            )
        except (RejectedError, UnavailableError) as exc:
            # 2.x has no such question, and not every account may ask it.
            self._give_up(exc)
            return (most, "about") if due.interval else (1, "at least")
        return max(count, 1), "exactly" if whole else "at least"
