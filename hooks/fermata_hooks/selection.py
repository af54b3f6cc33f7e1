"""Which DAGs a hold wants: a union of selectors, less exclusions, less the smoke DAGs.

Pure. ``affected`` is judged against the digests of the last passed verify, so that a retry after
a failed verify does not find nothing to do. DAGs named in ``smoke`` are left out of every hold: a
held DAG's run would stay queued for ever.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from fermata_hooks.airflow_api import Dag
from fermata_spec.dagset import Change
from fermata_spec.errors import SettingsError
from fermata_spec.plan import Plan
from fermata_spec.selectors import Selector


@dataclass(frozen=True, kw_only=True)
class Selection:
    """``wanted``: in Airflow, to be held. ``new``: touched, but Airflow has not parsed them yet."""

    wanted: tuple[str, ...]
    new: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()


def select(plan: Plan, change: Change, dags: Collection[Dag]) -> Selection:
    """Return what a hold of ``plan`` wants of ``dags``, all of Airflow's, stale ones too.

    Raises:
        SettingsError: the policy names a DAG id that neither Airflow nor the plan knows.

    """
    policy = plan.hold
    present = {dag.dag_id for dag in dags}
    known = present | plan.digests().keys()
    _refuse_unknown(policy.select, known, "hold.select")
    _refuse_unknown(policy.exclude, known, "hold.exclude")

    chosen = _chosen(policy.select, change, dags)
    smoke = {dag.dag_id for dag in plan.smoke.dags}
    excluded = {dag.dag_id for dag in dags if matches(policy.exclude, dag)}
    return Selection(
        wanted=tuple(sorted(chosen & present - smoke - excluded)),
        new=tuple(sorted(chosen - present - smoke)),
        excluded=tuple(sorted(chosen & excluded - smoke)),
        smoke=tuple(sorted(chosen & smoke)),
    )


def matches(selector: Selector, dag: Dag) -> bool:
    """Return whether a listed ``selector`` names ``dag`` in any of its ways."""
    return (
        dag.dag_id in selector.dag_ids
        or any(fnmatchcase(dag.dag_id, glob) for glob in selector.globs)
        or not set(selector.tags).isdisjoint(dag.tags)
        or not set(selector.owners).isdisjoint(dag.owners)
        or dag.bundle_name in selector.bundles
    )


def _chosen(selector: Selector, change: Change, dags: Iterable[Dag]) -> set[str]:
    match selector.mode:
        case "affected":
            return set(change.affected)
        case "all":
            return {dag.dag_id for dag in dags if not dag.is_stale}
        case "listed":
            return {dag.dag_id for dag in dags if matches(selector, dag)}


def _refuse_unknown(selector: Selector, known: Collection[str], where: str) -> None:
    for dag_id in selector.dag_ids:
        if dag_id not in known:
            near = get_close_matches(dag_id, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise SettingsError(
                f"{where}.dag_ids: no DAG {dag_id!r} in Airflow or in git, of {len(known)}{hint}"
            )
