"""What ``fermata doctor`` looks at: a cluster, an Airflow, an Argo CD; it changes none of them.

Each finding is a check of a report. What is wrong comes with what mends it: a command or the YAML.
What could not be looked at is inconclusive, never good.
"""

from fermata_hooks.diagnosis._airflow import examine_airflow
from fermata_hooks.diagnosis._argocd import examine_argocd
from fermata_hooks.diagnosis._cluster import examine_cluster
from fermata_hooks.diagnosis._examination import Examination
from fermata_hooks.diagnosis._tokens import examine_tokens
from fermata_hooks.diagnosis.rights import HOOKS, WATCH, Right

__all__ = [
    "HOOKS",
    "WATCH",
    "Examination",
    "Right",
    "examine_airflow",
    "examine_argocd",
    "examine_cluster",
    "examine_tokens",
]
