"""The parameters of the plugin: how they arrive, and how they are announced to Argo CD."""

from collections.abc import Mapping
from typing import Any

from fermata_spec.errors import SettingsError
from fermata_spec.kinds import shown
from fermata_spec.located import Node, Value
from fermata_spec.parameters import ENVIRONMENT, ENVIRONMENT_HELP, parameters


def read_parameters(text: str | None) -> Mapping[str, str]:
    """Return the parameters of ``ARGOCD_APP_PARAMETERS``; raise ``SettingsError`` if they are none.

    Empty ones count as not given: Argo CD's UI sends them for fields that nobody filled in.
    """
    if not text or text.strip() == "null":
        return {}
    import json  # noqa: PLC0415 - only where there are parameters

    try:
        pairs = [(each["name"], each.get("string")) for each in json.loads(text)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SettingsError("ARGOCD_APP_PARAMETERS: not a JSON list of parameters") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise SettingsError(f"parameter {shown(name)}: takes a text (string)")
        if name in given:
            raise SettingsError(f"parameter {shown(name)}: given twice")
        given[name] = value
    return {name: value for name, value in given.items() if value}


def announcement(root: Node, environments: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what Argo CD's UI asks for; ``root`` is ``fermata.yaml``, as far as it was read.

    Each parameter shows what holds without it. Argo CD never sends that back: it is for people.
    """
    named = f" One of {', '.join(environments)}." if environments else " There are none here."
    announced = [_announced(ENVIRONMENT, ENVIRONMENT_HELP + named, "")]
    for name, declared in parameters():
        value = _at(root, name)
        if value is None and declared.default is not ...:
            value = declared.default
        announced.append(_announced(name, declared.help, value if isinstance(value, str) else ""))
    return announced


def _announced(name: str, tooltip: str, value: str) -> dict[str, Any]:
    plain = tooltip.replace("`", "")
    return {"name": name, "title": name, "tooltip": plain, "required": False, "string": value}


def _at(node: Node | None, name: str) -> Value:
    for part in name.split("."):
        node = node.get(part) if node is not None and isinstance(node.value, dict) else None
    return None if node is None else node.value
