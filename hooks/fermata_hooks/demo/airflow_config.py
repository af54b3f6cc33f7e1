"""What one Airflow server is told: ``airflow.cfg``, its environment, its users.

Everything is in files that only the owner may read, below the server's own ``AIRFLOW_HOME``:
nothing secret is in an environment or an argument, and a second server shares nothing.
"""

import configparser
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from fermata_hooks.demo.airflow_release import Release, Role

# Werkzeug's format. Few rounds: the password is 192 random bits, and 2.x hashes it anew for
# each request (0.18 s with the default).
_HASH_ROUNDS = 1000

_FAB_BASIC = "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth"


def environment(python: Path, home: Path) -> dict[str, str]:
    """Return the whole environment of an Airflow process, made from nothing."""
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        # The environment is compiled already, and a volume in a cluster is read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        # dag-factory and Airflow 2.x would else call home
        "DO_NOT_TRACK": "1",
        "SCARF_NO_ANALYTICS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def settings(
    release: Release,
    home: Path,
    *,
    port: int,
    users: Mapping[str, Role],
    dags_folder: Path | None = None,
) -> dict[str, str]:
    """Return the settings of a server, each named ``section.option``."""
    url = f"http://127.0.0.1:{port}"
    common = {
        "core.dags_folder": str(dags_folder or home / "dags"),
        "core.load_examples": "False",
        "core.parallelism": "2",
        "database.sql_alchemy_conn": f"sqlite:///{home}/airflow.db",
        "logging.base_log_folder": str(home / "logs"),
        "usage_data_collection.enabled": "False",
        "dag_factory.enable_telemetry": "False",
    }
    if release.generation == "3":
        return common | {
            "core.executor": "LocalExecutor",
            # Its default is one folder for all Airflows of the machine, with what another cloned.
            "dag_processor.dag_bundle_storage_path": str(home / "bundles"),
            "core.execution_api_server_url": f"{url}/execution/",
            "core.simple_auth_manager_users": ",".join(f"{n}:{r}" for n, r in users.items()),
            "core.simple_auth_manager_passwords_file": str(home / "passwords.json"),
            "api.host": "127.0.0.1",
            "api.port": str(port),
            "api.workers": "1",
            "api.base_url": url,
            "api.secret_key": secrets.token_hex(32),
            "api_auth.jwt_secret": secrets.token_hex(64),
            # On a loaded machine the first answer to a task takes longer than the default of 5 s,
            # and the task would fail for it.
            "workers.execution_api_timeout": "60",
            "workers.max_failed_heartbeats": "20",
        }
    return common | {
        "core.executor": "SequentialExecutor",
        "api.auth_backends": f"{_FAB_BASIC},airflow.api.auth.backend.session",
        "webserver.web_server_host": "127.0.0.1",
        "webserver.web_server_port": str(port),
        "webserver.workers": "1",
        "webserver.base_url": url,
        "webserver.secret_key": secrets.token_hex(32),
        "fab.update_fab_perms": "False",  # the template database has them
        "scheduler.schedule_after_task_execution": "False",
    }


def write(home: Path, values: Mapping[str, str]) -> None:
    """Write ``airflow.cfg``; with it there, Airflow generates no secrets of its own."""
    config = configparser.RawConfigParser()
    for name, value in sorted(values.items()):
        section, _, option = name.partition(".")
        if not config.has_section(section):
            config.add_section(section)
        config.set(section, option, value.replace("%", "%%"))
    path = home / "airflow.cfg"
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        config.write(file)


def write_users(release: Release, home: Path, users: Mapping[str, Role]) -> None:
    """Give each user a new password: in Airflow, and in two files for who acts as that user."""
    passwords = {name: secrets.token_urlsafe(24) for name in users}
    for name, password in passwords.items():
        write_credentials(home, name, password)
    if release.generation == "3":
        _write_private(home / "passwords.json", json.dumps(passwords))
    else:
        roles = {name: role.capitalize() for name, role in users.items()}
        insert_fab_users(home / "airflow.db", roles, passwords)


def write_credentials(home: Path, name: str, password: str) -> None:
    """Write a user's name and password to the files that a hook reads."""
    folder = home / "credentials" / name
    folder.mkdir(mode=0o700, parents=True)
    for file, content in (("username", name), ("password", password)):
        _write_private(folder / file, content)


def _write_private(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")


def insert_fab_users(path: Path, roles: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    """Insert users and the role of each: ``airflow users create`` takes five seconds for one."""
    database = sqlite3.connect(path, timeout=60.0)
    try:
        with database:
            for name, role in roles.items():
                cursor = database.execute(
                    "INSERT INTO ab_user (first_name, last_name, username, password, active, email)"
                    " VALUES (?, ?, ?, ?, 1, ?)",
                    (name, name, name, _werkzeug_hash(passwords[name]), f"{name}@localhost"),
                )
                database.execute(
                    "INSERT INTO ab_user_role (user_id, role_id)"
                    " SELECT ?, id FROM ab_role WHERE name = ?",
                    (cursor.lastrowid, role),
                )
    finally:
        database.close()


def _werkzeug_hash(password: str) -> str:
    salt = secrets.token_hex(8)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _HASH_ROUNDS)
    return f"pbkdf2:sha256:{_HASH_ROUNDS}${salt}${digest.hex()}"
