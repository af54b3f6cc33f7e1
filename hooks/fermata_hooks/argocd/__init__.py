"""What Fermata asks of Argo CD: how an application's sync stands, a refresh, and one sync.

An Application is read as an object of the cluster (``ByKubernetes``), or through Argo CD's API
with a token that may only ``get`` it (``ByApi``), which may also ask for a refresh and, where the
token may ``sync``, start one. ``TwoWays`` reads by the one and asks by the other. What may not be
read is never taken for gone.
"""

from fermata_hooks.argocd._by_api import ByApi, Dex
from fermata_hooks.argocd._by_kubernetes import ByKubernetes, has_ended
from fermata_hooks.argocd._models import Application, HookJob, Operation, read_application
from fermata_hooks.argocd._names import Address, address_of, application_of
from fermata_hooks.argocd._port import MARKER, ArgoCd, TwoWays

__all__ = [
    "MARKER",
    "Address",
    "Application",
    "ArgoCd",
    "ByApi",
    "ByKubernetes",
    "Dex",
    "HookJob",
    "Operation",
    "TwoWays",
    "address_of",
    "application_of",
    "has_ended",
    "read_application",
]
