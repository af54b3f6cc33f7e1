"""Names of Kubernetes objects, made from names of applications and paths of files.

Both halves of Fermata find the same objects by these rules, so they stand in the leaf.
"""

import re
from hashlib import sha256

LABEL = 63  # characters of a DNS-1123 label: object names here are labels, the strictest kind
POLICY_NAME = "fermata-policy"
"""The ConfigMap beside Airflow with the policy: guards from outside git."""
OWN_CONFIG_MAPS = frozenset(
    {POLICY_NAME, "fermata-ledger", "fermata-agenda", "fermata-locks", "fermata-audit"}
)
_HASH = 10
_INVALID = re.compile(r"[^a-z0-9]+")
_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH}}}$")


def object_name(prefix: str, name: str, *, limit: int = LABEL) -> str:
    """Return ``<prefix>-<name>`` as a DNS-1123 label of at most ``limit`` characters.

    A name that cannot be kept as it is (other characters, too long, or one that ends like a hash)
    gets a hash of itself at its end, so that no two names give the same label. Argo CD's instance
    name of an application in any namespace, ``<namespace>_<name>``, is such a name.
    """
    plain = _INVALID.sub("-", name.lower()).strip("-")
    whole = f"{prefix}-{plain}"
    if plain == name and len(whole) <= limit and not _HASHED.search(name):
        return whole
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    room = limit - _HASH - 1
    return f"{whole[:room].rstrip('-')}-{digest}"


def dagset_name(application: str) -> str:
    """Return the name of an application's ``DagSet``."""
    return object_name("fermata", application)


def plan_name(application: str) -> str:
    """Return the name of the ConfigMap that holds an application's plan during a sync."""
    return object_name("fermata-plan", application)
