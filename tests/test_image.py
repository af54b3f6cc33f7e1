"""The image, built and run as the Jobs run it."""

import json
import re

import pytest

from fermata_spec import __version__
from images import ROOT, docker, run, target

MOST = 200 * 10**6  # bytes on top of the base image
BASE = "python:3.13-slim"

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


def test_it_weighs_at_most_200_mb_more_than_its_base(image: str) -> None:
    inspected = docker("image", "inspect", "--format", "{{.Size}}", image, BASE)

    ours, base = (int(size) for size in inspected.stdout.split())
    assert ours - base <= MOST


def test_git_is_in_the_image_for_rollbacks_and_nowhere_else(image: str) -> None:
    with target("rollback") as rollback:
        there = run(rollback, "git", "--version")
        user = docker("image", "inspect", "--format", "{{.Config.User}}", rollback)

    assert there.stdout.startswith(b"git version"), there.stderr
    assert user.stdout.decode().strip() == "999:999"
    assert run(image, "git", "--version").returncode != 0


def test_what_it_holds_is_told_in_cyclonedx(image: str) -> None:
    find = "import importlib.metadata as m, json;"
    find += "print(json.dumps([d.name for d in m.distributions()]))"
    installed = json.loads(run(image, "python3", "-c", find).stdout)
    with target("sbom") as sbom:
        told = json.loads(run(sbom, "cat", "/opt/sbom.cdx.json").stdout)

    assert told["bomFormat"] == "CycloneDX"
    named = {told["metadata"]["component"]["name"], *(c["name"] for c in told["components"])}
    assert {name.lower() for name in installed} <= {name.lower() for name in named}
    assert all(c.get("version") for c in told["components"])


def test_every_action_of_the_workflows_is_pinned_by_its_commit() -> None:
    uses = [
        line
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in path.read_text("utf-8").splitlines()
        if "uses:" in line
    ]

    assert uses
    for line in uses:
        assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d", line), line
