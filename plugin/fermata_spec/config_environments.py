"""The keys of ``fermata.yaml`` about environments: what differs between them, and who is which."""

from fnmatch import fnmatchcase

from fermata_spec.kinds import MapOf, Number, Text
from fermata_spec.sections import Section, SectionKind, key

_BRANCHES = "refs/heads/"


def _folder(text: str) -> None:
    if text.startswith("/") or "\\" in text or not {*text.split("/")}.isdisjoint({"", ".", ".."}):
        raise ValueError(f"{text[:60]!r} is not a folder below the one of fermata.yaml")


class Limits(Section):
    """Bounds on what an environment may hold, beside those on what is read at all."""

    files: int | None = key(
        Number(1, 1_000_000), "How many DAG files; left out, as many as are read.", default=None
    )
    dags: int | None = key(
        Number(1, 1_000_000), "How many DAGs, as far as they can be told.", default=None
    )
    bytes: int | None = key(
        Number(1, 1_000_000_000), "How many bytes the DAG files may have together.", default=None
    )


class Environment(Section):
    """One environment: its branch, its overlay, its bounds."""

    branch: str | None = key(
        Text("a branch like main or release/*"),
        "The branch that it is rendered from, or a shell pattern; any other is refused. It also "
        "chooses the environment where nothing else does.",
        default=None,
    )
    overlay: str | None = key(
        Text("a folder like env/prod", _folder),
        "A folder whose files are laid over those of the application's folder.",
        default=None,
    )
    limits: Limits = key(SectionKind(Limits), "What it may hold at most.", default={})

    def takes(self, branch: str) -> bool:
        """Whether it may be rendered from ``branch``."""
        plain = branch.removeprefix(_BRANCHES)
        return self.branch is None or fnmatchcase(plain, self.branch.removeprefix(_BRANCHES))


ENVIRONMENTS = MapOf(
    SectionKind(Environment), "environment", r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
)
