"""The renderer: DAG configuration in git becomes ConfigMaps, a ``DagSet``, a plan and hook Jobs.

Offline and pure: a function of the checkout and the parameters. It imports no network library,
and starts fast, because Argo CD runs it at every refresh of every application.
"""
