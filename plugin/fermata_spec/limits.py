"""Every bound on what is read, in one table: a checkout may be written by anyone.

Each is checked before the thing is read, constructed or sent, so that a hostile checkout ends
with a finding and not with a plugin that is out of memory or out of time.
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """``value`` of what ``unit``, and what it bounds."""

    value: int
    unit: str
    bounds: str


class Budget:
    """What is left of a limit that many things share."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._left = limit.value

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self._left < 0

    def spend(self, amount: int) -> bool:
        """Take ``amount``; whether it was this that went over the limit."""
        had = self._left
        self._left -= amount
        return had >= 0 > self._left


KIB = 1024
MIB = 1024 * KIB

ENTRIES = Limit(200_000, "entries", "files and folders looked at below the application's path")
FOLDER_DEPTH = Limit(32, "levels", "folders inside folders")
FILES = Limit(20_000, "files", "files that the patterns match")
FILE_BYTES = Limit(MIB, "bytes", "one file (a ConfigMap cannot hold more)")
TOTAL_BYTES = Limit(32 * MIB, "bytes", "all files together")
REVISION_BYTES = Limit(256 * MIB, "bytes", "a git revision that `fermata diff` unpacks")
PATH_CHARACTERS = Limit(1_000, "characters", "the path of one file")
PYTHON_CHARACTERS = Limit(
    128 * KIB, "characters", "one Python file that is read as syntax (up to 900 bytes for each)"
)
YAML_DEPTH = Limit(64, "levels", "mappings and lists inside each other in one YAML file")
YAML_NODES = Limit(100_000, "values", "values of one YAML file, aliases counted in full")
YAML_CHARACTERS = Limit(
    4 * MIB, "characters", "texts of one YAML file together, aliases counted in full"
)
YAML_DOCUMENTS = Limit(1_000, "documents", "documents of one file of other manifests")
YAML_ALIASES = Limit(1_000, "aliases", "aliases of one YAML file")
YAML_NUMBER = Limit(1_000, "characters", "one number or date of a YAML file")
CONFIGURED_CHARACTERS = Limit(
    64 * MIB, "characters", "the configurations of all dag-factory DAGs, each with its defaults"
)
RENDERED_BYTES = Limit(64 * MIB, "bytes", "all files together as Airflow gets them")
PATTERN_CHARACTERS = Limit(500, "characters", "one pattern of fermata.yaml")

CONFIGMAP_CLIENT_SIDE = Limit(
    200_000, "bytes", "an object that is applied client-side (its copy goes into an annotation)"
)
CONFIGMAP_BYTES = Limit(MIB, "bytes", "the content of one ConfigMap")
HOOK_OBJECT_BYTES = Limit(900_000, "bytes", "the plan's ConfigMap or the DagSet as a whole")
CONFIGMAP_KEY = Limit(253, "characters", "one key of a ConfigMap")
HOOK_NAME = Limit(52, "characters", "the name of a hook object")
