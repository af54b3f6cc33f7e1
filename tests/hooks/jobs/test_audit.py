"""What a sync leaves in the audit trail, and what people are told of it."""

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.audit import Context
from fermata_hooks.jobs.hold import run_hold
from fermata_spec.plan import Plan
from workplaces import PATIENCE, Surroundings, changed, fermata, make_plan, new_report

pytestmark = pytest.mark.slow

OLD = "a" * 40
FROZEN = {"freeze": {"starts": ["* * * * *"], "ends": ["0 0 1 1 *"]}}


@pytest.fixture
def airflow(clock: ManualClock) -> Iterator[FakeAirflow]:
    """One generation: what is written down does not depend on it."""
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        yield airflow


@pytest.fixture
def verified(around: Surroundings, airflow: FakeAirflow) -> Plan:
    for dag_id in ("etl", "load"):
        airflow.add_dag(dag_id, file=f"{dag_id}.py")
    plan = make_plan("etl", "load", revision=OLD)
    around.verified(plan)
    return plan


def trail(around: Surroundings) -> list[dict[str, Any]]:
    path = around.folder / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def events(around: Surroundings) -> list[str]:
    return [each["event"] for each in trail(around)]


def audit(around: Surroundings, *args: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "FERMATA_LEDGER": f"file:{around.folder}"}
    command = fermata("audit", args[0], str(around.folder / "audit.jsonl"), *args[1:])
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_every_request_that_changes_airflow_is_in_the_trail_before_and_after(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    plan = changed(verified, "etl")

    held = around.run("hold", plan=plan)
    released = around.run("release", plan=plan)

    lines = trail(around)
    intents = [each for each in lines if each["event"] == "intent"]
    outcomes = [each for each in lines if each["event"] == "outcome"]
    assert (held.returncode, released.returncode) == (0, 0)
    assert [each["dag"] for each in intents] == ["etl", "etl"]
    assert [each["values"] for each in intents] == [{"is_paused": True}, {"is_paused": False}]
    assert [each["result"] for each in outcomes] == ["done", "done"]
    changing = [
        request
        for request in airflow.requests
        if not request.startswith("GET")
        and not request.partition("?")[0].endswith(("/list", "/token", "/login", "/dry_run"))
    ]
    assert len(changing) == len(intents)
    assert events(around)[0] == "begin"
    assert events(around)[-1] == "end"
    assert audit(around, "verify").returncode == 0


def test_a_hook_that_has_nothing_to_do_writes_three_lines_and_asks_airflow_nothing_more(
    around: Surroundings, airflow: FakeAirflow, verified: Plan
) -> None:
    around.run("hold", plan=changed(verified))

    assert events(around) == ["begin", "change", "end"]
    assert not [request for request in airflow.requests if not request.startswith("GET")]


def test_a_dry_run_leaves_no_trace(around: Surroundings, verified: Plan) -> None:
    plan = changed(verified, "etl")

    around.run("hold", "--dry-run", plan=plan)
    around.run("release", "--dry-run", plan=plan)

    assert trail(around) == []


def test_a_hold_whose_trail_cannot_be_written_pauses_nothing(
    around: Surroundings, verified: Plan, tmp_path: Path
) -> None:
    done = around.run("hold", plan=changed(verified, "etl"), FERMATA_AUDIT=str(tmp_path))

    assert done.returncode == 2
    assert "audit: " in done.stderr
    assert around.paused() == set()


def test_a_release_goes_on_whatever_becomes_of_the_trail(
    around: Surroundings, verified: Plan, tmp_path: Path
) -> None:
    plan = changed(verified, "etl")
    around.run("hold", plan=plan)

    done = around.run("release", plan=plan, FERMATA_AUDIT=str(tmp_path))

    assert done.returncode == 0
    assert '"event":"intent"' in done.stderr
    assert around.paused() == set()


def test_no_secret_is_in_the_trail(around: Surroundings, verified: Plan) -> None:
    around.run("hold", plan=changed(verified, "etl"))

    text = (around.folder / "audit.jsonl").read_text()
    password = around.credentials[1].read_text().strip()
    assert password
    assert password not in text
    assert "Bearer" not in text


def test_a_denial_is_in_the_trail_with_its_rule(around: Surroundings, verified: Plan) -> None:
    plan = replace(changed(verified, "etl"), guards=(FROZEN,))

    done = around.run("hold", plan=plan)

    denied = [each for each in trail(around) if each["event"] == "denied"]
    assert done.returncode == 3
    assert [(each["guard"], each["origin"]) for each in denied] == [("freeze", "fermata.yaml")]
    assert trail(around)[-1]["verdict"] == "fail"


def test_on_stdout_the_lines_are_found_among_the_report(
    around: Surroundings, verified: Plan, tmp_path: Path
) -> None:
    done = around.run("hold", plan=changed(verified, "etl"), FERMATA_AUDIT="-")
    log = tmp_path / "log"
    log.write_text(done.stdout)

    verified_by = subprocess.run(
        fermata("audit", "verify", str(log), "--among-others"),
        env={"PATH": os.environ["PATH"], "FERMATA_LEDGER": f"file:{around.folder}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert verified_by.returncode == 0, verified_by.stderr
    assert "1 chain(s)" in verified_by.stdout


def test_a_trail_that_was_cut_off_ends_with_3(around: Surroundings, verified: Plan) -> None:
    around.run("hold", plan=changed(verified, "etl"))
    path = around.folder / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))

    done = audit(around, "verify")

    assert done.returncode == 3
    assert "cut off: chain" in done.stderr


@pytest.fixture
def deployed(around: Surroundings, verified: Plan, tmp_path: Path) -> tuple[Plan, Path]:
    """A deploy of two commits by two people, in a repository."""
    repository = tmp_path / "repository"

    def git(*args: str, name: str = "Ann") -> str:
        who = {f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER")
               for k, v in (("NAME", name), ("EMAIL", f"{name.lower()}@example.org"))}  # fmt: skip
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **who}
        done = subprocess.run(
            ["git", "-C", str(repository), *args],  # noqa: S607 - the one of the PATH
            env=environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    repository.mkdir()
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    first = git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "two", name="Bob")
    git("commit", "-q", "--allow-empty", "-m", "three", name="=Eve")
    around.verified(replace(verified, revision=first))
    plan = changed(verified, "etl", revision=git("rev-parse", "HEAD"))
    around.run("hold", plan=plan)
    around.run("release", plan=plan)
    return plan, repository


def test_who_deployed_what_when_is_told_for_a_dag_a_person_and_a_time(
    around: Surroundings, deployed: tuple[Plan, Path]
) -> None:
    _, repository = deployed
    clone = ("--repository", str(repository), "--format", "json")

    found = json.loads(audit(around, "list", *clone).stdout)
    bobs = json.loads(audit(around, "list", *clone, "--person", "bob@example.org").stdout)
    anns = json.loads(audit(around, "list", *clone, "--person", "Ann").stdout)
    loads = json.loads(audit(around, "list", *clone, "--dag", "load").stdout)
    before = audit(around, "list", "--until", "2020-01-01T00:00:00Z")

    assert [each["what"] for each in found] == ["hold", "release"]
    assert found[0]["people"] == ["Bob <bob@example.org>", "=Eve <=eve@example.org>"][::-1]
    assert found[1]["verified"] == found[0]["verified"]
    assert len(bobs) == 2
    assert anns == []
    assert loads == []
    assert before.stdout == "nothing\n"


def test_for_the_auditor_it_is_csv_without_formulas(
    around: Surroundings, deployed: tuple[Plan, Path]
) -> None:
    _, repository = deployed

    done = audit(around, "list", "--repository", str(repository), "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["what"] for row in rows] == ["hold", "release"]
    assert rows[0]["people"].startswith("'=Eve")
    assert rows[0]["dags"] == "etl"


def test_a_process_that_was_killed_has_no_end(around: Surroundings, verified: Plan) -> None:
    place = around.place()
    plan = changed(verified, "etl")
    place.trail.begin(Context(hook="hold", application="demo", revision=plan.revision), {})
    run_hold(plan, place, new_report(plan))

    found = json.loads(audit(around, "list", "--format", "json").stdout)
    assert [(each["what"], each["verdict"]) for each in found] == [("hold", "no end")]
