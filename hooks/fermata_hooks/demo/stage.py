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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fermata_hooks.demo import example
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


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that an act uses; ``folder`` holds ``syncs/``, one folder for each sync."""

    folder: Path
    airflow: RunningAirflow
    repository: Repository
    volume: Path
    ledger: Path
    person: Witness
    narrator: Narrator
    interruption: Interruption
    base_env: Mapping[str, str]

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

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment of a hook: where, and as whom; secrets are in files only."""
        return {
            **self.base_env,
            "FERMATA_PLAN": str(folder / "plan.json"),
            "FERMATA_REPORT": str(folder / "report.json"),
            "FERMATA_LEDGER": f"file:{self.ledger}",
            "FERMATA_AIRFLOW_USERNAME_FILE": str(self.airflow.username_file),
            "FERMATA_AIRFLOW_PASSWORD_FILE": str(self.airflow.password_file),
        }

    def look(self) -> dict[str, str]:
        """Return for each DAG ``on``, or who has paused it, as Airflow tells it."""
        return {
            dag_id: f"paused by {self.person.paused_by(dag_id) or 'nobody'}" if paused else "on"
            for dag_id, paused in sorted(self.person.paused().items())
        }

    def held(self) -> list[str]:
        """Return the applications that hold DAGs, by the ledger's file."""
        document = self.ledger / "ledger"
        content: dict[str, Any] = json.loads(document.read_text()) if document.exists() else {}
        return sorted(content.get("holds", {}))


class Sync:
    """One sync of the application to one revision, step by step."""

    def __init__(self, stage: Stage, revision: str) -> None:
        self.stage = stage
        self.revision = revision
        number = len(list((stage.folder / "syncs").glob("*"))) + 1
        self.folder = stage.folder / "syncs" / f"{number}-{revision[:7]}"
        self.folder.mkdir(parents=True)
        self.manifests = Manifests(())

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
            self.stage.narrator.note(self.manifests.kinds())
        return finished

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
        env = self.stage.environment(self.folder)
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
        argv = [sys.executable, "-m", "fermata_cli", *arguments]
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
