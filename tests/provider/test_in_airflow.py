"""What needs Airflow's own classes: run by Airflow's own Python, with the provider as installed.

The tests are in ``inside``. They are one session in the other environment, so they pass or fail
here as one test, which shows all that they said.
"""

import subprocess
from pathlib import Path

import pytest

import components
from airflow_layers import ROOT, with_provider, with_pytest
from fermata_hooks.demo import airflow_config
from fermata_hooks.demo.airflow_server import AirflowServer
from fermata_spec.errors import UnavailableError

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

INSIDE = ROOT / "tests" / "provider" / "inside"
OPTIONS = [
    "-q",
    "-rfE",
    "--show-capture=no",
    "-p",
    "no:cacheprovider",
    "-c",
    "/dev/null",
    "--import-mode=importlib",
]


def test_operators_sensors_triggers_and_provider_info_in_airflow(
    pytestconfig: pytest.Config, airflow_version: str, tmp_path: Path
) -> None:
    environ = pytestconfig.stash[components.found]
    try:
        server = AirflowServer.installed(airflow_version, environ=environ)
    except UnavailableError as exc:
        components.missing(pytestconfig, "airflow", str(exc).splitlines()[0])
    layer = with_provider(server.installation, tmp_path / "layer")
    with_pytest(layer)
    home = tmp_path / "home"
    home.mkdir()
    airflow_config.write(home, airflow_config.settings(layer.release, home, port=0, users={}))
    (home / "airflow.db").write_bytes(layer.database.read_bytes())
    env = airflow_config.environment(layer.python, home) | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT / "tests"),
    }

    done = subprocess.run(
        [layer.python, "-m", "pytest", *OPTIONS, f"--confcutdir={INSIDE}", INSIDE],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )

    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    print("\n".join(line for line in done.stdout.splitlines() if " waits: " in line))
