"""From two compiled checkouts to the difference between them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from fermata_plugin.differ.causes import causes_of
from fermata_plugin.differ.dags import Dags
from fermata_plugin.differ.objects import changed_hooks, changed_manifests, changed_objects
from fermata_plugin.differ.risks import risks_of
from fermata_plugin.differ.settings import Settings
from fermata_plugin.differ.starts import Assumed, runs_to_start, shown_schedule
from fermata_plugin.differ.touched import Touched, touched
from fermata_plugin.render import Compiled
from fermata_spec.difference import (
    AffectedDag,
    Difference,
    Held,
    Risk,
    ScheduleChange,
    Side,
    Start,
)
from fermata_spec.plan import Plan

_MOST_COUNTED = 100_000  # DAGs and runs together: some ten seconds


def compare(old: Compiled, new: Compiled, sides: tuple[Side, Side], assumed: Assumed) -> Difference:
    """Return what going from ``old`` to ``new`` will do; ``new`` has a plan."""
    if new.plan is None:
        raise ValueError("the new side was not compiled")
    before, after = Dags(old), Dags(new)
    both = _Both(new.plan, before, after, touched(old.plan, new.plan, before, after))
    emits = new.loaded is not None and new.loaded.config.hooks.emit
    affected = _affected(both) if emits else map(_unheld, _affected(both))
    return Difference(
        application=new.plan.application,
        old=sides[0],
        new=sides[1],
        now=_rfc3339(assumed.now),
        since=_rfc3339(assumed.since),
        airflow=assumed.airflow,
        affected=tuple(sorted(affected, key=lambda dag: dag.dag_id)),
        schedules=tuple(sorted(_schedules(both), key=lambda each: each.dag_id)),
        starts=tuple(
            sorted(_starts(both, assumed), key=lambda each: (-(each.runs or 0), each.dag_id))
        ),
        risks=tuple(
            sorted(
                [*_risks(both), *_moved(old.plan, new.plan)],
                key=lambda risk: (risk.dag_id, risk.kind),
            )
        ),
        objects=tuple(changed_objects(old, new)),
        hooks=tuple(changed_hooks(old, new)),
        manifests=tuple(changed_manifests(old, new)),
    )


class _Both(NamedTuple):
    """Both sides, and what is touched between them."""

    plan: Plan
    before: Dags
    after: Dags
    touched: Touched

    def settings(self) -> Iterator[tuple[Settings, Settings]]:
        """Yield the settings of each touched DAG that both sides have."""
        for old_id, new_id in self.touched.pairs:
            yield self.before.settings(old_id), self.after.settings(new_id)


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _affected(both: _Both) -> Iterator[AffectedDag]:
    before, after = both.before, both.after
    for old_id, dag_id in both.touched.pairs:
        held, why_not = _held(before.settings(old_id), both.plan)
        renamed = old_id != dag_id
        yield AffectedDag(
            dag_id=dag_id,
            change="renamed" if renamed else "changed",
            file=after.file(dag_id),
            old_dag_id=old_id if renamed else "",
            causes=causes_of(before.definition(old_id), after.definition(dag_id)),
            held=held,
            why_not=why_not,
        )
    for dag_id in both.touched.added:
        yield AffectedDag(
            dag_id=dag_id,
            change="added",
            file=after.file(dag_id),
            held="no",
            why_not="Airflow does not know it yet",
        )
    for dag_id in both.touched.removed:
        held, why_not = _held(before.settings(dag_id), both.plan)
        yield AffectedDag(
            dag_id=dag_id,
            change="removed",
            file=before.file(dag_id),
            held=held,
            why_not=why_not,
        )


def _unheld(dag: AffectedDag) -> AffectedDag:
    return replace(dag, held="no", why_not="hooks.emit is false")


def _held(dag: Settings, plan: Plan) -> tuple[Held, str]:
    """Return whether a hold pauses an affected DAG, by what is known of it in git."""
    select, exclude = plan.hold.select, plan.hold.exclude
    if any(smoke.dag_id == dag.dag_id for smoke in plan.smoke.dags):
        return "no", "a smoke DAG is never held"
    if exclude.matches(dag):
        return "no", "hold.exclude names it"
    if exclude.bundles:
        return "unknown", "hold.exclude goes by bundles, which git does not tell"
    if select.mode != "listed" or select.matches(dag):
        return "yes", ""
    if select.bundles:
        return "unknown", "hold.select goes by bundles, which git does not tell"
    return "no", "hold.select does not name it"


def _schedules(both: _Both) -> Iterator[ScheduleChange]:
    for old, new in both.settings():
        was, now = shown_schedule(old.schedule), shown_schedule(new.schedule)
        if was != now:
            yield ScheduleChange(dag_id=new.dag_id, old=was, new=now)


def _starts(both: _Both, assumed: Assumed) -> Iterator[Start]:
    known = [
        (before if before.dag_id == after.dag_id else None, after)
        for before, after in both.settings()
    ]
    added = [(None, both.after.settings(dag_id)) for dag_id in both.touched.added]
    counted = 0
    for old, new in [*known, *added]:
        if counted > _MOST_COUNTED:
            yield Start(
                dag_id=new.dag_id, runs=None, first=old is None, why="not counted: too many"
            )
            continue
        start = runs_to_start(old, new, assumed)
        counted += 1 if start is None else 1 + (start.runs or 0)
        if start is not None and (start.runs is not None or old is None or _is_new(old, new)):
            yield start


def _is_new(old: Settings, new: Settings) -> bool:
    """Whether what decides over runs is another."""
    names = ("schedule", "start_date", "end_date", "catchup")
    return any(old.decides(name) != new.decides(name) for name in names)


def _risks(both: _Both) -> Iterator[Risk]:
    for dag_id, old_id in both.touched.renamed.items():
        told = (
            f"was {old_id}: to Airflow a new DAG, without history, and paused unless told otherwise"
        )
        yield Risk(dag_id=dag_id, kind="renamed", message=told)
    for dag_id in both.touched.removed:
        told = "Airflow keeps its history, and schedules it no more"
        yield Risk(dag_id=dag_id, kind="removed", message=told)
    for old, new in both.settings():
        yield from risks_of(old, new)
    earlier = dict(both.before.untold())
    for path, digest in both.after.untold():
        if earlier.get(path) != digest:
            told = f"{path} computes DAG ids: those DAGs are neither held nor verified by name"
            yield Risk(dag_id="", kind="untold", message=told)


def _moved(old: Plan | None, new: Plan) -> Iterator[Risk]:
    """Yield the DAGs that come from another file of Airflow's DAGs folder."""
    before = {dag.dag_id: dag for dag in old.dags} if old is not None else {}
    for dag in new.dags:
        was = before.get(dag.dag_id, dag)
        if was.file != dag.file:
            one, other = (each.source for each in (was, dag))
            told = f"from {one} to {other}" if one != other else f"from {was.file} to {dag.file}"
            yield Risk(dag_id=dag.dag_id, kind="moved", message=told)
