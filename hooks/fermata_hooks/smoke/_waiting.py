"""What a run that does not end waits for: paused, no scheduler, a full pool, no worker."""

from fermata_hooks.airflow_api import Health, TaskInstance
from fermata_hooks.smoke._runs import Airflow, SmokeRun
from fermata_spec.errors import RejectedError, UnavailableError

_NAMED = 3  # tasks that are told of
_STATES = {
    "running": "still runs",
    "queued": "",
    "scheduled": "",
    "deferred": "",
    "up_for_retry": "waits for its retry",
    "up_for_reschedule": "waits for its next poke",
    "restarting": "is started again",
    "awaiting_input": "waits for a person's answer",
}


def waits_for(airflow: Airflow, run: SmokeRun) -> tuple[bool, str]:
    """Return whether a task has begun, and what the run waits for."""
    try:
        details = airflow.dag_details(run.dag_id)
        tasks = airflow.run_task_instances(run.dag_id, run.run_id)
    except (RejectedError, UnavailableError) as exc:
        return False, f"cannot be told: {exc}"
    if details is not None and details.dag.is_paused:
        return False, "the DAG was paused after its run was triggered"
    begun = any(task.state == "running" or task.finished for task in tasks)
    waiting = [task for state in _STATES for task in tasks if task.state == state]
    if waiting:
        told = [f"task {task_name(task)} {_reason(airflow, task)}" for task in waiting[:_NAMED]]
        more = [f"{len(waiting) - _NAMED} more"] if len(waiting) > _NAMED else []
        return begun, "; ".join([*told, *more])
    if run.state == "queued":
        return False, _not_started(airflow, run)
    return begun, f"no task of it is under way{_dead(airflow, 'scheduler')}"


def task_name(task: TaskInstance) -> str:
    """Return a task's id, with its index if it is one of several."""
    return f"{task.task_id}[{task.map_index}]" if task.map_index >= 0 else task.task_id


def _reason(airflow: Airflow, task: TaskInstance) -> str:
    match task.state:
        case "queued":
            queue = f" of queue {task.queue}" if task.queue else ""
            return (
                f"is queued: no worker{queue} has taken it (none listens, or all their slots are "
                f"taken){_dead(airflow, 'scheduler')}"
            )
        case "scheduled":
            return f"waits for a slot: {_pool(airflow, task.pool)}{_dead(airflow, 'scheduler')}"
        case "deferred":
            dead = _dead(airflow, "triggerer")
            return f"is deferred: waits for its trigger{dead or ' (a triggerer is alive)'}"
        case _:
            return _STATES[task.state]


def _pool(airflow: Airflow, name: str) -> str:
    """Return how a task's pool is: Airflow leaves a task ``scheduled`` while it is full."""
    if not name:
        return "of its pool, or under max_active_tasks"
    try:
        pool = airflow.history.pool(name)
    except (RejectedError, UnavailableError) as exc:
        return f"how full pool {name} is cannot be told: {exc}"
    if pool is None:
        return f"there is no pool {name}"
    if pool.open <= 0:
        return f"pool {name} is full ({pool.slots} slot(s), none free)"
    free = "without end" if pool.slots < 0 else f"{pool.open} of {pool.slots} free"
    return f"pool {name} is not full ({free}), so max_active_tasks or parallelism is reached"


def _not_started(airflow: Airflow, run: SmokeRun) -> str:
    """Return why a run is queued whose DAG is not paused."""
    if dead := _dead(airflow, "scheduler"):
        return f"the scheduler has not started it{dead}"
    try:
        others = [
            each for each in airflow.history.active_runs([run.dag_id]) if each.run_id != run.run_id
        ]
    except (RejectedError, UnavailableError):
        others = []
    busy = f": {len(others)} other run(s) of this DAG are active" if others else ""
    return f"the scheduler has not started it (max_active_runs?){busy}"


def _dead(airflow: Airflow, component: str) -> str:
    """Return `` (the scheduler is not alive)`` where Airflow says so; empty if not, or unknown."""
    try:
        health: Health = airflow.health()
    except (RejectedError, UnavailableError):
        return ""
    found = getattr(health, component)
    return "" if found is None or found.healthy else f" (the {component} is not alive)"
