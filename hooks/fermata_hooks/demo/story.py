"""The whole story: a stage is set, four acts are played, and everything is put away."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fermata_hooks.demo import acts
from fermata_hooks.demo.airflow_release import USUALLY, Release, Role
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.demo.interruption import Interruption
from fermata_hooks.demo.narration import Narrator
from fermata_hooks.demo.repository import Repository
from fermata_hooks.demo.stage import Stage
from fermata_hooks.demo.witness import Witness
from fermata_spec.errors import SettingsError
from fermata_spec.units import format_duration

PERSON = "ana"
USERS: Mapping[str, Role] = {"fermata": "admin", PERSON: "admin"}
ACTS = (
    acts.first_commit,
    acts.change_under_a_running_task,
    acts.mistake_that_no_linter_sees,
    acts.mistake_that_the_linter_sees,
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for: which Airflow, whether it stays up, and where everything goes."""

    version: str
    keep: bool = False
    folder: Path | None = None


def tell(
    order: Order, *, narrator: Narrator, interruption: Interruption, environ: Mapping[str, str]
) -> None:
    """Tell the story; raise ``ClaimError`` as soon as something is not as it is told."""
    with narrator.step(f"Airflow {order.version}: from the package index, or from the cache"):
        server = AirflowServer.installed(order.version, environ=environ, say=narrator.note)
    with _folder(order, narrator) as folder:
        with _airflow(server, order, folder, narrator) as airflow:
            stage = Stage(
                folder=folder,
                airflow=airflow,
                repository=Repository.create(folder / "repository", path=environ.get("PATH", "")),
                volume=airflow.dags_folder,
                ledger=folder / "ledger",
                person=Witness(airflow, PERSON),
                narrator=narrator,
                interruption=interruption,
                base_env=_base_env(environ),
            )
            for act in ACTS:
                act(stage)
        _summary(narrator)
        if order.keep:
            _how_to_stop(airflow, folder, narrator)


@contextmanager
def _folder(order: Order, narrator: Narrator) -> Iterator[Path]:
    """Make the folder of the demo; a temporary one is removed, unless Airflow stays up in it."""
    temporary = order.folder is None
    folder = order.folder or Path(tempfile.gettempdir()) / f"fermata-demo-{secrets.token_hex(4)}"
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder}: not empty")
    kept = False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        narrator.note(f"everything is in {folder}")
        yield folder
        kept = order.keep
    finally:
        if temporary and not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _airflow(
    server: AirflowServer, order: Order, folder: Path, narrator: Narrator
) -> Iterator[RunningAirflow]:
    """Start Airflow; stop it when the block ends, or let it be if it is to be kept."""
    release = server.installation.release
    with ExitStack() as stack:
        with narrator.step(f"starting Airflow: {', '.join(release.processes)}"):
            airflow = stack.enter_context(
                server.running(
                    dags_folder=folder / "volume",
                    users=USERS,
                    home=folder / "airflow",
                    remove=() if order.folder else (folder,),
                )
            )
            narrator.note(f"it answers at {airflow.url}, on the loopback only; SQLite")
        _say_what_is_shortened(release, narrator)
        yield airflow
        narrator.act("Finally", "Airflow", "")
        if order.keep:
            airflow.keep()
        else:
            with narrator.step("stopping Airflow"):
                stack.close()


def _say_what_is_shortened(release: Release, narrator: Narrator) -> None:
    narrator.note("to be quick, this demo shortens waits (in brackets what they usually are):")
    for name, value in release.shortened.items():
        narrator.note(f"  Airflow's {name} = {value} ({USUALLY[name]})")
    narrator.note("  Fermata's verify.settle = 2s (10s), the time for which green must stay green")


def _base_env(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what each command of Fermata gets besides what is meant for it."""
    return {
        "PATH": environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


def _summary(narrator: Narrator) -> None:
    narrator.act("The end", "what was shown, and how long each step took", "")
    narrator.table(
        ["", "step", "took"],
        [[step.act, step.text, format_duration(step.seconds)] for step in narrator.steps],
    )
    narrator.note(
        f"{len(narrator.claims)} claims, each checked against Airflow itself; "
        f"{format_duration(narrator.seconds)} in all"
    )


def _how_to_stop(airflow: RunningAirflow, folder: Path, narrator: Narrator) -> None:
    narrator.note("")
    narrator.note(f"Airflow stays up at {airflow.url}")
    narrator.note(f"user {PERSON}, password in {airflow.credential_files(PERSON)[1]}")
    narrator.note(f"repository, manifests, plans, reports and ledger in {folder}")
    narrator.note(f"to stop it: kill {airflow.pid}")
