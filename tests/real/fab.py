"""A real Airflow with Flask-AppBuilder's users and roles: 2.x as it is, 3.x with its provider."""

import json
import secrets
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo import airflow_config
from fermata_hooks.demo.airflow_server import AirflowServer, RunningAirflow
from fermata_hooks.termination import Termination

# sqlalchemy-utils, which Flask-AppBuilder needs, cannot do with SQLAlchemy 2.1.
PACKAGES = ("apache-airflow-providers-fab", "sqlalchemy==2.0.54")
AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
CLI_DEADLINE = 300.0  # seconds


class FabAirflow:
    """A running Airflow whose users and roles are rows of its database."""

    def __init__(self, running: RunningAirflow, python: Path) -> None:
        self.running = running
        self._python = python
        self._database = running.home / "airflow.db"

    def import_roles(self, file: Path) -> None:
        """Do as a person does: ``airflow roles import FILE``."""
        done = subprocess.run(
            [str(self._python), "-m", "airflow", "roles", "import", str(file)],
            env=airflow_config.environment(self._python, self.running.home),
            capture_output=True,
            text=True,
            timeout=CLI_DEADLINE,
            check=False,
        )
        assert "successfully imported" in done.stdout, done.stdout + done.stderr

    def add_role(self, name: str, permissions: Iterable[tuple[str, str]]) -> None:
        """Make a role of permissions, (action, resource), as Airflow's own page does."""
        with closing(sqlite3.connect(self._database, timeout=60.0)) as database, database:
            role = database.execute("INSERT INTO ab_role (name) VALUES (?)", (name,)).lastrowid
            for action, resource in sorted(permissions):
                pair = self._pair(database, action, resource)
                database.execute(
                    "INSERT INTO ab_permission_view_role (permission_view_id, role_id)"
                    " VALUES (?, ?)",
                    (pair, role),
                )

    def _pair(self, database: sqlite3.Connection, action: str, resource: str) -> int:
        """Return the id of a permission, made if it is not there: one for a single DAG."""
        ids = []
        for table, name in (("ab_permission", action), ("ab_view_menu", resource)):
            found = database.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()  # noqa: S608 - a table of ours
            if found is None:
                insert = f"INSERT INTO {table} (name) VALUES (?)"  # noqa: S608 - likewise
                found = (database.execute(insert, (name,)).lastrowid,)
            ids.append(found[0])
        pair = "permission_id = ? AND view_menu_id = ?"
        select = f"SELECT id FROM ab_permission_view WHERE {pair}"  # noqa: S608 - likewise
        if found := database.execute(select, ids).fetchone():
            return int(found[0])
        insert = "INSERT INTO ab_permission_view (permission_id, view_menu_id) VALUES (?, ?)"
        return int(database.execute(insert, ids).lastrowid or 0)

    def permissions(self, role: str) -> set[tuple[str, str]]:
        """Return what a role holds: action and resource."""
        with closing(sqlite3.connect(self._database, timeout=60.0)) as database:
            rows = database.execute(
                "SELECT p.name, v.name FROM ab_role r"
                " JOIN ab_permission_view_role x ON x.role_id = r.id"
                " JOIN ab_permission_view pv ON pv.id = x.permission_view_id"
                " JOIN ab_permission p ON p.id = pv.permission_id"
                " JOIN ab_view_menu v ON v.id = pv.view_menu_id"
                " WHERE r.name = ?",
                (role,),
            )
            return {(str(action), str(resource)) for action, resource in rows}

    def add_user(self, name: str, role: str) -> None:
        """Let there be a user with this role, who can be found in the credential files."""
        password = secrets.token_urlsafe(24)
        airflow_config.insert_fab_users(self._database, {name: role}, {name: password})
        airflow_config.write_credentials(self.running.home, name, password)

    def api(self, user: str) -> AirflowApi:
        """Return a client that is ``user``."""
        credentials = PasswordFiles(*self.running.credential_files(user))
        return AirflowApi(self.running.url, credentials, clock=SystemClock(Termination()))


@contextmanager
def fab_airflow(version: str, environ: Mapping[str, str]) -> Iterator[FabAirflow]:
    """Start one; raises ``UnavailableError`` where it cannot be had."""
    is_new = not version.startswith("2.")
    server = AirflowServer.installed(version, environ=environ, added=PACKAGES if is_new else ())
    settings = {"core.auth_manager": AUTH_MANAGER} if is_new else {}
    with server.running(settings=settings) as running:
        yield FabAirflow(running, server.installation.python)


def permissions_of(file: Path) -> set[tuple[str, str]]:
    """Return what a file for ``airflow roles import`` gives: action and resource."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    return {(action, row["resource"]) for row in rows for action in row["action"].split(",")}
