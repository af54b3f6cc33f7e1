"""The value of argocd-cm's key for our actions, made of the Lua files in Argo CD's layout.

python tests/manifests/lua_actions.py > manifests/health/fermata.dev_DagSet/actions.yaml
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "manifests" / "health" / "fermata.dev_DagSet" / "actions"
ACTIONS = ("verify", "smoke", "release")
WHY = "# Made of the Lua files in actions/ by tests/manifests/lua_actions.py: the buttons.\n"


def customization(folder: Path = FOLDER) -> str:
    """Return what argocd-cm holds under ``resource.customizations.actions.fermata.dev_DagSet``."""
    parts = [WHY, "discovery.lua: |\n", _indented(folder / "discovery.lua", 2), "definitions:\n"]
    for action in ACTIONS:
        parts += [f"  - name: {action}\n", "    action.lua: |\n"]
        parts.append(_indented(folder / action / "action.lua", 6))
    return "".join(parts)


def _indented(path: Path, spaces: int) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return "".join(f"{' ' * spaces}{line}\n" if line else "\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(customization())
