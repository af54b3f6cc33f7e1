"""The image, built and run as the Jobs run it."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fermata_spec import __version__

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
CONFINED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]


def docker(*arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments],  # noqa: S607 - the engine's client, wherever it is
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    name = f"fermata-test:{uuid.uuid4().hex[:12]}"
    built = docker("build", "--tag", name, ROOT, timeout=540)
    assert built.returncode == 0, built.stderr[-4000:]
    yield name
    docker("image", "rm", name)


def test_the_command_runs_confined_as_nobody_in_particular(image: str) -> None:
    done = docker("run", "--rm", *CONFINED, image, "fermata", "--version")

    assert done.stdout == f"fermata {__version__}\n", done.stderr
    assert done.returncode == 0


def test_every_part_is_in_it(image: str) -> None:
    for command in ("render", "hold"):
        done = docker("run", "--rm", *CONFINED, image, "fermata", command, "--help")
        assert done.returncode == 0, done.stderr


def test_its_user_is_a_number_so_that_kubernetes_can_see_that_it_is_not_root(image: str) -> None:
    inspected = docker("image", "inspect", "--format", "{{.Config.User}}", image)

    assert inspected.stdout.strip() == "999:999"


def test_its_environment_holds_no_package_installer(image: str) -> None:
    listing = docker("run", "--rm", *CONFINED, image, "ls", "/opt/fermata/bin")

    names = listing.stdout.split()
    assert "fermata" in names
    assert [name for name in names if name.startswith(("pip", "uv"))] == []
