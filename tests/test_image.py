"""The image, built and run as the Jobs run it."""

import pytest

from fermata_spec import __version__
from images import docker, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def test_the_command_runs_confined_as_nobody_in_particular(image: str) -> None:
    done = run(image, "fermata", "--version")

    assert done.stdout.decode() == f"fermata {__version__}\n", done.stderr
    assert done.returncode == 0


def test_every_part_is_in_it(image: str) -> None:
    for command in ("render", "hold"):
        done = run(image, "fermata", command, "--help")
        assert done.returncode == 0, done.stderr


def test_its_user_is_a_number_so_that_kubernetes_can_see_that_it_is_not_root(image: str) -> None:
    inspected = docker("image", "inspect", "--format", "{{.Config.User}}", image)

    assert inspected.stdout.decode().strip() == "999:999"


def test_its_environment_holds_no_package_installer(image: str) -> None:
    listing = run(image, "ls", "/opt/fermata/bin")

    names = listing.stdout.decode().split()
    assert "fermata" in names
    assert [name for name in names if name.startswith(("pip", "uv"))] == []
