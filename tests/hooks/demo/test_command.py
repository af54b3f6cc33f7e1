"""``fermata demo`` stands beside the commands that it runs, not on their insides."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LOADED = """
import sys
import fermata_hooks.demo.command
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_imports_neither_the_renderer_nor_an_http_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )

    unwanted = {"fermata_plugin", "requests", "urllib3", "kubernetes", "airflow"}
    assert unwanted & set(done.stdout.split()) == set()


def test_an_airflow_that_is_not_known_is_a_wrong_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fermata_cli", "demo", "--airflow", "1.10"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "3.3.2" in done.stderr
    assert "2.11.2" in done.stderr
