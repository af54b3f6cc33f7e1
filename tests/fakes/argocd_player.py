"""Plays Argo CD's controller on a real cluster: what it does with rendered manifests, and when.

By its rules, as measured on Argo CD 3.6: hooks of a phase by wave, kinds in order within a wave; a
leftover of the same name is deleted first (``BeforeHookCreation``); a Job is over when it has one
of its conditions; whatever fails in a phase starts the SyncFail hooks, but a terminated sync does
not: its running hook is deleted, and that is all.
"""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fermata_hooks.exchange import Request
from fermata_hooks.kube import CONFIG_MAPS, DAGSETS, JOBS, Kube, Objects
from fermata_spec.errors import RejectedError

Manifest = dict[str, Any]

HOOK = "argocd.argoproj.io/hook"
WAVE = "argocd.argoproj.io/sync-wave"
POLICY = "argocd.argoproj.io/hook-delete-policy"
KINDS = {"ConfigMap": CONFIG_MAPS, "Job": JOBS, "DagSet": DAGSETS}
ORDER = ["ConfigMap", "Job", "DagSet"]
PATIENCE = 300.0  # seconds for one Job


@dataclass
class Synced:
    """How a sync ended: ``phase`` of the operation, and each hook Job with its own end."""

    phase: str = "Succeeded"
    hooks: list[tuple[str, str]] = field(default_factory=list)


class TerminatedByAPerson(Exception):  # noqa: N818 - no error
    """The operation was terminated."""


class ArgoCdPlayer:
    """Syncs an application's manifests into one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        version = kube.ask(Request(method="GET", path="/version"))
        # Older ones drop podFailurePolicy, and would try again what no attempt will mend.
        self._knows_failure_policy = int(version["minor"].rstrip("+")) >= 26
        self.while_it_runs: Callable[[str], object] = lambda _name: None

    def sync(self, manifests: Sequence[Manifest], *, apply: Callable[[], object]) -> Synced:
        """Sync; ``apply`` is called after the ordinary objects are applied, and may raise."""
        done = Synced()
        try:
            good = self._hooks(manifests, "PreSync", done)
            if good:
                self._apply(manifests)
                good = self._applied(apply) and self._hooks(manifests, "PostSync", done)
            if not good:
                done.phase = "Failed"
                self._hooks(manifests, "SyncFail", done)
        except TerminatedByAPerson:
            done.phase = "Failed: Operation terminated"
        self._clean_up(manifests, good=done.phase == "Succeeded")
        return done

    def output(self, job: str) -> str:
        """Return what a Job's pod has printed."""
        kubectl = shutil.which("kubectl") or "kubectl"
        command = [kubectl, "--namespace", self._namespace, "logs", f"job/{job}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def log(self, job: str) -> str:
        """Return what the last pod of a Job has said last."""
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        query = [("labelSelector", f"job-name={job}")]
        pods = self._kube.ask(Request(method="GET", path=path, query=query))["items"]
        statuses = [s for pod in pods for s in pod["status"].get("containerStatuses", [])]
        ended = [s["state"].get("terminated") or {} for s in statuses]
        return "\n".join(f"exit {each.get('exitCode')}: {each.get('message')}" for each in ended)

    def _hooks(self, manifests: Sequence[Manifest], phase: str, done: Synced) -> bool:
        hooks = [m for m in manifests if phase in _annotation(m, HOOK).split(",")]
        hooks.sort(key=lambda m: (int(_annotation(m, WAVE) or 0), ORDER.index(m["kind"])))
        for wave in sorted({int(_annotation(m, WAVE) or 0) for m in hooks}):
            ours = [m for m in hooks if int(_annotation(m, WAVE) or 0) == wave]
            for each in ours:
                self._create_anew(each)
            ends = [self._wait(m["metadata"]["name"], done) for m in ours if m["kind"] == "Job"]
            if not all(ends):
                return False
        return True

    def _apply(self, manifests: Sequence[Manifest]) -> None:
        for each in manifests:
            if not _annotation(each, HOOK):
                objects, name = self._of(each)
                if objects.get(name) is None:
                    objects.create(each)
                else:
                    content = {k: v for k, v in each.items() if k in ("spec", "data")}
                    objects.merge(name, content)

    def _applied(self, apply: Callable[[], object]) -> bool:
        try:
            apply()
        except RejectedError:
            return False
        return True

    def _create_anew(self, manifest: Manifest) -> None:
        objects, name = self._of(manifest)
        self._delete(manifest)
        if manifest["kind"] == "Job" and not self._knows_failure_policy:
            manifest = {**manifest, "spec": {**manifest["spec"], "backoffLimit": 0}}
        objects.create(manifest)
        del name

    def _wait(self, name: str, done: Synced) -> bool:
        jobs = Objects(self._kube, JOBS, self._namespace)
        ends = self._kube.clock.monotonic() + PATIENCE
        while True:
            status = (jobs.get(name) or {}).get("status") or {}
            for condition in status.get("conditions") or []:
                if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                    done.hooks.append((name, condition["type"]))
                    return bool(condition["type"] == "Complete")
            if self._kube.clock.monotonic() > ends:
                raise TimeoutError(f"{name}: neither complete nor failed: {status}")
            try:
                self.while_it_runs(name)
            except TerminatedByAPerson:
                done.hooks.append((name, "Terminated"))
                self._delete({"kind": "Job", "metadata": {"name": name}})
                raise
            self._kube.clock.sleep(0.2)

    def _clean_up(self, manifests: Sequence[Manifest], *, good: bool) -> None:
        for each in manifests:
            if good and "HookSucceeded" in _annotation(each, POLICY):
                self._delete(each)

    def _delete(self, manifest: Manifest) -> None:
        """Delete with everything that hangs on it, and wait until it is gone."""
        objects, name = self._of(manifest)
        resource = KINDS[manifest["kind"]]
        path = f"{resource.root}/namespaces/{self._namespace}/{resource.plural}/{name}"
        if objects.get(name) is None:
            return
        body = {"propagationPolicy": "Foreground"}
        self._kube.ask(Request(method="DELETE", path=path, body=body))
        ends = self._kube.clock.monotonic() + PATIENCE
        while objects.get(name) is not None:
            if self._kube.clock.monotonic() > ends:
                raise TimeoutError(f"{name}: not gone")
            self._kube.clock.sleep(0.2)

    def _of(self, manifest: Manifest) -> tuple[Objects, str]:
        kind = KINDS[manifest["kind"]]
        return Objects(self._kube, kind, self._namespace), str(manifest["metadata"]["name"])


def _annotation(manifest: Manifest, name: str) -> str:
    annotations = manifest["metadata"].get("annotations") or {}
    return str(annotations.get(name, ""))
