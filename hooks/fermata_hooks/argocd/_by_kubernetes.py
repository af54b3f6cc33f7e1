"""Applications as objects of the cluster in which Argo CD runs."""

from collections import Counter

from fermata_hooks.argocd._models import Application, HookJob, read_application
from fermata_hooks.argocd._names import address_of
from fermata_hooks.kube import APPLICATIONS, JOBS, Kube, ObjectDict, Objects

REFRESH = "argocd.argoproj.io/refresh"


class ByKubernetes:
    """Reads Applications (``get applications``) and hook Jobs (``get jobs``).

    A refresh is an annotation, which takes ``patch applications``: that right can change anything
    in an Application, so it is for those who have no token of Argo CD. Nothing is ever synced.
    """

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    @property
    def calls(self) -> Counter[str]:
        """None: the cluster's own count has them."""
        return Counter()

    def application(self, name: str) -> Application | None:
        """Return an Application; ``None`` if the API server says that there is none (``get``)."""
        objects, object_name = self._address(name)
        raw = objects.get(object_name)
        return None if raw is None else read_application(raw, name=name)

    def hook_has_ended(self, application: Application, job: HookJob) -> bool:
        """Return whether a hook's Job has ended (``get jobs``); one that is gone has not."""
        del application
        return has_ended(Objects(self._kube, JOBS, job.namespace).get(job.name) or {})

    def refresh(self, name: str) -> None:
        """Annotate the Application (``patch applications``)."""
        objects, object_name = self._address(name)
        objects.merge(object_name, {"metadata": {"annotations": {REFRESH: "normal"}}})

    def may_sync(self, application: Application) -> bool:
        """Return that nothing is synced this way: no rule of Argo CD's would be asked."""
        del application
        return False

    def start_sync(self, application: Application, *, marker: str) -> None:
        """Refuse; see ``may_sync``."""
        raise NotImplementedError(f"{application.name}: no sync by Kubernetes ({marker})")

    def _address(self, name: str) -> tuple[Objects, str]:
        address = address_of(name)
        namespace = address.namespace or self._namespace
        return Objects(self._kube, APPLICATIONS, namespace), address.name


def has_ended(job: ObjectDict) -> bool:
    """Return whether a Job is complete or has failed."""
    status = job.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return any(
        each.get("type") in ("Complete", "Failed") and each.get("status") == "True"
        for each in conditions or ()
        if isinstance(each, dict)
    )
