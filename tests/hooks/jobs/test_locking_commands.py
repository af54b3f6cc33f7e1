"""``fermata lock``, ``unlock``, ``status`` and ``guard``, as people and CI call them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from fermata_cli import frame
from fermata_spec.plan import dump_plan
from workplaces import PATIENCE, fermata, make_plan

pytestmark = pytest.mark.slow

FRIDAYS = {
    "name": "fridays",
    "freeze": {"starts": ["0 0 * * 5"], "ends": ["0 0 * * 6"], "time_zone": "Europe/Berlin"},
}


def run(*args: str, ledger: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **more}
    if ledger is not None:
        environ["FERMATA_LEDGER"] = f"file:{ledger}"
    return subprocess.run(
        fermata(*args), env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_a_lock_is_shown_until_it_is_taken_away(tmp_path: Path) -> None:
    reason = ("--reason", "quarter end", "--owner", "ann")

    previewed = run("lock", *reason, "--for", "2h", "--dry-run", ledger=tmp_path)
    before = run("status", ledger=tmp_path)
    locked = run("lock", *reason, "--for", "2h", ledger=tmp_path)
    again = run("lock", "--reason", "x", "--for", "1h", ledger=tmp_path)
    during = run("status", ledger=tmp_path)
    document = json.loads(run("status", "--format", "json", ledger=tmp_path).stdout)
    unlocked = run("unlock", ledger=tmp_path)
    after = run("status", ledger=tmp_path)

    assert previewed.stdout.startswith("dry run: would lock: all applications locked by ann")
    assert "locked" not in before.stdout
    assert (locked.returncode, again.returncode) == (0, 3)
    assert "all applications: locked by ann since" in during.stdout
    assert "quarter end" in during.stdout
    assert document["locks"][0]["owner"] == "ann"
    assert unlocked.stdout.startswith("unlocked: all applications locked by ann")
    assert "locked" not in after.stdout


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--reason", "x"], "how long? give one of --for, --until and --without-end"),
        (["--reason", "x", "--for", "1h", "--without-end"], "how long? give one of"),
        (["--reason", " ", "--for", "1h"], "--reason: empty"),
        (["--reason", "x", "--for", "soon"], "--for: "),
        (["--reason", "x", "--until", "tomorrow"], "--until: 'tomorrow' is no time"),
        (["--reason", "x", "--until", "2020-01-01T00:00:00Z"], "is over already"),
    ],
    ids=["no end", "two ends", "no reason", "no duration", "no time", "over"],
)
def test_a_lock_needs_a_reason_and_an_end(
    args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = frame.run(["lock", *args])

    assert code == 2
    assert told in capsys.readouterr().err


def test_a_lock_without_an_end_is_warned_of(tmp_path: Path) -> None:
    done = run("lock", "--reason", "x", "--without-end", ledger=tmp_path)

    assert done.returncode == 0
    assert "warning: this lock never ends by itself" in done.stderr


def plan_file(folder: Path, *guards: object) -> str:
    path = folder / "plan.json"
    path.write_text(dump_plan(make_plan("etl", guards=guards, target="main")))
    return str(path)


def test_ci_is_told_what_every_guard_says_without_a_ledger(tmp_path: Path) -> None:
    size = {"change-size": {"dags": 5}}
    who = {"initiator": {"allow": ["ann"]}}
    plan = plan_file(tmp_path, FRIDAYS, {"branch": {"allow": ["main"]}}, size, who)

    done = run("guard", "--explain", "--plan", plan, "--at", "2026-11-26T12:00:00Z")

    rows = [line.split("  ") for line in done.stdout.splitlines()]
    says = {row[0].strip(): [cell.strip() for cell in row if cell.strip()][3] for row in rows[2:]}
    assert done.returncode == 0
    assert says == {
        "fridays": "allows",
        "branch": "allows",
        "change-size": "asked at hold",
        "initiator": "asked at hold",
    }


def test_a_guard_that_denies_is_exit_3_and_one_line(tmp_path: Path) -> None:
    plan = plan_file(tmp_path, FRIDAYS, {"branch": {"allow": ["main"]}})

    done = run("guard", "--plan", plan, "--at", "2026-11-27T12:00:00Z")

    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "guard fridays (fermata.yaml) denies: frozen, next opening 2026-11-27T23:00:00Z"
    ]
    assert "branch" not in done.stdout


def test_the_policy_is_asked_too(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: fermata.dev/v1alpha1\nkind: Policy\nguards: [{branch: {allow: [prod]}}]\n"
    )

    done = run("guard", "--plan", plan_file(tmp_path), FERMATA_POLICY=str(policy))

    assert done.returncode == 3
    assert "branch (policy.yaml) denies: the application follows main, not prod" in done.stderr


def test_a_lock_is_seen_where_there_is_a_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    run("lock", "--reason", "audit", "--for", "1h", "--owner", "ann", ledger=ledger)

    done = run("guard", "--plan", plan_file(tmp_path), ledger=ledger)

    assert done.returncode == 3
    assert "guard lock (locks) denies: all applications locked by ann" in done.stderr


def test_no_guard_is_said_to_be_none(tmp_path: Path) -> None:
    done = run("guard", "--explain", "--plan", plan_file(tmp_path))

    assert (done.returncode, done.stdout) == (0, "no guard, and no lock\n")
