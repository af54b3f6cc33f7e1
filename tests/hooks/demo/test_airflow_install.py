"""An environment in the cache is complete or absent, whoever wants it and whatever goes wrong."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fakes.package_index import PackageIndex
from fermata_hooks.demo.airflow_install import cache_folder, install, install_environment
from fermata_hooks.demo.airflow_release import RELEASES, release_of
from fermata_spec.errors import SettingsError, UnavailableError

pytestmark = pytest.mark.slow

RELEASE = RELEASES["3.3.2"]
MIGRATE = """
import os, sqlite3, sys
assert sys.argv[1:] == ["db", "migrate"], sys.argv
database = sqlite3.connect(os.path.join(os.environ["AIRFLOW_HOME"], "airflow.db"))
database.execute("CREATE TABLE dag (dag_id)")
database.close()
"""


@pytest.fixture
def program() -> str:
    """What `python -m airflow` does."""
    return MIGRATE


@pytest.fixture
def index(httpserver: HTTPServer, program: str) -> PackageIndex:
    """An index with an Airflow that can migrate and nothing else."""
    made = PackageIndex(httpserver)
    modules = {"airflow/__init__.py": "", "airflow/__main__.py": program}
    made.add("apache-airflow", "3.3.2", modules, uploaded="2026-09-17T00:00:00Z")
    for name in ("apache-airflow-providers-standard", "dag-factory"):
        made.add(name, "1.0", {}, uploaded="2026-09-01T00:00:00Z")
    return made


@pytest.fixture
def environ(tmp_path: Path, index: PackageIndex) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_DEFAULT_INDEX": index.url,
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
    }


def test_what_is_installed_has_the_packages_and_a_migrated_database(
    environ: dict[str, str],
) -> None:
    installed = install(RELEASE, environ=environ, say=lambda _line: None)

    assert installed.usable
    assert b"CREATE TABLE dag" in installed.database.read_bytes()
    assert list(installed.folder.glob("lib/*/site-packages/airflow/__pycache__/*.pyc"))


def test_the_second_time_it_is_there(environ: dict[str, str]) -> None:
    said: list[str] = []
    first = install(RELEASE, environ=environ, say=said.append)
    lines = len(said)

    second = install(RELEASE, environ=environ, say=said.append)

    assert second == first
    assert len(said) == lines > 0


def test_two_who_want_it_at_once_install_it_once(environ: dict[str, str]) -> None:
    said: list[str] = []

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(install, RELEASE, environ=environ, say=said.append) for _ in range(2)]

    assert both[0].result() == both[1].result()
    assert both[0].result().usable
    assert [line.split()[0] for line in said] == ["installing", "making"]


def test_one_made_by_another_recipe_is_made_again(environ: dict[str, str]) -> None:
    installed = install(RELEASE, environ=environ, say=lambda _line: None)
    installed.recipe.write_text(json.dumps({"packages": ["apache-airflow==3.3.2"]}))

    again = install(RELEASE, environ=environ, say=lambda _line: None)

    assert again.usable


def test_what_a_killed_build_left_is_swept_away(environ: dict[str, str]) -> None:
    leftover = cache_folder(environ) / f".airflow-3.3.2-py{RELEASE.python}.part-killed"
    leftover.mkdir(parents=True)

    install(RELEASE, environ=environ, say=lambda _line: None)

    assert not leftover.exists()


def test_an_index_without_the_release_leaves_nothing_and_says_what_uv_said(
    environ: dict[str, str],
) -> None:
    unpublished = replace(RELEASE, cutoff="2026-09-01")

    with pytest.raises(UnavailableError, match=r"(?s)uv pip install.*apache-airflow==3\.3\.2"):
        install(unpublished, environ=environ, say=lambda _line: None)

    assert visible(cache_folder(environ)) == []


@pytest.mark.parametrize("program", ["raise SystemExit('no disk')"])
def test_a_migration_that_fails_leaves_nothing(environ: dict[str, str]) -> None:
    with pytest.raises(UnavailableError, match=r"(?s)python -m airflow: exit code 1.*no disk"):
        install(RELEASE, environ=environ, say=lambda _line: None)

    assert visible(cache_folder(environ)) == []


def test_a_folder_whose_python_is_gone_is_made_again(environ: dict[str, str]) -> None:
    installed = install(RELEASE, environ=environ, say=lambda _line: None)
    installed.python.unlink()
    assert not installed.usable

    install(RELEASE, environ=environ, say=lambda _line: None)

    assert installed.usable


def test_the_installer_knows_the_users_index_and_certificates_and_no_secrets_of_others() -> None:
    environ = {
        "PATH": "/bin",
        "PIP_INDEX_URL": "http://localhost/simple",
        "https_proxy": "http://localhost:3128",
        "SSL_CERT_FILE": "/ca.pem",
        "FERMATA_LEDGER": "file:/x",
        "AIRFLOW_HOME": "/mine",
        "AWS_SECRET_ACCESS_KEY": "x",
        "VIRTUAL_ENV": "/venv",
        "PYTHONPATH": "/mine",
    }

    kept = install_environment(environ)

    assert kept.pop("UV_SYSTEM_CERTS", "1") == "1"
    assert kept == {
        "PATH": "/bin",
        "PIP_INDEX_URL": "http://localhost/simple",
        "UV_DEFAULT_INDEX": "http://localhost/simple",
        "https_proxy": "http://localhost:3128",
        "SSL_CERT_FILE": "/ca.pem",
    }


def test_a_release_that_nobody_has_tried_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError, match=r"Airflow 1\.10: .*3\.3\.2, 2\.11\.2"):
        release_of("1.10")


def visible(cache: Path) -> list[str]:
    """Return what the cache holds besides its locks."""
    return [entry.name for entry in cache.iterdir() if not entry.name.endswith(".lock")]
