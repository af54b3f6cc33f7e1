"""docs/diff.md: its example is a golden pair, and its CI jobs are run as they stand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "diff.md").read_text()
GOLDEN = ROOT / "tests" / "golden" / "diff-shop"
JOBS = [yaml.safe_load(block.split("```")[0]) for block in PAGE.split("```yaml\n")[1:]]


def commands(job: object) -> Iterator[str]:
    """Yield every shell command of a CI job, of either kind."""
    if isinstance(job, str):
        yield job
    elif isinstance(job, list):
        for each in job:
            yield from commands(each)
    elif isinstance(job, dict):
        for each in job.values():
            yield from commands(each)


def test_the_example_is_what_is_printed() -> None:
    example = PAGE.split("expected.md -->\n")[1].split("<!-- end -->")[0]

    assert example == (GOLDEN / "expected.md").read_text()


@pytest.mark.parametrize("job", JOBS, ids=["GitHub", "GitLab"])
def test_the_commands_of_a_ci_job_write_the_comment(job: object, tmp_path: Path) -> None:
    ours = [each for each in commands(job) if each.startswith("fermata ")]
    clone, base, head = _clone(tmp_path)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_BASE_REF": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_COMMIT_SHA": head,
    }

    for command in ours:
        done = subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=clone,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    assert len(ours) == 2
    written = (clone / "diff.md").read_text()
    assert written.startswith("<!-- fermata diff -->\n")
    assert "| `orders` | changed |" in written


def _clone(folder: Path) -> tuple[Path, str, str]:
    """Return a clone as CI makes one, on a detached commit, and the commits of both sides."""
    script = f"""
        git init -q --initial-branch=main origin
        cd origin
        cp -R {GOLDEN}/old/. .
        git add --all; git commit -q -m old; git rev-parse HEAD
        git checkout -q -b change
        cp -R {GOLDEN}/new/. .
        git add --all; git commit -q -m new; git rev-parse HEAD
        git checkout -q main
        git commit -q --allow-empty -m meanwhile
        cd ..
        git clone -q origin clone
        git -C clone checkout -q --detach origin/change
    """
    people = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        **dict.fromkeys(people, "ana@example.com"),
    }
    done = subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    base, head = done.stdout.split()
    return folder / "clone", base, head
