"""The package as a user gets it: what it holds, and that a part runs with its own extra alone."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from fermata_cli.commands import SUBCOMMANDS
from fermata_spec import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
PACKAGES = {"fermata_spec", "fermata_cli", "fermata_plugin", "fermata_airflow", "fermata_hooks"}
SOURCES = {
    "CHANGELOG.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "hooks",
    "plugin",
    "pyproject.toml",
    ".gitignore",  # hatchling's own addition: a build from the sdist leaves out the same files
}


def build(kind: str, source: Path, into: Path) -> Path:
    """Build from ``source`` with the locked backend, without an environment of its own."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    (made,) = into.iterdir()
    return made


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"airflow_fermata-{__version__}"


def install(wheel: Path, extra: str, folder: Path) -> Path:
    """Install ``wheel[extra]`` in a fresh environment; return the environment's ``bin``."""
    python = folder / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    command: list[str | Path] = [
        *(UV, "pip", "install", "--quiet", "--python", python),
        *("--constraint", ROOT / "requirements.txt", f"{wheel}[{extra}]"),
    ]
    # What make installed is in uv's cache; the index is asked only where the cache was emptied.
    if subprocess.run([*command, "--offline"], check=False, capture_output=True).returncode:
        subprocess.run(command, check=True, timeout=100)
    return python.parent


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_wheel_holds_these_import_packages_and_nothing_beside_them(wheel: Path) -> None:
    tops = {PurePosixPath(name).parts[0] for name in names_in(wheel)}

    assert tops == PACKAGES | {f"airflow_fermata-{__version__}.dist-info"}


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    on_disk = {
        path.relative_to(root).as_posix()
        for root in (ROOT / "hooks", ROOT / "plugin")
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    held = {name for name in names_in(wheel) if PurePosixPath(name).parts[0] in PACKAGES}
    assert held == on_disk


def test_every_package_says_that_it_is_typed(wheel: Path) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= names_in(wheel)


def test_the_wheel_is_an_airflow_provider(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        points = archive.read(name).decode()

    told = "provider_info = fermata_airflow.get_provider_info:get_provider_info"
    assert f"[apache_airflow_provider]\n{told}\n" in points


def test_the_sdist_holds_the_sources_and_no_test_or_setting_of_ours(unpacked_sdist: Path) -> None:
    assert {path.name for path in unpacked_sdist.iterdir()} == SOURCES


def test_the_wheel_built_from_the_sdist_holds_the_same_files(
    wheel: Path, unpacked_sdist: Path, tmp_path: Path
) -> None:
    again = build("wheel", unpacked_sdist, tmp_path / "dist")

    assert names_in(again) == names_in(wheel)


@pytest.mark.parametrize("extra", ["plugin", "hooks"])
def test_each_command_of_a_part_answers_with_only_its_extra(
    extra: str, wheel: Path, tmp_path: Path
) -> None:
    fermata = install(wheel, extra, tmp_path / "environment") / "fermata"

    own = [name for name, subcommand in SUBCOMMANDS.items() if subcommand.extra == extra]
    answers = {name: call(fermata, name, "--help") for name in own}

    assert {name: done.stderr for name, done in answers.items() if done.returncode} == {}
    assert call(fermata, "--version").stdout == f"fermata {__version__}\n"


def test_a_command_of_a_part_that_is_not_installed_says_what_to_install(
    wheel: Path, tmp_path: Path
) -> None:
    fermata = install(wheel, "plugin", tmp_path / "environment") / "fermata"

    done = call(fermata, "hold", "--help")

    assert done.returncode == 2
    assert done.stderr.endswith("install airflow-fermata[hooks]\n")
    assert "Traceback" not in done.stderr
