"""How Airflow is before the change: looked at once, before the first pause."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from fermata_hooks.airflow_api import Dag, ImportErrorRow
from fermata_hooks.airflow_api.structures import TaskShape
from fermata_hooks.clock import Clock
from fermata_hooks.handoff._model import (
    Handoff,
    Shape,
    fingerprints,
    parse_seconds,
    source_digest,
)
from fermata_spec.errors import RejectedError, UnavailableError
from fermata_spec.plan import Plan, PlannedDag

MAX_SHAPES = 50  # of how many DAGs hold asks what they are made of
MAX_SOURCES = 200  # how many DAG files hold reads before the change; what was not read is unknown


log = logging.getLogger("fermata.handoff")


class Tasks(Protocol):
    """Where the tasks of a DAG are asked for."""

    def tasks(self, dag_id: str) -> dict[str, TaskShape] | None:
        """Return the tasks of a DAG."""


class Baselines(Protocol):
    """What taking a baseline asks of Airflow."""

    @property
    def structures(self) -> Tasks:
        """What DAGs are made of."""

    def dags(self, *, include_stale: bool = False) -> list[Dag]:
        """Return all DAGs."""

    def import_errors(self) -> list[ImportErrorRow]:
        """Return all import errors."""

    def dag_source(self, dag: Dag) -> str | None:
        """Return the text of the DAG's file."""

    def server_time(self) -> float:
        """Return Airflow's own time."""


def take_baseline(  # noqa: PLR0913 - what hold knows at this point
    airflow: Baselines,
    plan: Plan,
    affected: Collection[str],
    clock: Clock,
    *,
    held: Collection[str] = (),
    dags: Sequence[Dag] | None = None,
    previous: Handoff | None = None,
) -> Handoff:
    """Look at Airflow before the change; asks it nothing when nothing is affected.

    ``held`` is what the hold will be asked to hold, ``dags`` all of Airflow's DAGs, stale ones
    too, where they were listed just now.

    ``previous`` is what ``read_handoff`` returned for this very revision, if anything: its import
    errors, inventory, ``shown``, ``shapes`` and times of parse are kept, because its change may be
    applied already. Each attempt has its own ``started``.
    """
    touched = tuple(sorted(affected))
    if not touched:
        return Handoff(
            application=plan.application,
            revision=plan.revision,
            started=clock.now(),
            held=tuple(sorted(held)),
            useful_until=clock.now() + plan.hold.lease,
        )
    dags = airflow.dags(include_stale=True) if dags is None else dags
    started = airflow.server_time()
    rows = {dag.dag_id: dag for dag in dags}
    base = previous if _still_holds(previous, plan, started) else None
    return Handoff(
        application=plan.application,
        revision=plan.revision,
        started=started,
        affected=touched,
        import_errors=base.import_errors if base else fingerprints(airflow.import_errors()),
        last_parsed={
            dag_id: when
            for dag_id in touched
            if (row := rows.get(dag_id)) and (when := row.last_parsed_time) is not None
        },
        inventory=base.inventory if base else tuple(d.dag_id for d in dags if not d.is_stale),
        shown=base.shown if base else _shown(airflow, plan, touched, rows),
        shapes=base.shapes if base else shapes(airflow.structures, touched, rows),
        held=tuple(sorted(held)),
        useful_until=started + plan.hold.lease,
        parse_seconds=base.parse_seconds if base else _parse_seconds(touched, rows),
    )


def shapes(
    structures: Tasks, dag_ids: Collection[str], rows: Mapping[str, Dag]
) -> dict[str, Shape]:
    """Return what the first ``MAX_SHAPES`` of ``dag_ids`` are made of, as far as it is told.

    Nothing depends on it but what people are told: where Airflow does not answer, it ends there.
    """
    found: dict[str, Shape] = {}
    live = [rows[dag_id] for dag_id in sorted(dag_ids) if dag_id in rows]
    for row in [row for row in live if not row.is_stale][:MAX_SHAPES]:
        try:
            tasks = structures.tasks(row.dag_id)
        except (RejectedError, UnavailableError) as exc:
            log.info("what DAGs are made of is not compared: %s", exc)
            break
        if tasks is not None:
            found[row.dag_id] = Shape(
                schedule=row.timetable,
                tasks={name: (task.owner, task.retries) for name, task in tasks.items()},
            )
    return found


def _parse_seconds(touched: Collection[str], rows: Mapping[str, Dag]) -> dict[str, float]:
    return parse_seconds(rows[dag_id] for dag_id in touched if dag_id in rows)


def _still_holds(previous: Handoff | None, plan: Plan, now: float) -> bool:
    """Return whether an earlier attempt's baseline is the one to judge this attempt by."""
    if previous is None or not previous.affected:
        return False
    return previous.revision == plan.revision and now - previous.started <= plan.hold.lease


def _shown(
    airflow: Baselines, plan: Plan, touched: Collection[str], rows: Mapping[str, Dag]
) -> tuple[str, ...]:
    """Return the touched DAGs whose file has the wanted text already; one request per file."""
    wanted = [d for d in plan.dags if d.dag_id in touched and d.source_digest]
    digests: dict[tuple[str | None, str], str] = {}
    shown = []
    for planned in wanted:
        row = rows.get(planned.dag_id)
        if row is None or row.is_stale:
            continue
        file = (row.bundle_name, row.file)
        if file not in digests:
            if len(digests) >= MAX_SOURCES:
                shown.append(planned.dag_id)
                continue
            digests[file] = source_digest(airflow.dag_source(row) or "")
        if _is_wanted(planned, digests[file]):
            shown.append(planned.dag_id)
    return tuple(sorted(shown))


def _is_wanted(planned: PlannedDag, digest: str) -> bool:
    return bool(planned.source_digest) and planned.source_digest == digest
