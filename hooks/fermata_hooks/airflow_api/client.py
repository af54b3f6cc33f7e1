"""The verbs that Fermata asks of Airflow, the same for ``/api/v1`` (2.x) and ``/api/v2`` (3.x)."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Self

from fermata_hooks.airflow_api import _logs, _parsing
from fermata_hooks.airflow_api._bulk import meant_by
from fermata_hooks.airflow_api._conversation import Conversation
from fermata_hooks.airflow_api._dialects import TAG_PARAMETER
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._questions import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    Questions,
    fields_of,
)
from fermata_hooks.airflow_api._scans import Scan
from fermata_hooks.airflow_api.credentials import Credentials
from fermata_hooks.airflow_api.fronts import Front
from fermata_hooks.airflow_api.history import History
from fermata_hooks.airflow_api.models import (
    REDACTED,
    AirflowVersion,
    Dag,
    DagDetails,
    DagRun,
    Health,
    ImportErrorRow,
    PauseAnswer,
    PauseEvent,
    TaskInstance,
)
from fermata_hooks.airflow_api.offers import Offers
from fermata_hooks.airflow_api.structures import Structures
from fermata_hooks.clock import Clock
from fermata_hooks.deeds import NoWitness, Witness
from fermata_hooks.exchange import Query, Request, Transport, segment
from fermata_spec.errors import RejectedError

NO_SUCH_DAG = "fermata-asks-whether-it-may-read-every-dag"
NOTE_LIMIT = 1000  # characters of a run's note in Airflow's database

_RUN_ID = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}")


class AirflowApi:
    """One Airflow, reached over HTTP; may be used by several threads at once.

    Every verb raises ``UnavailableError`` (no answer, 5xx, 429), ``RejectedError`` (other 4xx,
    redirects, answers that are not what Airflow promises) or ``SettingsError`` (an address or a
    file of the credentials that is no good), and nothing else. What is safe to repeat is repeated
    a few times inside; ``set_paused`` never is.
    """

    def __init__(  # noqa: PLR0913 - two, and four by keyword
        self,
        url: str,
        credentials: Credentials,
        *,
        clock: Clock,
        timeout: float = 30.0,
        ca_file: Path | None = None,
        front: Front | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Make a client; nothing is asked yet.

        Args:
            url: Airflow's base address; it may have a path (``https://host/deployment``).
            credentials: who we are.
            clock: for the waits between attempts.
            timeout: seconds for one request.
            ca_file: certificates to trust instead of the public ones.
            front: what a proxy before Airflow wants.
            witness: who is told of each request that changes something; None: nobody.

        """
        self._transport = Transport(
            url, service="Airflow", clock=clock, timeout=timeout, ca_file=ca_file
        )
        self._talk = Conversation(
            self._transport, credentials, clock, front or Front(), witness or NoWitness()
        )
        self._questions = Questions(self._talk)
        self.history = History(self._talk, self._questions)
        self.offers = Offers(self._talk, self._questions)
        self.structures = Structures(self._questions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections; also the end of a ``with`` block."""
        self._transport.close()

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far by kind (``airflow GET``, …), for ``Report.calls``."""
        return self._transport.calls

    @property
    def account(self) -> str | None:
        """The user name that our rows in the event log carry, where known (password files)."""
        return self._talk.credentials.account

    def version(self) -> AirflowVersion:
        """Return which Airflow this is; asked once, then remembered."""
        return self._talk.version

    def version_text(self) -> str:
        """Return the version of Airflow, asked anew: it may have been replaced meanwhile."""
        return self._questions.one("/version").text("version")

    def health(self) -> Health:
        """Return the health of the components; Airflow answers this also when it is unwell."""
        return _parsing.health(self._questions.one(self._talk.dialect.health_path))

    def server_time(self) -> float:
        """Return the time by Airflow's clock at its last answer, in whole seconds.

        It may be some seconds behind: a busy 3.x renews its ``Date`` late (4 s were measured).
        """
        if self._talk.last_answer_at is None:
            self._questions.one("/version")
        return self._talk.last_answer_at or 0.0

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs that this account may read, each once, sorted by id."""
        dialect = self._talk.dialect
        query = [*dialect.dag_list, *(dialect.all_dags if include_stale else dialect.live_dags)]
        query.append(("order_by", "dag_id"))
        dag_id = attrgetter("dag_id")
        rows = self._questions.rows("/dags", "dags", query, self._parse_dag, dag_id)
        return sorted(rows, key=dag_id)

    def dag(self, dag_id: str) -> Dag | None:
        """Return one DAG, stale or not; ``None`` if Airflow has none of that id."""
        fields = self._questions.one_or_none(f"/dags/{segment(dag_id)}")
        return self._parse_dag(fields) if fields else None

    def reads_every_dag(self) -> bool:
        """Return whether this account may read all DAGs, not only single ones (or none).

        Asked by a DAG that does not exist: who may read some only is refused it (403).
        """
        try:
            self.dag(NO_SUCH_DAG)
        except RejectedError as exc:
            if exc.status != FORBIDDEN:
                raise
            return False
        return True

    def dag_details(self, dag_id: str) -> DagDetails | None:
        """Return a DAG with its serialized form; ``None`` if there is none (2.x: or inactive).

        On 2.x the owners are missing here: ``dag`` has them.
        """
        fields = self._questions.one_or_none(f"/dags/{segment(dag_id)}/details")
        return _parsing.dag_details(fields, self._talk.dialect) if fields else None

    def dag_source(self, dag: Dag) -> str | None:
        """Return the text of the DAG's file at its last parse; ``None`` if absent or redacted."""
        name = {"dag_id": dag.dag_id, "file_token": dag.file_token}[self._talk.dialect.source_by]
        fields = self._questions.one_or_none(f"/dagSources/{segment(name)}") if name else None
        source = fields.text("content") if fields else REDACTED
        return None if source.startswith(REDACTED) else source

    def set_paused(self, dag_id: str, *, paused: bool, tag: str = "") -> PauseAnswer:
        """Pause or unpause one DAG, with exactly one request that Airflow may have acted on.

        Never repeated inside, because the ledger must know of each request that had no answer.
        ``tag`` is written into Airflow's event log on 3.x (2.x would refuse it: left out there).
        ``NotSentError`` means that nothing was sent; any other ``UnavailableError`` that it may
        still take effect. An unknown DAG is a ``RejectedError`` of status 404.
        """
        query = [("update_mask", "is_paused")]
        if tag and self._talk.dialect.tags_requests:
            query.append((TAG_PARAMETER, tag))
        body = {"is_paused": paused}
        path = f"/dags/{segment(dag_id)}"
        answer = self._talk.ask(Request(method="PATCH", path=path, query=query, body=body))
        return PauseAnswer(dag=self._parse_dag(fields_of(answer)), at=answer.at)

    def import_errors(self) -> list[ImportErrorRow]:
        """Return the files that could not be imported, sorted by id.

        An account that may not read all DAGs sees fewer, without a sign that it does.
        """
        query = [("order_by", "import_error_id")]
        path, number = "/importErrors", attrgetter("id")
        rows = self._questions.rows(path, "import_errors", query, _parsing.import_error, number)
        return sorted(rows, key=number)

    def import_error_count(self) -> int:
        """Return how many files could not be imported, as ``import_errors`` would list them."""
        answer = self._questions.ask("GET", "/importErrors", query=[("limit", "1")])
        return fields_of(answer).number("total_entries")

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        """Return the task instances of ``dag_ids`` in ``states``, across all runs.

        No states are none (Airflow would take them for all); states of later releases neither.
        """
        path, name = "/dags/~/dagRuns/~/taskInstances/list", "task_instances"
        known = [state for state in states if state not in self._talk.dialect.later_states]
        scan = Scan(self._questions, path, name, {"state": known})
        return scan.rows(dag_ids if known else (), _parsing.task_instance, _which_task)

    def run_task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return the task instances of one run."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances"
        return self._questions.rows(path, "task_instances", [], _parsing.task_instance, _which_task)

    def log_tail(self, ti: TaskInstance, *, lines: int) -> list[str]:
        """Return the last ``lines`` lines of the log of a task's last try; empty if none."""
        log_type = self._talk.dialect.log_type
        path = f"{_run_path(ti.dag_id, ti.run_id)}/taskInstances/{segment(ti.task_id)}"
        request = Request(
            method="GET",
            path=f"{path}/logs/{max(ti.try_number, 1)}",
            query=[("full_content", "true"), ("map_index", str(ti.map_index))],
            accept=log_type,
            repeatable=True,
            limit=_logs.LOG_LIMIT,
            cut=True,
        )
        try:
            answer = self._talk.ask(request)
        except RejectedError as exc:
            if exc.status == NOT_FOUND:
                return []
            raise
        _logs.refuse_html(answer.content_type, answer.subject)
        return _logs.tail(answer.body, lines=lines, structured=log_type != "text/plain")

    def trigger(self, dag_id: str, *, run_id: str, conf: Mapping[str, object], note: str) -> DagRun:
        """Start a run called ``run_id``; if there is one of that name already, return that one.

        A DAG that is not there, stale or (2.x) inactive is a ``RejectedError`` of status 404.
        """
        if not _RUN_ID.fullmatch(run_id):  # 2.x answers with a crash, which looks like a bad moment
            allowed = "1 to 250 letters, digits and _.~:+-"
            raise RejectedError(f"{dag_id}: run id {run_id!r} is not {allowed}", status=400)
        body = {**self._talk.dialect.trigger, "dag_run_id": run_id, "conf": dict(conf)}
        path = f"/dags/{segment(dag_id)}/dagRuns"
        try:
            answer = self._questions.ask("POST", path, body={**body, "note": note[:NOTE_LIMIT]})
        except RejectedError as exc:
            existing = self.dag_run(dag_id, run_id) if exc.status == CONFLICT else None
            if existing is None:
                raise
            return existing
        return _parsing.dag_run(fields_of(answer))

    def dag_run(self, dag_id: str, run_id: str) -> DagRun | None:
        """Return a run; ``None`` if there is none of that id."""
        fields = self._questions.one_or_none(_run_path(dag_id, run_id))
        return _parsing.dag_run(fields) if fields else None

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Set a run's state: ``failed`` ends its running tasks."""
        self._questions.ask("PATCH", _run_path(dag_id, run_id), body={"state": state})

    def request_parse(self, file_token: str) -> None:
        """Ask Airflow to parse a file soon (3.x: and to look through its bundle for new ones).

        A request that is already waiting there is as good (409).
        """
        try:
            self._questions.ask("PUT", f"/parseDagFile/{segment(file_token)}")
        except RejectedError as exc:
            if exc.status != CONFLICT:
                raise

    def pause_events(
        self, *, since: float, dag_ids: Sequence[str] | None, known: Collection[int] = ()
    ) -> list[PauseEvent]:
        """Return who paused or unpaused since then, oldest first, only of ``dag_ids`` if given.

        Rows about many DAGs at once (``dag_id`` is ``None``) are always among them. Not readable
        is a ``RejectedError`` of status 403. Rows of DAGs that this account may not read are left
        out by Airflow. ``known`` are the ids of all rows since then that were read before: they
        are left out, and cost next to nothing.
        """
        dialect = self._talk.dialect
        after = datetime.fromtimestamp(since, UTC).isoformat()
        query = [
            *dialect.many("included_events", dialect.pause_values),
            ("after", after),
            ("order_by", "-event_log_id" if known else "event_log_id"),
        ]
        parse = partial(_parsing.pause_event, dialect=dialect)
        number = attrgetter("id")
        path, name = "/eventLogs", "event_logs"
        if known:
            rows = self._questions.new_rows(path, name, query, parse, number, known)
        else:
            rows = self._questions.rows(path, name, query, parse, number)
        wanted = None if dag_ids is None else frozenset(dag_ids)
        return sorted(
            (row for row in rows if wanted is None or row.dag_id is None or row.dag_id in wanted),
            key=number,
        )

    def dags_meant(self, event: PauseEvent) -> list[str]:
        """Return the ids of the DAGs that a row about many DAGs meant, as its filters match now.

        Airflow writes down the last of several tags or owners only, and neither paging nor what
        was paused before: the answer may be somewhat more or less than what was changed.
        """
        return meant_by(event, self._talk.dialect, self._dag_ids)

    def _dag_ids(self, query: Query) -> list[str]:
        query = [*query, ("order_by", "dag_id")]
        return self._questions.rows("/dags", "dags", query, lambda row: row.text("dag_id"), str)

    def _parse_dag(self, fields: Fields) -> Dag:
        return _parsing.dag(fields, self._talk.dialect)


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{segment(dag_id)}/dagRuns/{segment(run_id)}"


def _which_task(ti: TaskInstance) -> tuple[object, ...]:
    return ti.dag_id, ti.run_id, ti.task_id, ti.map_index
