"""What ``fermata render`` printed, split as Argo CD splits it: resources, and hooks by phase."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

HOOK = "argocd.argoproj.io/hook"
DAGS_LABEL = ("fermata.dev/content", "dags")

Phase = Literal["PreSync", "PostSync", "SyncFail"]


@dataclass(frozen=True)
class Manifests:
    """The objects of one render."""

    objects: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, text: str) -> "Manifests":
        """Return the objects in a stream of YAML documents."""
        return cls(tuple(document for document in yaml.safe_load_all(text) if document))

    def kinds(self) -> str:
        """Return how many there are of each kind: ``2 ConfigMap, 1 DagSet, 3 Job``."""
        kinds = [each["kind"] for each in self.objects]
        return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))

    def dag_files(self) -> dict[str, bytes]:
        """Return the files that the ConfigMaps for Airflow hold, as a volume of all shows them."""
        files: dict[str, bytes] = {}
        label, value = DAGS_LABEL
        for each in self._of_kind("ConfigMap", hook=""):
            if each["metadata"].get("labels", {}).get(label) == value:
                files |= {name: text.encode() for name, text in each.get("data", {}).items()}
                binary = each.get("binaryData", {})
                files |= {name: base64.b64decode(data) for name, data in binary.items()}
        return files

    def plan(self) -> str:
        """Return the plan, which is a hook like the Jobs that read it."""
        (configmap,) = self._of_kind("ConfigMap", hook="PreSync")
        text: str = configmap["data"]["plan.json"]
        return text

    def digests(self) -> dict[str, str]:
        """Return the digest of each DAG, from the ``DagSet``."""
        (dagset,) = self._of_kind("DagSet", hook="")
        return {dag["dagId"]: dag["digest"] for dag in dagset["spec"]["dags"]}

    def command(self, phase: Phase) -> list[str]:
        """Return the command of the hook Job of ``phase``: ``["fermata", "hold"]``."""
        (job,) = self._of_kind("Job", hook=phase)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        return [str(word) for word in container["command"]]

    def _of_kind(self, kind: str, *, hook: str) -> list[Mapping[str, Any]]:
        return [
            each
            for each in self.objects
            if each["kind"] == kind
            and each["metadata"].get("annotations", {}).get(HOOK, "") == hook
        ]
