"""What the hooks and the watch must be allowed to do, as the roles in ``manifests/base`` say it.

A test compares the two, and another derives the roles from what the code really asks for.
"""

from typing import NamedTuple

FERMATA = "fermata.dev"


class Right(NamedTuple):
    """One verb on one resource of an API group; an empty ``name`` is any object."""

    group: str
    resource: str
    verb: str
    name: str = ""

    @property
    def told(self) -> str:
        """The right in the words of ``kubectl auth can-i``."""
        named = f"/{self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{named}"

    @property
    def qualified(self) -> str:
        """The resource as ``kubectl create role`` wants it: ``dagsets.fermata.dev/status``."""
        resource, slash, sub = self.resource.partition("/")
        group = f".{self.group}" if self.group else ""
        return f"{resource}{group}{slash}{sub}"


HOOKS = (
    Right("", "configmaps", "get"),
    Right("", "configmaps", "create"),
    Right("", "configmaps", "update"),
    Right("", "events", "create"),
    Right(FERMATA, "dagsets", "get"),
    Right(FERMATA, "dagsets/status", "patch"),
)
WATCH = (
    *(Right("", "configmaps", verb) for verb in ("get", "list", "create", "delete")),
    *(
        Right("", "configmaps", "update", name)
        for name in ("fermata-ledger", "fermata-agenda", "fermata-audit")
    ),
    Right(FERMATA, "dagsets", "get"),
    Right(FERMATA, "dagsets", "list"),
    Right(FERMATA, "dagsets/status", "patch"),
)
