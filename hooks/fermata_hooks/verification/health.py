"""Is Airflow alive enough for its silence to mean something?

A DAG processor that has crashed reports no import errors and keeps the old list of DAGs (measured
on 3.3: a loop of links in the DAGs folder ends it). So nothing passes without its heartbeat. On
Airflow 2 it is usually a part of the scheduler, and then has no entry of its own.
"""

from fermata_hooks.airflow_api import ComponentHealth, Health
from fermata_hooks.verification._finding import Finding, Light
from fermata_spec.report import Check

MAX_AGE = 60.0  # seconds; Airflow itself calls a component unhealthy after 30

CHECK = "health"


def judge(health: Health, *, now: float, api: str) -> Finding:
    """Return whether scheduler and DAG processor are alive; ``now`` is Airflow's own time."""
    problems: list[str] = []
    numbers: dict[str, float | int | str] = {}
    for name, component in _needed(health, api).items():
        if component.heartbeat is not None:
            numbers[f"{name}_age"] = round(max(now - component.heartbeat, 0.0), 1)
        problem = _problem(component, now)
        if problem:
            problems.append(f"{name} {problem}")
    if problems:
        return Finding(
            Check(
                name=CHECK,
                verdict="inconclusive",
                message=f"{'; '.join(problems)}: what it reports says nothing",
                numbers=numbers,
            ),
            Light.WAITING,
        )
    message = " and ".join(name.replace("_", " ") for name in _needed(health, api)) + " alive"
    triggerer = health.triggerer
    if triggerer.heartbeat is not None:
        numbers["triggerer_age"] = round(max(now - triggerer.heartbeat, 0.0), 1)
    if triggerer.status is not None and _problem(triggerer, now):
        message += f"; triggerer {_problem(triggerer, now)}: deferred tasks wait"
    return Finding(Check(name=CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN)


def _needed(health: Health, api: str) -> dict[str, ComponentHealth]:
    needed = {"scheduler": health.scheduler}
    if api == "v2" or health.dag_processor.status is not None:
        needed["dag_processor"] = health.dag_processor
    if health.metadatabase.status not in (None, "healthy"):
        needed["metadatabase"] = health.metadatabase
    return needed


def _problem(component: ComponentHealth, now: float) -> str:
    if component.status is None:
        return "has never run"
    if not component.healthy:
        return f"is {component.status}"
    age = now - component.heartbeat if component.heartbeat is not None else 0.0
    if age > MAX_AGE:
        return f"was last alive {age:.0f}s ago"
    if age < -MAX_AGE:
        return f"has a clock that is {-age:.0f}s ahead"
    return ""
