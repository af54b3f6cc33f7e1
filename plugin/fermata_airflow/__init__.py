"""Airflow's half: a connection, a hook, operators, sensors and triggers for Argo CD; a DAG loader.

    connection type   ``argocd``                        ``hooks.argocd.ArgoCDHook``
    operators         sync, rollback, refresh           ``operators.argocd``
    sensors           health, operation                 ``sensors.argocd``
    TaskFlow          ``@task.argocd_gate``             ``decorators.argocd_gate``
    loader            a team's own format of DAGs       ``loader``

Importing this package does nothing: Airflow imports providers while it is itself half-initialised.
"""
