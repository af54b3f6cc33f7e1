"""The four acts. Each claim is checked against Airflow itself, by requests of the demo's own."""

from collections.abc import Mapping
from pathlib import Path

from fermata_hooks.demo import example
from fermata_hooks.demo.narration import ClaimError
from fermata_hooks.demo.stage import Stage, Sync
from fermata_hooks.demo.volume import read_volume

RUN = "demo-1"


def first_commit(stage: Stage) -> None:
    """Act 1: the first commit goes all the way."""
    narrator = stage.narrator
    narrator.act(
        "Act 1",
        "the first commit",
        "Airflow is empty. A repository with three DAGs, a smoke DAG and a fermata.yaml is synced.",
    )
    before = stage.look()
    files = example.first_files(stage.airflow.url, stage.airflow.release.generation)
    sync = _commit(stage, files, "Add orders, invoices, stock and a smoke DAG")
    sync.passes()

    after = stage.look()
    narrator.claim(
        f"Airflow has {', '.join(example.DAGS)}, and all are on",
        holds=after == dict.fromkeys(example.DAGS, "on"),
        seen=after,
    )
    _claim_parsed(stage, sync, (example.CHANGED, example.BROKEN))
    _claim_smoke(stage, sync)
    _table(stage, sync, {"before": before, "after": after})


def change_under_a_running_task(stage: Stage) -> None:
    """Act 2: one DAG changes while a task of it runs and a person has paused another."""
    narrator, person = stage.narrator, stage.person
    narrator.act(
        "Act 2",
        "a change while a task runs",
        f"{example.CHANGED} changes while its task extract runs. "
        f"{person.user} has paused {example.PAUSED}.",
    )
    gate = stage.folder / "extract-may-end"
    with narrator.step(f"{person.user} pauses {example.PAUSED} in Airflow"):
        person.set_paused(example.PAUSED, paused=True)
    with narrator.step(f"a run of {example.CHANGED} starts; its task extract runs"):
        person.start(example.CHANGED, RUN, {"wait_for": str(gate)})
        stage.until("extract runs", lambda: _task(stage, "extract") == "running")
    before = stage.look()
    changed = example.with_a_new_load(stage.repository.read(example.ORDERS))
    sync = _commit(stage, {example.ORDERS: changed}, "Load the orders into two tables")
    narrator.succeeds("the renderer accepts the commit", sync.render())
    during = _hold_until(stage, sync, gate)
    sync.apply()
    narrator.succeeds("verify, smoke and release pass", sync.hook("PostSync"))
    _claim_parsed(stage, sync, (example.CHANGED,))
    _claim_smoke(stage, sync)

    after = stage.look()
    narrator.claim(
        f"{example.CHANGED} is on again, and {person.user}'s pause of {example.PAUSED} is kept",
        holds=after == before,
        seen=after,
    )
    with narrator.step(f"the run of {example.CHANGED} goes on where it was"):
        stage.until("the run ends", lambda: person.runs(example.CHANGED)[RUN] != "running")
        states = {**person.tasks(example.CHANGED, RUN), "run": person.runs(example.CHANGED)[RUN]}
        narrator.claim(
            "its task load ran after the release, and the run succeeded",
            holds=states == {"extract": "success", "load": "success", "run": "success"},
            seen=states,
        )
    _table(stage, sync, {"before": before, "held": during, "after": after})


def mistake_that_no_linter_sees(stage: Stage) -> None:
    """Act 3: an operator that cannot be imported; verify says so, and a revert mends it."""
    narrator, person = stage.narrator, stage.person
    narrator.act(
        "Act 3",
        "a mistake that no linter can see",
        f"{example.BROKEN} uses an operator that is not installed in this Airflow.",
    )
    before = stage.look()
    broken = example.with_a_missing_operator(stage.repository.read(example.INVOICES))
    sync = _commit(stage, {example.INVOICES: broken}, "Send the invoices with a new operator")
    narrator.succeeds("the renderer cannot know, and accepts the commit", sync.render())
    narrator.succeeds("hold is done", sync.hook("PreSync"))
    during = stage.look()
    sync.apply()
    failed = sync.hook("PostSync")
    narrator.ends_with(3, "verify says no", failed)
    said = failed.stdout + failed.stderr
    errors = person.import_errors()
    narrator.claim(
        f"it names the file and the error: {_one_line(errors)}",
        holds=bool(errors) and all(_names(said, *error) for error in errors.items()),
        seen=errors or said,
    )
    narrator.succeeds("the SyncFail hook releases", sync.hook("SyncFail"))
    released = stage.look()
    narrator.claim(
        "nothing is left held, and every DAG is as it was",
        holds=released == before and stage.owed() == [],
        seen=released,
    )
    with narrator.step("git revert HEAD"):
        revert = Sync(stage, stage.repository.revert())
        _show_changes(stage)
    revert.passes()
    after = stage.look()
    narrator.claim(
        "the revert is green: no import error is left, and every DAG is as it was",
        holds=after == before and person.import_errors() == {},
        seen=(after, person.import_errors()),
    )
    _claim_parsed(stage, revert, (example.BROKEN,))
    _table(
        stage,
        sync,
        {"before": before, "held": during, "after verify's no": released, "reverted": after},
    )


def mistake_that_the_linter_sees(stage: Stage) -> None:
    """Act 4: render stops a bad commit, and nothing is applied."""
    narrator = stage.narrator
    narrator.act(
        "Act 4",
        "a mistake that the linter sees",
        f"{example.CHANGED} depends on a task that is not there: {example.MISSPELT}.",
    )
    before, files = stage.look(), read_volume(stage.volume)
    misspelt = example.with_a_misspelt_dependency(stage.repository.read(example.ORDERS))
    sync = _commit(stage, {example.ORDERS: misspelt}, "Tidy up the orders")
    stopped = sync.render()
    place = _place(misspelt, example.MISSPELT)
    narrator.claim(
        f"render stops, and says where: {example.ORDERS}:{place}",
        holds=stopped.code != 0 and f"{example.ORDERS}:{place}: " in stopped.stderr,
        seen=f"exit code {stopped.code}: {stopped.stderr}",
    )
    after = stage.look()
    narrator.claim(
        "nothing was rendered, nothing is applied, nothing is held",
        holds=stopped.stdout == ""
        and read_volume(stage.volume) == files
        and after == before
        and stage.owed() == [],
        seen=(stopped.stdout, after),
    )
    _table(stage, sync, {"before": before, "after": after})


def _commit(stage: Stage, files: Mapping[str, str], message: str) -> Sync:
    with stage.narrator.step(f"git commit: {message}"):
        sync = Sync(stage, stage.repository.commit(files, message))
        _show_changes(stage)
    return sync


def _show_changes(stage: Stage) -> None:
    for line in stage.repository.changes():
        stage.narrator.output(line.strip())


def _hold_until(stage: Stage, sync: Sync, gate: Path) -> dict[str, str]:
    """Run hold while the task runs; let the task end once hold waits for it."""
    narrator, person = stage.narrator, stage.person
    with sync.running_hook("PreSync") as hold:
        stage.until(
            f"hold pauses {example.CHANGED}",
            lambda: not hold.running or person.paused()[example.CHANGED],
        )
        during = stage.look()
        expected = dict.fromkeys(example.DAGS, "on") | {
            example.CHANGED: "paused by fermata",
            example.PAUSED: f"paused by {person.user}",
        }
        narrator.claim(f"only {example.CHANGED} is held", holds=during == expected, seen=during)
        narrator.claim(
            "its task extract still runs, and hold waits for it",
            holds=_task(stage, "extract") == "running" and hold.running,
            seen=_task(stage, "extract"),
        )
        gate.touch()
        finished = hold.wait(120)
    narrator.succeeds("hold ends when the task has", finished)
    tasks = person.tasks(example.CHANGED, RUN)
    narrator.claim(
        "extract has succeeded, and load has not started",
        holds=tasks["extract"] == "success" and tasks.get("load") in {"none", "scheduled"},
        seen=tasks,
    )
    return during


def _task(stage: Stage, task_id: str) -> str:
    return stage.person.tasks(example.CHANGED, RUN).get(task_id, "none")


def _claim_parsed(stage: Stage, sync: Sync, dag_ids: tuple[str, ...]) -> None:
    """Claim that the scheduler's copy of each DAG carries the digest of this revision."""
    digests = sync.manifests.digests()
    for dag_id in dag_ids:
        doc = stage.person.serialized_doc(dag_id)
        stage.narrator.claim(
            f"the scheduler's copy of {dag_id} carries this revision's digest {digests[dag_id]}",
            holds=f"fermata:{digests[dag_id]}" in doc,
            seen=doc[-200:],
        )


def _claim_smoke(stage: Stage, sync: Sync) -> None:
    runs = stage.person.runs(example.SMOKE)
    ours = {run: state for run, state in runs.items() if sync.revision[:12] in run}
    stage.narrator.claim(
        f"the smoke DAG ran for this revision: {', '.join(ours)}",
        holds=list(ours.values()) == ["success"],
        seen=runs,
    )


def _one_line(errors: Mapping[str, str]) -> str:
    return "; ".join(f"{Path(file).name}: {error}" for file, error in errors.items())


def _names(said: str, file: str, error: str) -> bool:
    return Path(file).name in said and error in said


def _place(text: str, word: str) -> str:
    """Return ``line:column`` of the first ``word``."""
    for number, line in enumerate(text.splitlines(), 1):
        if word in line:
            return f"{number}:{line.index(word) + 1}"
    raise ClaimError(f"{word}: not in the file that should hold it")


def _table(stage: Stage, sync: Sync, looks: Mapping[str, Mapping[str, str]]) -> None:
    """Show what became of each DAG, and what the commit did to it."""
    rows = [
        [dag_id, sync.changes.get(dag_id, ""), *(look.get(dag_id, "-") for look in looks.values())]
        for dag_id in example.DAGS
    ]
    styles = {"paused by fermata": "yellow", "paused": "cyan", "on": "green"}
    stage.narrator.table(["DAG", "commit", *looks], rows, styles=styles)
