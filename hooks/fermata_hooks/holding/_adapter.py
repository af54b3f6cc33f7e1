"""The port to Airflow, by way of Airflow's REST API."""

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from fermata_hooks.airflow_api import AirflowApi, PauseEvent
from fermata_hooks.clock import Clock
from fermata_hooks.holding._airflow import Look, PauseRows
from fermata_hooks.ledger import LogMode, PauseRow
from fermata_spec.errors import RejectedError

ONE_BY_ONE = 20  # up to here single GETs cost less than a listing of which we know nothing
DAGS_PER_GET = 16  # a DAG in a listing costs a sixteenth of a GET of its own (3.3.2: 1.1 of 18 ms)

_NOT_READABLE = {401, 403, 404}


class AirflowPort:
    """One Airflow as the actors of a hold need it."""

    def __init__(self, api: AirflowApi, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._dags = 0  # how many DAGs the last listing held

    @cached_property
    def log_mode(self) -> LogMode:
        """What the event log is worth, by this Airflow's release and by whether we may read it."""
        version = self._api.version()
        if version.pause_log == "unreadable" or (version.api == "v1" and not self._api.account):
            return "unreadable"  # 2.x takes no tag: only an account of our own tells rows apart
        try:
            self._api.pause_events(since=self._clock.now(), dag_ids=())
        except RejectedError as exc:
            if exc.status not in _NOT_READABLE:
                raise
            return "unreadable"
        return version.pause_log

    @cached_property
    def answers_before_commit(self) -> bool:
        """Airflow 3.0 with a recent FastAPI answers first and commits afterwards."""
        return self._api.version().release[:2] == (3, 0)

    def look(self, dag_ids: Collection[str]) -> Look:
        """Return the paused states: by one listing where that is cheaper than a GET for each."""
        wanted = set(dag_ids)
        started = self._clock.now()
        if len(wanted) <= max(ONE_BY_ONE, self._dags // DAGS_PER_GET):
            each = (self._api.dag(dag_id) for dag_id in sorted(wanted))
            paused = {dag.dag_id: dag.is_paused for dag in each if dag is not None}
        else:
            dags = self._api.dags(include_stale=True)
            self._dags = len(dags)
            paused = {dag.dag_id: dag.is_paused for dag in dags if dag.dag_id in wanted}
        took = self._clock.now() - started
        return Look(paused=paused, at=self._api.server_time() - took if wanted else started)

    def set_paused(self, dag_id: str, *, paused: bool, tag: str) -> None:
        """Ask once."""
        self._api.set_paused(dag_id, paused=paused, tag=tag)

    def pause_rows(self, *, since: float, known: Collection[int]) -> PauseRows:
        """Return the rows since then; those written in bulk once for each DAG that they meant."""
        events = self._api.pause_events(since=since, dag_ids=None, known=known)
        return PauseRows(rows=list(self._rows(events)), ids=[event.id for event in events])

    def _rows(self, events: Iterable[PauseEvent]) -> Iterator[PauseRow]:
        v1 = self._api.version().api == "v1"
        for event in events:
            own = v1 and event.owner == self._api.account
            meant = [event.dag_id] if event.dag_id is not None else self._api.dags_meant(event)
            for dag_id in meant:
                yield PauseRow(
                    id=event.id,
                    when=event.when,
                    dag_id=dag_id,
                    owner=event.owner,
                    value=event.value,
                    tag=event.tag,
                    own_account=own,
                )
