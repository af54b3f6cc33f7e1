"""Argo CD's API without Airflow: how to reach it, what to ask, what the answers mean.

Nothing here imports Airflow, so all of it is tested without one. ``endpoint`` and ``credentials``
say where and who, ``calls`` what can be asked, ``client`` and ``async_client`` ask, ``application``
reads, ``judgement`` decides what an application's state means for somebody who waits, ``feed``
follows applications as they change.
"""
