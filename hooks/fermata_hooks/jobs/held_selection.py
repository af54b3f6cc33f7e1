"""Which of the held DAGs a person means, in the language of ``hold.select``."""

from collections.abc import Collection
from difflib import get_close_matches

from fermata_hooks.holding import read_status
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import SettingsError
from fermata_spec.selectors import Selector, Wanted, parse_selectors


def held_by(place: Workplace, application: str | None) -> frozenset[str]:
    """Return the DAGs on the list of the application's hold; None: on anybody's."""
    holds, _ = read_status(place.ledger)
    lists = [{*h.todo, *h.held} for h in holds if application in (None, h.application)]
    return frozenset().union(*lists)


def select_held(
    place: Workplace, application: str | None, expressions: Collection[str]
) -> tuple[str, ...]:
    """Return those of the held DAGs that ``expressions`` mean.

    Airflow is asked for its DAGs only where tags, owners or bundles are named.

    Raises:
        SettingsError: an expression is none, says ``affected``, or none of them means a held DAG.

    """
    wanted = read_selectors(expressions)
    held = held_by(place, application)
    chosen = {dag_id for dag_id in held if wanted.select.matches_id(dag_id)}
    if wanted.select.mode == "all":
        chosen |= held
    excluded = {dag_id for dag_id in held if wanted.exclude.matches_id(dag_id)}
    if asks_airflow(wanted.select) or asks_airflow(wanted.exclude):
        dags = [dag for dag in place.airflow.dags(include_stale=True) if dag.dag_id in held]
        chosen |= {dag.dag_id for dag in dags if wanted.select.matches(dag)}
        excluded |= {dag.dag_id for dag in dags if wanted.exclude.matches(dag)}
    if not chosen - excluded:
        raise SettingsError(_no_match(expressions, held))
    return tuple(sorted(chosen - excluded))


def read_selectors(expressions: Collection[str]) -> Wanted:
    """Return what ``--select`` says; what is affected only a plan can tell."""
    try:
        wanted = parse_selectors(expressions)
    except ValueError as exc:
        raise SettingsError(f"--select: {exc}") from exc
    if wanted.select.mode == "affected":
        raise SettingsError("--select: what is affected a plan says, and there is none here")
    return wanted


def asks_airflow(selector: Selector) -> bool:
    """Return whether only Airflow can tell what the selector means."""
    return bool(selector.tags or selector.owners or selector.bundles)


def _no_match(expressions: Collection[str], held: Collection[str]) -> str:
    near = next(filter(None, (get_close_matches(e, held, n=1) for e in expressions)), None)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"--select: {', '.join(expressions)}: none of {len(held)} held DAG(s){hint}"
