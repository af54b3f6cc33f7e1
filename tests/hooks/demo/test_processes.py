"""A program is heard while it runs, has a deadline, and does not outlive the block."""

import os
import sys
from pathlib import Path

import pytest

from fermata_hooks.demo.processes import Program, check, run
from fermata_spec.errors import UnavailableError

ENV = {"PATH": os.defpath}


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-c", source]


def test_hands_on_each_line_of_stderr_and_keeps_stdout(tmp_path: Path) -> None:
    heard: list[str] = []
    source = "import sys; print('data'); print('one\\ntwo', file=sys.stderr, end='')"

    with Program(python(source), env=ENV, cwd=tmp_path, on_line=heard.append) as program:
        finished = program.wait(20)

    assert heard == ["one", "two"]
    assert (finished.code, finished.stdout, finished.stderr) == (0, "data\n", "one\ntwo")


def test_gives_up_at_the_deadline_and_kills(tmp_path: Path) -> None:
    source = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"

    with pytest.raises(UnavailableError, match=r"not finished after 0\.5s"):
        run(python(source), env=ENV, cwd=tmp_path, deadline=0.5)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_program_that_says_more_than_a_pipe_holds_does_not_stand_still(tmp_path: Path) -> None:
    finished = run(python("print('x' * 1_000_000)"), env=ENV, cwd=tmp_path, deadline=20)

    assert len(finished.stdout) == 1_000_001


def test_knows_nothing_of_our_environment(tmp_path: Path) -> None:
    source = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"

    finished = run(python(source), env=ENV, cwd=tmp_path)

    assert finished.stdout == "['PATH']\n"


def test_a_failure_shows_the_last_lines(tmp_path: Path) -> None:
    source = "import sys; print('\\n'.join(map(str, range(100))), file=sys.stderr); sys.exit(4)"

    with pytest.raises(UnavailableError, match=r"(?s)exit code 4\n85\n.*\n99$"):
        check(python(source), env=ENV, cwd=tmp_path)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no-such-program: cannot be started: No such file"):
        run(["no-such-program"], env=ENV, cwd=tmp_path)
