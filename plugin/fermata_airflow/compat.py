"""Airflow 2.11 and 3.0 to 3.3: every name that the provider takes from Airflow, from one place.

The Task SDK (3.x) is asked first. ``BaseOperator`` and the exceptions came into it later than the
rest, so each group falls back by itself.
"""

from typing import Any

try:
    from airflow.sdk.bases.hook import BaseHook
except ImportError:  # 2.11, 3.0
    from airflow.hooks.base import BaseHook

try:
    from airflow.sdk.bases.sensor import BaseSensorOperator, PokeReturnValue
except ImportError:  # 2.11
    from airflow.sensors.base import BaseSensorOperator, PokeReturnValue

try:
    from airflow.sdk import BaseOperator, BaseOperatorLink
except ImportError:  # 2.11
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.baseoperatorlink import BaseOperatorLink

try:
    from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
except ImportError:  # 2.11
    from airflow.decorators.base import DecoratedOperator, task_decorator_factory

try:
    from airflow.sdk.execution_time.xcom import XCom
except ImportError:  # 2.11
    from airflow.models.xcom import XCom

try:
    from airflow.sdk.configuration import conf
except ImportError:  # 2.11, 3.0, 3.1
    from airflow.configuration import conf

try:
    from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException
except ImportError:  # 2.11, 3.0
    from airflow.exceptions import AirflowSensorTimeout, AirflowSkipException

try:
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:  # 2.11 without the standard provider
    from airflow.operators.python import PythonOperator

from airflow.triggers.base import BaseTrigger, TriggerEvent

__all__ = [
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "BaseTrigger",
    "DecoratedOperator",
    "PokeReturnValue",
    "PythonOperator",
    "TriggerEvent",
    "XCom",
    "connection_in_loop",
    "deferrable_by_default",
    "task_decorator_factory",
]


def deferrable_by_default() -> bool:
    """Return the deployment's setting ``operators.default_deferrable``."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


async def connection_in_loop(conn_id: str) -> Any:  # noqa: ANN401 - Airflow's connection
    """Return a connection without blocking the triggerer's loop."""
    if hasattr(BaseHook, "aget_connection"):  # 3.x, by the release
        return await BaseHook.aget_connection(conn_id)
    from asgiref.sync import sync_to_async  # noqa: PLC0415 - Airflow has it; only for the older

    return await sync_to_async(BaseHook.get_connection)(conn_id)
