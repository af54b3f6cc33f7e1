"""Measure how long ``fermata diff`` takes, side by side with rendering: at most two renders.

``make bench``. 1,000 dag-factory files of 2 KB, one of them changed, as two folders and as two git
revisions. A benchmark and not a test: on a busy machine a time proves nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.render import FERMATA, FILES, IDENTITY, best, write_checkout

BUDGET = 2.0  # renders
TURNS = 5
DIFF = [FERMATA[0], "diff", "--application", "bench"]


def write_sides(folder: Path) -> tuple[Path, Path]:
    """Write two checkouts of which one has another schedule in one file."""
    old = write_checkout(folder / "old", FILES, is_yaml=True)
    new = Path(shutil.copytree(old, folder / "new"))
    changed = new / "dags" / "file_5.yaml"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("0 3 * * *", "0 4 * * *"), encoding="utf-8")
    return old, new


def commit_sides(folder: Path, sides: tuple[Path, Path]) -> list[str]:
    """Commit both in a repository; return the command that compares the two commits."""
    git = shutil.which("git")
    if git is None:
        return []
    repository = folder / "repository"
    repository.mkdir()
    people = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    environment = {**os.environ, **dict.fromkeys(people, "bench@example.com")}
    subprocess.run([git, "init", "-q"], cwd=repository, env=environment, check=True)
    for side in sides:
        shutil.copytree(side, repository, dirs_exist_ok=True)
        for command in (["add", "--all"], ["commit", "-q", "-m", "x"]):
            subprocess.run([git, *command], cwd=repository, env=environment, check=True)
    os.chdir(repository)
    return [*DIFF, "HEAD^", "HEAD"]


def main() -> None:
    """Print a line for each contender; exit 1 when the diff is over its budget."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = write_sides(folder)
        contenders = {
            "render": [*FERMATA, str(sides[0]), *IDENTITY],
            "diff": [*DIFF, *map(str, sides)],
        }
        revisions = commit_sides(folder, sides)
        if revisions:
            contenders["diff, git"] = revisions
        costs = best(contenders, TURNS)
        os.chdir(Path(__file__).parent)
    for contender, cost in costs.items():
        print(f"{FILES:6} yaml   {contender:9} {cost.seconds:6.2f} s {cost.mebibytes:4.0f} MiB")
    renders = costs["diff"].seconds / costs["render"].seconds
    print(f"a diff of two folders takes the time of {renders:.2f} renders")
    if renders > BUDGET:
        sys.exit(f"{renders:.2f} renders, budget {BUDGET}")


if __name__ == "__main__":
    main()
