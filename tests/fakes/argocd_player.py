"""Plays Argo CD's controller on a real cluster: what it does with rendered manifests, and when.

By its rules, as measured on Argo CD 3.6: hooks of a phase by wave, kinds in order within a wave; a
leftover of the same name is deleted first (``BeforeHookCreation``); a Job is over when it has one
of its conditions; whatever fails in a phase starts the SyncFail hooks, but a terminated sync does
not: its running hook is deleted, and that is all. An operation that cannot be carried on (the
plugin fails) ends with its hook running, finalizer and all. Where it is given Applications it
writes down in one how the operation stands.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fermata_hooks.clock import rfc3339
from fermata_hooks.exchange import Request
from fermata_hooks.kube import CONFIG_MAPS, DAGSETS, EVENTS, JOBS, Kube, Objects
from fermata_spec.errors import RejectedError

Manifest = dict[str, Any]

HOOK = "argocd.argoproj.io/hook"
WAVE = "argocd.argoproj.io/sync-wave"
POLICY = "argocd.argoproj.io/hook-delete-policy"
KINDS = {"ConfigMap": CONFIG_MAPS, "Job": JOBS, "DagSet": DAGSETS}
ORDER = ["ConfigMap", "Job", "DagSet"]
PATIENCE = 300.0  # seconds for one Job
FINALIZER = "argocd.argoproj.io/hook-finalizer"
TASKS_FAILED = "one or more synchronization tasks completed unsuccessfully"


@dataclass
class Synced:
    """How a sync ended: ``phase`` of the operation, and each hook Job with its own end."""

    phase: str = "Succeeded"
    hooks: list[tuple[str, str]] = field(default_factory=list)


class TerminatedByAPerson(Exception):  # noqa: N818 - no error
    """The operation was terminated, or has run longer than it may."""

    def __init__(self, message: str = "Operation terminated") -> None:
        super().__init__(message)


class ComparisonFailed(Exception):  # noqa: N818 - no error of ours
    """The manifests could not be made any more, in the middle of the operation."""


class Operations(Protocol):
    """Where it is written down how the operation of an application stands."""

    def began(self, manifests: Sequence[Manifest]) -> None:
        """An operation begins."""

    def waits_for(self, phase: str, job: str, hook_phase: str) -> None:
        """A hook's Job of ``phase`` runs, or has ended as ``hook_phase`` says."""

    def backs_off(self, message: str) -> None:
        """An attempt has failed, and there will be another."""

    def ended(self, phase: str, message: str) -> None:
        """The operation is over."""


class NoOperations:
    """Nobody can read how the operation stands."""

    def began(self, manifests: Sequence[Manifest]) -> None:
        """Write nothing."""

    def waits_for(self, phase: str, job: str, hook_phase: str) -> None:
        """Write nothing."""

    def backs_off(self, message: str) -> None:
        """Write nothing."""

    def ended(self, phase: str, message: str) -> None:
        """Write nothing."""


class OperationsOf:
    """The operation in the Application ``demo``, one of the objects in Argo CD's namespace.

    Only what hooks and watch look at; rows of hooks as Argo CD has them.
    """

    def __init__(self, applications: Objects, name: str = "demo") -> None:
        self._applications, self._name = applications, name
        self._state: Manifest = {}
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
        spec = {"project": "default"}
        applications.create({**kind, "metadata": {"name": name}, "spec": spec, "status": {}})

    def began(self, manifests: Sequence[Manifest]) -> None:
        """Write that it runs."""
        del manifests
        self._state = {"phase": "Running", "startedAt": rfc3339(time.time()), "syncResult": {}}
        self._write()

    def waits_for(self, phase: str, job: str, hook_phase: str) -> None:
        """Write the hook's row."""
        rows = [r for r in self._rows if (r["name"], r["hookType"]) != (job, phase)]
        row = {"kind": "Job", "name": job, "hookType": phase, "hookPhase": hook_phase}
        self._state["syncResult"] = {"resources": [*rows, row]}
        self._write()

    def backs_off(self, message: str) -> None:
        """Write as Argo CD does: Running, although it has finished."""
        self._state |= {"message": message, "finishedAt": rfc3339(time.time()), "syncResult": {}}
        self._write()

    def ended(self, phase: str, message: str) -> None:
        """Write how it ended."""
        self._state |= {"phase": phase, "message": message, "finishedAt": rfc3339(time.time())}
        self._write()

    @property
    def _rows(self) -> list[Manifest]:
        rows: list[Manifest] = self._state["syncResult"].get("resources", [])
        return rows

    def _write(self) -> None:
        # A merge would keep finishedAt of the operation before.
        now = self._applications.get(self._name) or {}
        self._applications.replace(self._name, {**now, "status": {"operationState": self._state}})


class ArgoCdPlayer:
    """Syncs an application's manifests into one namespace."""

    def __init__(self, kube: Kube, namespace: str, operations: Operations | None = None) -> None:
        self._kube = kube
        self._namespace = namespace
        self._operations = operations or NoOperations()
        self.restarts_after: set[str] = set()  # Jobs whose end the controller loses in a crash
        version = kube.ask(Request(method="GET", path="/version"))
        # Older ones drop podFailurePolicy, and would try again what no attempt will mend.
        self._knows_failure_policy = int(version["minor"].rstrip("+")) >= 26
        self.while_it_runs: Callable[[str], object] = lambda _name: None

    def sync(
        self, manifests: Sequence[Manifest], *, apply: Callable[[], object], retries: int = 0
    ) -> Synced:
        """Sync; ``apply`` is called after the ordinary objects are applied, and may raise.

        What fails is tried again ``retries`` times, from its beginning, by the same operation.
        """
        done = Synced()
        self._operations.began(manifests)
        phase = message = ""
        for attempt in range(retries + 1):
            phase, message = self._attempt(manifests, apply, done)
            if (phase, message) != ("Failed", TASKS_FAILED) or attempt == retries:
                break
            self._operations.backs_off(f"{message}. Retrying attempt #{attempt + 1}")
        told = {"Succeeded": "", "Failed": "" if message == TASKS_FAILED else f": {message}"}
        done.phase = phase + told.get(phase, f": {message}")
        self._clean_up(manifests, good=phase == "Succeeded")
        self._operations.ended(phase, message)
        return done

    def _attempt(
        self, manifests: Sequence[Manifest], apply: Callable[[], object], done: Synced
    ) -> tuple[str, str]:
        """Return phase and message of the operation after one attempt."""
        try:
            good = self._hooks(manifests, "PreSync", done)
            if good:
                self._apply(manifests)
                good = self._applied(apply) and self._hooks(manifests, "PostSync", done)
            if good:
                return "Succeeded", "successfully synced (no more tasks)"
            self._hooks(manifests, "SyncFail", done)
        except TerminatedByAPerson as exc:
            return "Failed", str(exc)
        except ComparisonFailed as exc:
            return "Error", f"ComparisonError: {exc}"
        return "Failed", TASKS_FAILED

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

    def events(self, job: str) -> list[str]:
        """Return what our Events on a Job of this name say, those on earlier ones too."""
        found = Objects(self._kube, EVENTS, self._namespace).list()
        ours = [each for each in found if each["source"].get("component") == "fermata"]
        named = [each for each in ours if each["involvedObject"]["name"] == job]
        assert all(each["involvedObject"]["uid"] for each in named)
        return [str(each["message"]) for each in named]

    def _hooks(self, manifests: Sequence[Manifest], phase: str, done: Synced) -> bool:
        hooks = [m for m in manifests if phase in _annotation(m, HOOK).split(",")]
        hooks.sort(key=lambda m: (int(_annotation(m, WAVE) or 0), ORDER.index(m["kind"])))
        for wave in sorted({int(_annotation(m, WAVE) or 0) for m in hooks}):
            ours = [m for m in hooks if int(_annotation(m, WAVE) or 0) == wave]
            for each in ours:
                self._create_anew(each)
            jobs = [m for m in ours if m["kind"] == "Job"]
            ends = [self._wait(m["metadata"]["name"], phase, done) for m in jobs]
            for each in jobs:
                if each["metadata"]["name"] in self.restarts_after:
                    self.restarts_after.remove(each["metadata"]["name"])
                    self._create_anew(each)
                    ends.append(self._wait(each["metadata"]["name"], phase, done))
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
        metadata = {**manifest["metadata"], "finalizers": [FINALIZER]}
        objects.create({**manifest, "metadata": metadata})
        if manifest["kind"] != "Job":
            self._let_go(objects, name)

    def _let_go(self, objects: Objects, name: str) -> None:
        objects.merge(name, {"metadata": {"finalizers": None}})

    def _wait(self, name: str, phase: str, done: Synced) -> bool:
        jobs = Objects(self._kube, JOBS, self._namespace)
        self._operations.waits_for(phase, name, "Running")
        ends = self._kube.clock.monotonic() + PATIENCE
        while True:
            status = (jobs.get(name) or {}).get("status") or {}
            for condition in status.get("conditions") or []:
                if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                    done.hooks.append((name, condition["type"]))
                    good = condition["type"] == "Complete"
                    self._operations.waits_for(phase, name, "Succeeded" if good else "Failed")
                    self._let_go(jobs, name)
                    return bool(good)
            if self._kube.clock.monotonic() > ends:
                raise TimeoutError(f"{name}: neither complete nor failed: {status}")
            try:
                self.while_it_runs(name)
            except TerminatedByAPerson:
                done.hooks.append((name, "Terminated"))
                self._operations.waits_for(phase, name, "Failed")
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
        there = objects.get(name)
        if there is None:
            return
        if there["metadata"].get("finalizers"):
            self._let_go(objects, name)
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
