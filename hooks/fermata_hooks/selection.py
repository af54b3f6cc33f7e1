"""Which DAGs a hold wants: what is selected, less what is excluded, less the smoke DAGs.

Pure. ``affected`` is judged against the digests of the last passed verify, so that a retry after
a failed verify does not find nothing to do. DAGs named in ``smoke`` are left out of every hold: a
held DAG's run would stay queued for ever.

A selector must mean something: an id that neither Airflow nor git knows, or a selection of which
no part matches any DAG, is misconfigured, and nothing is paused. Not so at the first deployment
of an application, whose DAGs Airflow cannot know yet and git cannot always tell: that would be
blocked for ever.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fermata_hooks.airflow_api import Dag
from fermata_spec.dagset import Change, DagSetStatus
from fermata_spec.errors import SettingsError
from fermata_spec.plan import Plan
from fermata_spec.selectors import Selector


@dataclass(frozen=True, kw_only=True)
class Selection:
    """``wanted``: in Airflow, to be held. ``new``: selected, but Airflow has not parsed them yet.

    ``unmatched`` are the parts of the selector that match no DAG.
    """

    wanted: tuple[str, ...]
    new: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()


def select(
    plan: Plan,
    change: Change,
    dags: Collection[Dag],
    *,
    first: bool = False,
    where: str = "hold.select",
) -> Selection:
    """Return what a hold of ``plan`` wants of ``dags``, all of Airflow's, stale ones too.

    ``first``: nothing of the application has been deployed yet. ``where`` is what a message calls
    the selector.

    Raises:
        SettingsError: a DAG id is unknown, or nothing at all matches a selection that lists.

    """
    policy = plan.hold
    present = {dag.dag_id for dag in dags}
    planned = plan.digests().keys()
    unmatched = _unmatched(policy.select, dags, planned)
    if not first:
        _refuse_unknown(policy.select, present | planned, where)
        _refuse_unknown(policy.exclude, present | planned, "hold.exclude")
        if policy.select.mode == "listed" and len(unmatched) == len([*policy.select.parts()]):
            raise SettingsError(_no_match(unmatched, dags, present | planned, where))

    chosen = _chosen(policy.select, change, dags, planned)
    smoke = {dag.dag_id for dag in plan.smoke.dags}
    excluded = {dag.dag_id for dag in dags if policy.exclude.matches(dag)}
    excluded |= {dag_id for dag_id in planned if policy.exclude.matches_id(dag_id)}
    return Selection(
        wanted=tuple(sorted(chosen & present - smoke - excluded)),
        new=tuple(sorted(chosen - present - smoke - excluded)),
        excluded=tuple(sorted(chosen & excluded - smoke)),
        smoke=tuple(sorted(chosen & smoke)),
        unmatched=unmatched,
    )


def is_first_deployment(plan: Plan, status: DagSetStatus, dags: Iterable[Dag]) -> bool:
    """Return whether nothing of the application was verified, and Airflow has none of its DAGs."""
    planned = plan.digests().keys()
    return status.verified is None and planned.isdisjoint(dag.dag_id for dag in dags)


def _chosen(
    selector: Selector, change: Change, dags: Iterable[Dag], planned: Iterable[str]
) -> set[str]:
    chosen = {dag.dag_id for dag in dags if selector.matches(dag)}
    chosen |= {dag_id for dag_id in planned if selector.matches_id(dag_id)}
    match selector.mode:
        case "affected":
            chosen |= change.affected
        case "all":
            chosen |= {dag.dag_id for dag in dags if not dag.is_stale}
        case "listed":
            pass
    return chosen


def _unmatched(
    selector: Selector, dags: Collection[Dag], planned: Collection[str]
) -> tuple[str, ...]:
    return tuple(
        expression
        for expression, part in selector.parts()
        if not any(part.matches(dag) for dag in dags)
        and not any(part.matches_id(dag_id) for dag_id in planned)
    )


def _refuse_unknown(selector: Selector, known: Collection[str], where: str) -> None:
    for dag_id in selector.dag_ids:
        if dag_id not in known:
            hint = _hint(dag_id, known)
            raise SettingsError(
                f"{where}: no DAG {dag_id!r} in Airflow or in git, of {len(known)}{hint}"
            )


def _no_match(
    unmatched: Sequence[str], dags: Iterable[Dag], known: Collection[str], where: str
) -> str:
    """Return the message for a selection that matches nothing, with what may have been meant."""
    tags, owners, bundles = set[str](), set[str](), set[str]()
    for dag in dags:
        tags.update(f"tag:{tag}" for tag in dag.tags)
        owners.update(f"owner:{owner}" for owner in dag.owners)
        bundles.update({f"bundle:{dag.bundle_name}"} if dag.bundle_name else ())
    hint = next(filter(None, (_hint(e, tags | owners | bundles) for e in unmatched)), "")
    said = ", ".join(unmatched) or "an empty list"
    return f"{where}: {said}: matches none of {len(known)} DAG(s) in Airflow and in git{hint}"


def _hint(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
