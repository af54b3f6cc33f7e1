"""A real Airflow with the provider installed: a layer over the cached environment, which stays so.

The layer is a virtual environment that sees all of Airflow's and holds one more distribution: the
wheel, as a user installs it. So the entry point, the package's own files and nothing of the
checkout are what Airflow finds.
"""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from fermata_hooks.demo.airflow_install import Installation

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
PYTEST = (
    "pytest",
    "_pytest",
    "pluggy",
    "iniconfig",
    "py",
)  # pure Python; Airflow has what they need

_COMMAND = """\
#!{python}
import sys
from airflow.__main__ import main
sys.exit(main())
"""


def with_provider(installation: Installation, folder: Path) -> Installation:
    """Make the layer in ``folder``, which must not exist; takes two seconds."""
    _run(installation.python, "-m", "venv", "--without-pip", folder)
    layer = replace(installation, folder=folder)
    (airflow,) = installation.folder.glob("lib/python3*/site-packages")
    (own,) = folder.glob("lib/python3*/site-packages")
    (own / "airflow.pth").write_text(f"{airflow}\n", encoding="utf-8")
    wheels = folder / "wheels"
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels)
    (wheel,) = wheels.glob("*.whl")
    _run(UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", layer.python, wheel)
    command = folder / "bin" / "airflow"  # Airflow 2 starts its tasks by this name
    command.write_text(_COMMAND.format(python=layer.python), encoding="utf-8")
    command.chmod(0o755)
    layer.database.symlink_to(installation.database)
    return layer


def with_pytest(layer: Installation) -> None:
    """Let the layer's Python find this environment's pytest."""
    (own,) = layer.folder.glob("lib/python3*/site-packages")
    for name in PYTEST:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        found = origin.parent if origin.name == "__init__.py" else origin
        (own / found.name).symlink_to(found)


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
