"""The hooks' own Jobs as they stand in the cluster."""

from collections.abc import Mapping
from typing import Any

from fermata_hooks.argocd import ByKubernetes, application_of
from fermata_hooks.diagnosis._examination import Examination
from fermata_hooks.kube import JOBS, Kube, ObjectDict, Objects

LABELS = "app.kubernetes.io/name=fermata"
HOOK = "argocd.argoproj.io/hook"
POLICY = "argocd.argoproj.io/hook-delete-policy"
FINALIZER = "argocd.argoproj.io/hook-finalizer"
PHASES = {"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"}
REPLACED = "BeforeHookCreation"


def examine_hooks(found: Examination, kube: Kube, *, namespace: str, argocd: str) -> None:
    """Look at each Job of ours: its annotations, and whether it is left over."""
    grant = f"kubectl -n {namespace} create role fermata-doctor --verb=list --resource=jobs.batch"
    with found.looking("hooks' Jobs", f"# as who may list them, or: {grant}"):
        jobs = list(Objects(kube, JOBS, namespace).list(labels=LABELS))
        hooks = [job for job in jobs if HOOK in _annotations(job)]
        for job in hooks:
            _annotated(found, job)
        applications = ByKubernetes(kube, argocd)
        left = [job for job in hooks if _is_left_over(job, applications)]
        for job in left:
            name = str(job["metadata"]["name"])
            step = '[{"op":"remove","path":"/metadata/finalizers"}]'
            found.bad(
                f"finalizer of {name}",
                "left over: no operation of its application runs, and the Job cannot go",
                f"kubectl -n {namespace} patch job {name} --type json -p '{step}'",
            )
        if not left:
            found.good("finalizers of hooks", f"none left over on {len(hooks)} Job(s)")


def _annotated(found: Examination, job: ObjectDict) -> None:
    annotations, name = _annotations(job), f"hook {job['metadata']['name']}"
    wrong = [p for p in _words(annotations[HOOK]) if p not in PHASES] or (
        [] if _words(annotations[HOOK]) else [annotations[HOOK]]
    )
    if wrong:
        told = f"{HOOK}: {wrong[0]!r} is no phase: Argo CD ignores the object without a word"
        found.bad(name, told, f"{HOOK}: PreSync    # or {', '.join(sorted(PHASES))}")
    elif POLICY in annotations and REPLACED not in _words(annotations[POLICY]):
        told = f"{POLICY} without {REPLACED}: a Job of an earlier sync would count as this one's"
        found.bad(name, told, f"{POLICY}: {REPLACED}")
    else:
        found.good(name, annotations[HOOK])


def _is_left_over(job: ObjectDict, applications: ByKubernetes) -> bool:
    """Return whether a Job waits for a finalizer that no operation will remove any more."""
    metadata = job["metadata"]
    if FINALIZER not in (metadata.get("finalizers") or ()):
        return False
    name = application_of(metadata)
    application = applications.application(name) if name else None
    return application is None or not application.in_progress


def _annotations(job: ObjectDict) -> Mapping[str, str]:
    annotations: Any = job["metadata"].get("annotations") or {}
    return {str(key): str(value) for key, value in annotations.items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
