"""What the acts play on: Airflow, the repository, the volume, and Argo CD's part in short.

Argo CD's part is what it does with an application in one sync: render the checkout; run the
PreSync hook; apply; run the PostSync hook; after a failure run the SyncFail hook. The hooks are
the commands of the rendered Jobs, each run as a process of its own.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fermata_hooks.demo import example, processes
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.demo.interruption import Interruption
from fermata_hooks.demo.manifests import Manifests, Phase
from fermata_hooks.demo.narration import ClaimError, Narrator
from fermata_hooks.demo.processes import Finished, Program
from fermata_hooks.demo.repository import Repository
from fermata_hooks.demo.volume import write_volume
from fermata_hooks.demo.witness import Witness
from fermata_spec.units import format_duration

COMMAND_DEADLINE = 300.0
WAIT_DEADLINE = 90.0
POLL = 0.2
NAMESPACE = "airflow"
COMMAND = (sys.executable, "-m", "fermata_cli")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that an act uses; ``folder`` holds ``syncs/``, one folder a sync.

    ``digests`` are those of the last render, by DAG id.
    """

    folder: Path
    airflow: RunningAirflow
    repository: Repository
    volume: Path
    ledger: Path
    person: Witness
    narrator: Narrator
    interruption: Interruption
    base_env: Mapping[str, str]
    digests: dict[str, str] = field(default_factory=dict)

    def until(
        self, what: str, condition: Callable[[], bool], *, deadline: float = WAIT_DEADLINE
    ) -> None:
        """Wait until ``condition``; raise ``ClaimError`` naming ``what`` at the deadline."""
        give_up_at = time.monotonic() + deadline
        while not condition():
            self.interruption.check()
            if time.monotonic() >= give_up_at:
                raise ClaimError(f"{what}: not within {format_duration(deadline)}")
            time.sleep(POLL)

    def environment(self) -> dict[str, str]:
        """Return where Fermata works, and as whom; secrets are in files only."""
        return {
            **self.base_env,
            "FERMATA_LEDGER": f"file:{self.ledger}",
            "FERMATA_AIRFLOW_URL": self.airflow.url,
            "FERMATA_AIRFLOW_USERNAME_FILE": str(self.airflow.username_file),
            "FERMATA_AIRFLOW_PASSWORD_FILE": str(self.airflow.password_file),
        }

    def look(self) -> dict[str, str]:
        """Return for each DAG ``on``, or who has paused it, as Airflow tells it."""
        return {
            dag_id: f"paused by {self.person.paused_by(dag_id) or 'nobody'}" if paused else "on"
            for dag_id, paused in sorted(self.person.paused().items())
        }

    def owed(self) -> list[str]:
        """Return the DAGs that Fermata still owes a resume, by its own account."""
        argv = [*COMMAND, "release", "--all", "--dry-run", "--format", "json"]
        finished = processes.check(argv, env=self.environment(), cwd=self.folder)
        return [dag["dag_id"] for dag in json.loads(finished.stdout)["dags"]]


class Sync:
    """One sync of the application to one revision, step by step."""

    def __init__(self, stage: Stage, revision: str) -> None:
        self.stage = stage
        self.revision = revision
        number = len(list((stage.folder / "syncs").glob("*"))) + 1
        self.folder = stage.folder / "syncs" / f"{number}-{revision[:7]}"
        self.folder.mkdir(parents=True)
        self.manifests = Manifests(())
        self.changes: dict[str, str] = {}

    def render(self) -> Finished:
        """Render the checkout; keep what was rendered, if anything was."""
        env = {
            **self.stage.base_env,
            "ARGOCD_APP_NAME": example.APPLICATION,
            "ARGOCD_APP_REVISION": self.revision,
            "ARGOCD_APP_NAMESPACE": NAMESPACE,
        }
        with self._said("fermata render", "render", env=env) as program:
            finished = program.wait(COMMAND_DEADLINE)
        if finished.code == 0:
            self.manifests = Manifests.parse(finished.stdout)
            (self.folder / "manifests.yaml").write_text(finished.stdout, encoding="utf-8")
            (self.folder / "plan.json").write_text(self.manifests.plan(), encoding="utf-8")
            self._compare(self.manifests.digests())
            self.stage.narrator.note(self.manifests.kinds())
        return finished

    def _compare(self, digests: Mapping[str, str]) -> None:
        """Note which DAGs differ from those of the last render."""
        before = self.stage.digests
        for dag_id, digest in digests.items():
            if before.get(dag_id) != digest:
                self.changes[dag_id] = "changed" if dag_id in before else "new"
        before.clear()
        before.update(digests)

    def apply(self) -> None:
        """Put the ConfigMaps' files into the volume that is Airflow's DAGs folder."""
        with self.stage.narrator.step("apply: the kubelet swaps ..data under Airflow's DAGs"):
            files = self.manifests.dag_files()
            changed = write_volume(self.stage.volume, files)
            version = (self.stage.volume / "..data").readlink()
            self.stage.narrator.note(
                f"{len(files)} files in {version}" if changed else "nothing has changed"
            )

    def hook(self, phase: Phase) -> Finished:
        """Run the hook of ``phase`` to its end."""
        with self.running_hook(phase) as program:
            return program.wait(COMMAND_DEADLINE)

    @contextmanager
    def running_hook(self, phase: Phase) -> Iterator[Program]:
        """Run the hook of ``phase`` beside the block, which waits for it."""
        command = self.manifests.command(phase)
        env = {
            **self.stage.environment(),
            "FERMATA_PLAN": str(self.folder / "plan.json"),
            "FERMATA_REPORT": str(self.folder / "report.json"),
        }
        with self._said(f"{' '.join(command)}   ({phase})", *command[1:], env=env) as program:
            yield program

    def report(self) -> dict[str, Any]:
        """Return the report that the last hook wrote."""
        content: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return content

    def passes(self) -> None:
        """Do the whole sync, and claim that each part of it goes well."""
        succeeds = self.stage.narrator.succeeds
        succeeds("the renderer accepts the commit", self.render())
        succeeds("hold is done", self.hook("PreSync"))
        self.apply()
        succeeds("verify, smoke and release pass", self.hook("PostSync"))

    @contextmanager
    def _said(self, text: str, *arguments: str, env: Mapping[str, str]) -> Iterator[Program]:
        argv = [*COMMAND, *arguments]
        self.stage.interruption.check()
        with (
            self.stage.narrator.step(f"$ {text}"),
            Program(
                argv,
                env=env,
                cwd=self.stage.repository.folder,
                on_line=self.stage.narrator.output,
            ) as program,
        ):
            yield program
