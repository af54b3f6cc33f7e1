"""A repository that renders with kustomize and not with the plugin, as docs/install.md shows it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from manifests.kustomizing import MANIFESTS, Manifest, build

DOCUMENT = MANIFESTS.parent / "docs" / "install.md"
FERMATA = str(Path(sys.executable).with_name("fermata"))
_EXAMPLE = re.compile(r"<!-- kustomized -->\n```yaml\n(.*?)```", re.DOTALL)


def plan_into(folder: Path, *, namespace: str = "airflow") -> None:
    """Do what a person does before a commit: write plan and DagSet beside the kustomization."""
    identity = ["--application=demo", f"--namespace={namespace}"]
    for name, more in (("plan.json", []), ("dagset.yaml", ["--dagset"])):
        command = [FERMATA, "plan", *identity, *more]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (folder / name).write_text(done.stdout)


def kustomize(folder: Path, revision: str, *, namespace: str = "airflow") -> list[Manifest]:
    """Build the document's example in ``folder``, as Argo CD does for ``revision``."""
    match = _EXAMPLE.search(DOCUMENT.read_text(encoding="utf-8"))
    assert match is not None
    overlay = yaml.safe_load(match[1])
    overlay["namespace"] = namespace
    overlay["components"] = [os.path.relpath(MANIFESTS / "hooks", folder)]
    # What Argo CD adds for kustomize.commonAnnotations; it reaches the templates of pods, too.
    overlay["commonAnnotations"] = {"fermata.dev/revision": revision}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return build(folder, warns=True)
