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
from fermata_hooks.demo.narration import ClaimError, Narrator
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
SHOWN = {
    "Act 1": "a first commit is rendered, applied, verified and smoke-tested",
    "Act 2": "one DAG is held until its task has ended; a person's pause is kept",
    "Act 3": "verify names the file and the error; nothing stays held; a revert is green",
    "Act 4": "the renderer stops a commit with file, line and column; nothing is applied",
}


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
    if order.folder is not None and order.folder.exists() and any(order.folder.iterdir()):
        raise SettingsError(f"{order.folder}: not empty")
    _introduce(order, narrator)
    server = _installed(order, narrator, environ)
    with (
        _folder(order, narrator) as folder,
        _airflow(server, order, folder, narrator) as airflow,
    ):
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
        _play(stage)
        if order.keep:
            _summarize(narrator)
            _how_to_stop(order, airflow, folder, narrator)
            interruption.over()
            airflow.keep()
    if not order.keep:
        _summarize(narrator)


def _play(stage: Stage) -> None:
    """Play the acts; where something is not so, show what Airflow said."""
    try:
        for act in ACTS:
            act(stage)
    except ClaimError:
        for line in stage.airflow.log_tail().splitlines():
            stage.narrator.output(line)
        raise


def _installed(order: Order, narrator: Narrator, environ: Mapping[str, str]) -> AirflowServer:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        narrator.note(f"{line} ...")

    with narrator.step(f"Airflow {order.version}, in an environment of its own"):
        server = AirflowServer.installed(order.version, environ=environ, say=say)
        narrator.note(f"{'installed' if said else 'is'} in {server.installation.folder}")
    return server


@contextmanager
def _folder(order: Order, narrator: Narrator) -> Iterator[Path]:
    """Make the folder of the demo; a temporary one is removed, unless Airflow stays up in it."""
    temporary = order.folder is None
    folder = order.folder or Path(tempfile.gettempdir()) / f"fermata-demo-{secrets.token_hex(4)}"
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
        narrator.part("Afterwards")
        if not order.keep:
            with narrator.step("stopping Airflow, removing everything"):
                stack.close()


def _say_what_is_shortened(release: Release, narrator: Narrator) -> None:
    narrator.note("to be quick, this demo shortens waits (in brackets what they usually are):")
    for name, value in release.shortened.items():
        narrator.note(f"  Airflow's {name} = {value} ({USUALLY[name]})")
    narrator.note("  Fermata's verify.settle = 2s (10s), the time for which green must stay green")


def _base_env(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what each command of Fermata gets besides what is meant for it."""
    return {"PATH": environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}


def _introduce(order: Order, narrator: Narrator) -> None:
    narrator.heading(f"Fermata on a real Airflow {order.version}")
    for line in (
        "A git repository gets four commits and a revert. Each is synced as Argo CD does it:",
        "render, hold, apply, and then verify, smoke and release. Each is the real command, in a",
        "process of its own; ✓ marks what was then checked by asking Airflow itself. At the left",
        "stand the seconds since the start.",
    ):
        narrator.note(line)
    narrator.note("")


def _summarize(narrator: Narrator) -> None:
    narrator.heading("What was shown")
    narrator.table(
        ["", "", "took"],
        [[name, shown, _took(narrator, name)] for name, shown in SHOWN.items()],
    )
    narrator.heading("How long each step took")
    narrator.table(
        ["", "step", "took"],
        [[step.act, step.text, format_duration(step.seconds)] for step in narrator.steps],
    )
    narrator.note(
        f"{narrator.claims} claims, each checked against Airflow itself; "
        f"{format_duration(narrator.seconds)} in all"
    )


def _took(narrator: Narrator, act: str) -> str:
    return format_duration(sum(step.seconds for step in narrator.steps if step.act == act))


def _how_to_stop(order: Order, airflow: RunningAirflow, folder: Path, narrator: Narrator) -> None:
    narrator.note("")
    narrator.note(f"Airflow stays up at {airflow.url}")
    narrator.note(f"user {PERSON}, password in {airflow.credential_files(PERSON)[1]}")
    narrator.note(f"repository, manifests, plans, reports and ledger in {folder}")
    and_more = "" if order.folder else ", and remove all of this"
    narrator.note(f"to stop it{and_more}: kill {airflow.pid}")
