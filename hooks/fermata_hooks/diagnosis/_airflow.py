"""Airflow: does it answer, is it well, and what may our account do there.

What may be changed is asked by changing a DAG that does not exist: Airflow looks at the permission
first (403), and then does not find the DAG (404).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from fermata_hooks.airflow_api import AirflowApi, Dag
from fermata_hooks.clock import Clock
from fermata_hooks.diagnosis._clocks import compare
from fermata_hooks.diagnosis._examination import FORBIDDEN, Examination
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

OLDEST = (2, 11)
NO_SUCH = "fermata-doctor-no-such-dag"
ROLE = "Fermata"
FIRST = ("can_read", "DAGs")
NOBODY, NOT_FOUND = 401, 404
SIGN_IN = (
    "kubectl -n airflow create secret generic fermata-airflow "
    "--from-file=username --from-file=password"
)
COMPONENTS = ("metadatabase", "scheduler", "dag_processor")


class Permission(NamedTuple):
    """``action`` on ``resource`` in the words of Airflow's FAB; ``ask`` asks for it."""

    action: str
    resource: str
    ask: Callable[[], object]


def examine_airflow(found: Examination, airflow: AirflowApi, clock: Clock) -> None:
    """Look at version, clock, components and permissions."""
    asked_at = clock.now()
    try:
        version = airflow.version()
    except (UnavailableError, RejectedError, SettingsError) as exc:
        found.bad("Airflow", str(exc), "# is FERMATA_AIRFLOW_URL its address, as seen from here?")
        return
    if version.release < OLDEST:
        found.bad("Airflow", f"{version.text}: older than 2.11", "# upgrade Airflow")
    else:
        found.good("Airflow", f"{version.text}, API {version.api}")
    with found.looking("clock of Airflow"):
        there = airflow.server_time()
        compare(found, "clock of Airflow", there, asked_at=asked_at, clock=clock)
    if all(_ask(found, permission) for permission in _permissions(found, airflow, clock)):
        _health(found, airflow)


def _health(found: Examination, airflow: AirflowApi) -> None:
    with found.looking("components of Airflow"):
        health = airflow.health()
        states = {name: getattr(health, name).status for name in COMPONENTS}
        unwell = {name: s for name, s in states.items() if s is not None and s != "healthy"}
        told = ", ".join(f"{name}: {status}" for name, status in unwell.items())
        if unwell:
            found.bad("components of Airflow", told, "kubectl -n airflow get pods")
        else:
            found.good("components of Airflow", "healthy")


def _permissions(found: Examination, airflow: AirflowApi, clock: Clock) -> Iterator[Permission]:
    """Yield what hooks and watch need, with a question for each."""
    dags: list[Dag] = []
    yield Permission("can_read", "DAGs", lambda: dags.extend(airflow.dags()))
    yield Permission("can_edit", "DAGs", lambda: airflow.set_paused(NO_SUCH, paused=True))
    yield Permission("can_read", "ImportError", airflow.import_error_count)
    since = clock.now()
    yield Permission(
        "can_read", "Audit Logs", lambda: airflow.pause_events(since=since, dag_ids=None)
    )
    yield Permission("can_read", "DAG Warnings", airflow.offers.warnings)
    yield Permission(
        "can_create",
        "DAG Runs",
        lambda: airflow.trigger(NO_SUCH, run_id="fermata-doctor", conf={}, note=""),
    )
    if not dags:
        told = "there is no DAG to ask about"
        found.unknown("can_read on DAG Code, DAG Runs, Task Instances", told)
        return
    dag = dags[0]
    yield Permission("can_read", "DAG Code", lambda: _seen(airflow.dag_source(dag)))
    yield Permission("can_read", "DAG Runs", lambda: airflow.dag_run(dag.dag_id, "fermata-doctor"))
    yield Permission(
        "can_read",
        "Task Instances",
        lambda: airflow.task_instances(dag_ids=[dag.dag_id], states=["running"]),
    )


def _seen(source: str | None) -> None:
    if source is None:
        raise RejectedError("its source is not shown", status=403)


def _ask(found: Examination, permission: Permission) -> bool:
    """Ask for one permission; return whether there is a use in asking for others."""
    name = f"{permission.action} on {permission.resource}"
    try:
        permission.ask()
    except RejectedError as exc:
        if exc.status == NOBODY:
            found.bad("account in Airflow", str(exc), SIGN_IN)
            return False
        if exc.status in FORBIDDEN:
            add = f'airflow roles add-perms {ROLE} -r "{permission.resource}"'
            told = "# Airflow 2 answers so to a wrong password, too: is it the right one?"
            found.bad(
                name,
                str(exc),
                *((told, SIGN_IN) if (permission.action, permission.resource) == FIRST else ()),
                "# FAB; with the simple auth manager: the role op",
                f"{add} -a {permission.action}",
            )
            return True
        if exc.status != NOT_FOUND:
            found.unknown(name, str(exc))
            return True
    except SettingsError as exc:
        found.bad("account in Airflow", str(exc), SIGN_IN)
        return False
    except UnavailableError as exc:
        found.unknown(name, str(exc))
        return True
    found.good(name, "allowed")
    return True
