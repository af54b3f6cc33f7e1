"""Versions as ``fermata.yaml`` holds them: a range, and a mapping of packages to ranges."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fermata_spec.kinds import Text, refused
from fermata_spec.located import Node
from fermata_spec.versions import check_wanted

VERSIONS = Text("a range of versions like >=2.11, <4", check_wanted, r"^\s*(>=|<=|==|!=|>|<)\s*\d")


class Packages(NamedTuple):
    """Packages, each with the versions that are wanted of it."""

    text: str = "a mapping of packages to ranges of versions"

    def read(self, node: Node) -> Mapping[str, str] | None:
        """Return the mapping; all that is wrong in it is reported."""
        if not isinstance(node.value, dict):
            refused(node, self)
            return None
        found = {name: VERSIONS.read(child) for name, child in node.items()}
        if not all(isinstance(name, str) and wanted is not None for name, wanted in found.items()):
            if not all(isinstance(name, str) for name in found):
                refused(node, self)
            return None
        return {name: wanted for name, wanted in found.items() if wanted is not None}

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "object", "additionalProperties": VERSIONS.schema()}


PACKAGES = Packages()
