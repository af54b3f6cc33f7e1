"""What Argo CD runs as Jobs around a sync, and the watch beside them.

Layers, upper ones import lower ones only: ``demo``, ``jobs``, then ``holding`` ``verification``
``smoke`` (independent of each other), then ``ledger`` ``memory``, then ``airflow_api``
``documents``, then ``settings`` ``clock`` ``termination``. Importing this package does nothing.
"""
