"""What starting costs: the plugin starts on every refresh of every Application."""

import json
import subprocess
import sys

import pytest

HEAVY = {"requests", "kubernetes", "airflow", "filelock", "urllib3"}


def loaded_by(statements: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter holds after ``statements``."""
    code = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_renderer_loads_neither_requests_nor_kubernetes() -> None:
    assert loaded_by("import fermata_plugin.cli") & HEAVY == set()


def test_the_command_alone_loads_no_part_of_fermata_and_no_yaml() -> None:
    loaded = loaded_by("import fermata_cli")

    assert loaded & (HEAVY | {"yaml", "fermata_plugin", "fermata_hooks"}) == set()


@pytest.mark.parametrize("name", ["render", "lint", "plan"])
def test_help_of_the_plugins_commands_loads_no_part_of_the_hooks(name: str) -> None:
    loaded = loaded_by(f"from fermata_cli.frame import run\nrun([{name!r}, '--help'])")

    assert loaded & (HEAVY | {"fermata_hooks"}) == set()


def test_help_loads_no_part_of_fermata() -> None:
    loaded = loaded_by("from fermata_cli.frame import run\nrun(['--help'])")

    assert loaded & (HEAVY | {"yaml", "fermata_plugin", "fermata_hooks"}) == set()
