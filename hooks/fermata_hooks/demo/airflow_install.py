"""Install an Airflow from the package index, once, into a virtual environment of its own.

A folder of the cache is complete or absent: it is built under another name and renamed, under a
lock, so that two processes may want the same Airflow at once. It holds the environment and a
freshly migrated database, which each server starts from a copy of.
"""

import importlib.util
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fermata_hooks.demo import airflow_config, processes
from fermata_hooks.demo.airflow_release import Release
from fermata_spec.errors import UnavailableError

LOCK_DEADLINE = 900.0  # longer than any install that still goes on
INSTALL_DEADLINE = 600.0
MIGRATE_DEADLINE = 180.0

# What the user's own settings of indexes, proxies and certificates look like.
_USERS_PREFIXES = ("UV_", "PIP_", "SSL_", "LC_")
_USERS_NAMES = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "NETRC",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    }
)
# uv does not read pip's variables; who has set only those means the same index.
_PIP_TO_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}
_MACHINES_AUTHORITIES = (
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Installation:
    """A complete environment at ``folder``."""

    release: Release
    folder: Path

    @property
    def python(self) -> Path:
        """Return the interpreter that has Airflow."""
        return self.folder / "bin" / "python"

    @property
    def database(self) -> Path:
        """Return the migrated database without users and DAGs."""
        return self.folder / "template.db"

    @property
    def recipe(self) -> Path:
        """Return the file that says what was installed."""
        return self.folder / "fermata.json"

    @property
    def usable(self) -> bool:
        """Whether it is there, was made by this recipe, and its base Python still exists."""
        try:
            made_by = json.loads(self.recipe.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return made_by == _recipe(self.release) and os.access(self.python, os.X_OK)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_CACHE_HOME/fermata``, or the same below ``~/.cache``."""
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "fermata"


def install(release: Release, *, environ: Mapping[str, str], say: Say) -> Installation:
    """Return the installation of ``release``, made now if it is not in the cache."""
    cache = cache_folder(environ)
    folder = cache / f"airflow-{release.name}"
    installation = Installation(release, folder)
    if installation.usable:
        return installation
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(cache / f".{folder.name}.lock", timeout=LOCK_DEADLINE):
            if not installation.usable:
                _build(installation, environ=environ, say=say)
    except Timeout as exc:
        raise UnavailableError(
            f"{folder}: another process has been installing for {LOCK_DEADLINE:g}s"
        ) from exc
    return installation


def _recipe(release: Release) -> dict[str, object]:
    return {"packages": list(release.packages), "cutoff": release.cutoff, "template": 1}


def _build(installation: Installation, *, environ: Mapping[str, str], say: Say) -> None:
    """Build beside the final name and rename; the caller holds the lock."""
    final, release = installation.folder, installation.release
    for leftover in final.parent.glob(f".{final.name}.part-*"):  # of a build that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{final.name}.part-", dir=final.parent) as scratch:
        built = Installation(release, Path(scratch) / "environment")
        uv = _uv(Path(scratch), environ=environ, say=say)
        say(f"installing Airflow {release.version} and dag-factory from the package index")
        _create_environment(uv, built, environ=environ)
        say(f"making an empty database for Airflow {release.version}")
        _migrate(built, Path(scratch) / "home")
        built.recipe.write_text(json.dumps(_recipe(release)), encoding="utf-8")
        shutil.rmtree(final, ignore_errors=True)
        built.folder.rename(final)


def _uv(scratch: Path, *, environ: Mapping[str, str], say: Say) -> Path:
    """Return uv: of the running environment, of ``PATH``, or installed into ``scratch`` by pip."""
    beside = Path(sys.executable).parent
    found = shutil.which("uv", path=os.pathsep.join([str(beside), environ.get("PATH", "")]))
    if found:
        return Path(found)
    if importlib.util.find_spec("ensurepip") is None:
        raise UnavailableError("uv: not found, and this Python cannot make an environment for it")
    say("installing uv, which installs Airflow")
    env = install_environment(environ)
    processes.check([sys.executable, "-m", "venv", str(scratch / "uv")], env=env, cwd=scratch)
    python = scratch / "uv" / "bin" / "python"
    processes.check([str(python), "-m", "pip", "install", "-q", "uv"], env=env, cwd=scratch)
    return scratch / "uv" / "bin" / "uv"


def _create_environment(uv: Path, built: Installation, *, environ: Mapping[str, str]) -> None:
    release, scratch = built.release, built.folder.parent
    ours = f"3.{sys.version_info.minor}"
    python = sys.executable if release.python == ours else release.python
    env = install_environment(environ)
    # Relocatable: the folder gets its final name when it is complete.
    processes.check(
        [str(uv), "venv", "-q", "--relocatable", "--python", python, str(built.folder)],
        env=env,
        cwd=scratch,
        deadline=INSTALL_DEADLINE,
    )
    options = ["-q", "--python", str(built.python), "--exclude-newer", release.cutoff]
    processes.check(
        [str(uv), "pip", "install", "--compile-bytecode", *options, *release.packages],
        env=env,
        cwd=scratch,
        deadline=INSTALL_DEADLINE,
    )


def install_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what an installer may know of the user's environment, and nothing else."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(_USERS_PREFIXES) or name.upper() in _USERS_NAMES
    }
    for pip, uv in _PIP_TO_UV.items():
        if pip in kept:
            kept.setdefault(uv, kept[pip])
    if any(Path(bundle).is_file() for bundle in _MACHINES_AUTHORITIES):
        kept.setdefault("UV_SYSTEM_CERTS", "1")  # uv would else trust its own list only
    return kept


def _migrate(built: Installation, home: Path) -> None:
    """Make the template database; for 2.x also the roles (3.x keeps users in a file)."""
    home.mkdir()
    airflow_config.write(home, airflow_config.settings(built.release, home, port=0, users={}))
    env = airflow_config.environment(built.python, home)
    commands = {"3": (("db", "migrate"),), "2": (("db", "migrate"), ("sync-perm",))}
    for command in commands[built.release.generation]:
        argv = [str(built.python), "-m", "airflow", *command]
        processes.check(argv, env=env, cwd=home, deadline=MIGRATE_DEADLINE)
    database = sqlite3.connect(home / "airflow.db")
    try:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # one file holds it all
    finally:
        database.close()
    shutil.copyfile(home / "airflow.db", built.database)
