"""Airflow 2.11 and 3.0 to 3.3: every name that the provider takes from Airflow, from one place.

A name is looked for when it is first used, in the Task SDK (3.x) before Airflow itself: so the hook
alone does not bring operators, sensors and the triggerer's classes with it.
"""

from importlib import import_module
from typing import Any

_EXCEPTIONS = ("airflow.sdk.exceptions", "airflow.exceptions")
_PLACES = {
    "AirflowSensorTimeout": _EXCEPTIONS,
    "AirflowSkipException": _EXCEPTIONS,
    "BaseHook": ("airflow.sdk.bases.hook", "airflow.hooks.base"),
    "BaseOperator": ("airflow.sdk", "airflow.models.baseoperator"),
    "BaseOperatorLink": ("airflow.sdk", "airflow.models.baseoperatorlink"),
    "BaseSensorOperator": ("airflow.sdk.bases.sensor", "airflow.sensors.base"),
    "BaseTrigger": ("airflow.triggers.base",),
    "DecoratedOperator": ("airflow.sdk.bases.decorator", "airflow.decorators.base"),
    "PokeReturnValue": ("airflow.sdk.bases.sensor", "airflow.sensors.base"),
    "PythonOperator": (
        "airflow.providers.standard.operators.python",  # in 2.11 only where it is installed
        "airflow.operators.python",
    ),
    "TriggerEvent": ("airflow.triggers.base",),
    "XCom": ("airflow.sdk.execution_time.xcom", "airflow.models.xcom"),
    "conf": ("airflow.sdk.configuration", "airflow.configuration"),
    "task_decorator_factory": ("airflow.sdk.bases.decorator", "airflow.decorators.base"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever Airflow has under it
    """Return what Airflow has under ``name``, from the first place that knows it."""
    for place in _PLACES.get(name, ()):
        try:
            found = getattr(import_module(place), name)
        except (ImportError, AttributeError):
            continue
        globals()[name] = found
        return found
    raise AttributeError(f"{name}: not in {', '.join(_PLACES.get(name, ())) or __name__}")


def deferrable_by_default() -> bool:
    """Return the deployment's setting ``operators.default_deferrable``."""
    conf = __getattr__("conf")
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


async def connection_in_loop(conn_id: str) -> Any:  # noqa: ANN401 - Airflow's connection
    """Return a connection without blocking the triggerer's loop."""
    hook = __getattr__("BaseHook")
    if hasattr(hook, "aget_connection"):  # 3.x, by the release
        return await hook.aget_connection(conn_id)
    from asgiref.sync import sync_to_async  # noqa: PLC0415 - Airflow has it; only for the older

    return await sync_to_async(hook.get_connection)(conn_id)
