"""Kubernetes' API, as far as the hooks and the watch ask of it.

``cluster_of`` finds the API server (the pod's own, or a kubeconfig's), ``Kube`` speaks with it,
``Objects`` are the objects of one kind in one namespace. It is spoken to directly: importing the
API classes of the Python client costs 90 MiB and 1.7 s (measured on its release 37), and its
kubeconfig reader alone, which is used for kubeconfigs, neither.
"""

from fermata_hooks.kube._cluster import Cluster, cluster_of
from fermata_hooks.kube._kube import Kube
from fermata_hooks.kube._objects import (
    APPLICATIONS,
    CONFIG_MAPS,
    DAGSETS,
    EVENTS,
    JOBS,
    KindMissingError,
    ObjectDict,
    Objects,
    Resource,
)

__all__ = [
    "APPLICATIONS",
    "CONFIG_MAPS",
    "DAGSETS",
    "EVENTS",
    "JOBS",
    "Cluster",
    "KindMissingError",
    "Kube",
    "ObjectDict",
    "Objects",
    "Resource",
    "cluster_of",
]
