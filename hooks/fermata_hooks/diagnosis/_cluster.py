"""The cluster beside Airflow: does it answer, does it know a DagSet, what may an account do."""

from collections.abc import Sequence
from typing import Any

from fermata_hooks.clock import Clock
from fermata_hooks.diagnosis._clocks import compare
from fermata_hooks.diagnosis._examination import Examination
from fermata_hooks.diagnosis.rights import Right
from fermata_hooks.exchange import Request
from fermata_hooks.kube import DAGSETS, Kube
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

REVIEWS = "/apis/authorization.k8s.io/v1"
FAILURE_POLICY = (1, 26)  # the first release in which a hook's exit code ends its attempts
INSTALL_KIND = "kubectl apply -f manifests/base/dagsets-crd.yaml"
_NOT_FOUND = 404


def examine_cluster(  # noqa: PLR0913 - whose rights, where, by name
    found: Examination,
    kube: Kube,
    clock: Clock,
    *,
    namespace: str,
    rights: Sequence[Right],
    account: str = "",
) -> None:
    """Look at the API server, its kinds, and the rights of ``account`` (empty: our own)."""
    name = "Kubernetes"
    asked_at = clock.now()
    try:
        answer = kube.answer(Request(method="GET", path="/version"))
    except (UnavailableError, RejectedError, SettingsError) as exc:
        found.bad(name, str(exc), "kubectl cluster-info", "# a pod: is there a network policy?")
        return
    found.good(name, _version(answer.json()))
    compare(found, "clock of Kubernetes", answer.at, asked_at=asked_at, clock=clock)
    _kind(found, kube)
    whose = account or "this account"
    with found.looking(f"rights of {whose} in {namespace}", *_as_a_job(account)):
        for right in rights:
            _right(found, kube, right, namespace=namespace, account=account)


def _version(answer: dict[str, Any]) -> str:
    version = str(answer.get("gitVersion", "unknown"))
    try:
        release = (int(answer["major"]), int(str(answer["minor"]).rstrip("+")))
    except (KeyError, ValueError):
        return version
    if release < FAILURE_POLICY:
        return f"{version}: older than 1.26: a hook that was answered no is tried three times more"
    return version


def _kind(found: Examination, kube: Kube) -> None:
    """Look whether DagSets are served, with a status of their own."""
    name = "kind DagSet"
    with found.looking(name):
        try:
            answer = kube.ask(Request(method="GET", path=DAGSETS.root))
        except RejectedError as exc:
            if exc.status != _NOT_FOUND:
                raise
            answer = {}
        served = {str(each.get("name")) for each in answer.get("resources") or ()}
        lacking = sorted({"dagsets", "dagsets/status"} - served)
        if lacking:
            told = f"{DAGSETS.version}: the cluster does not serve {', '.join(lacking)}"
            found.bad(name, told, INSTALL_KIND)
        else:
            found.good(name, f"{DAGSETS.version} is served")


def _right(found: Examination, kube: Kube, right: Right, *, namespace: str, account: str) -> None:
    """Ask whether ``right`` is given; the API server's own answer."""
    name = f"may {right.told}"
    if _allowed(kube, right, namespace, account):
        found.good(name, f"in {namespace}")
        return
    subject = account or "ACCOUNT"
    role = f"fermata-missing-{right.verb}-{right.resource.replace('/', '-')}"
    named = f" --resource-name={right.name}" if right.name else ""
    found.bad(
        name,
        f"not allowed in {namespace}",
        "# all rights at once: kubectl apply -k manifests/overlays/quickstart; or this one:",
        f"kubectl -n {namespace} create role {role} --verb={right.verb} "
        f"--resource={right.qualified}{named}",
        f"kubectl -n {namespace} create rolebinding {role} --role={role} "
        f"--serviceaccount={namespace}:{subject}",
    )


def _allowed(kube: Kube, right: Right, namespace: str, account: str) -> bool:
    resource, _, subresource = right.resource.partition("/")
    wanted = {
        "namespace": namespace,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "verb": right.verb,
        "name": right.name,
    }
    spec: dict[str, Any] = {"resourceAttributes": wanted}
    kind = "SelfSubjectAccessReview"
    if account:
        kind = "SubjectAccessReview"
        spec["user"] = f"system:serviceaccount:{namespace}:{account}"
        spec["groups"] = [
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        ]
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    path = f"{REVIEWS}/{kind.lower()}s"
    answer = kube.ask(Request(method="POST", path=path, body=body))
    return bool((answer.get("status") or {}).get("allowed"))


def _as_a_job(account: str) -> tuple[str, ...]:
    if not account:
        return ()
    return (
        f"# to ask about {account} takes the right to create subjectaccessreviews; else as a Job:",
        "kubectl apply -k manifests/overlays/doctor",
    )
