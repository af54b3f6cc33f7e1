"""Which environment of a checkout is rendered: by parameter, by folder, or by branch.

A parameter says its name. A folder is the one that is rendered, where that is the overlay of one
and its ``fermata.yaml`` stands above. A branch is the one that the Application follows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fermata_spec.config import FILE_NAME
from fermata_spec.config_environments import ENVIRONMENTS, Environment
from fermata_spec.kinds import nearest, shown
from fermata_spec.located import Document, Node
from fermata_spec.parameters import ENVIRONMENT


class Choice(NamedTuple):
    """What is said about which environment is meant, and the parameters besides.

    ``branch`` is ``None`` where nobody says it (a person, CI): only then it is not compared.
    ``folder`` is the folder that was to be rendered, below the one of ``fermata.yaml``.
    """

    environment: str = ""
    branch: str | None = None
    folder: str = ""
    parameters: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """The name that is asked for, by option or by parameter."""
        return self.environment or self.parameters.get(ENVIRONMENT, "")


NO_CHOICE = Choice()


class Chosen(NamedTuple):
    """The environment that was chosen, and every folder that is the overlay of one."""

    name: str = ""
    environment: Environment | None = None
    overlays: tuple[str, ...] = ()

    @property
    def overlay(self) -> str:
        """The folder whose files are laid over; empty: none."""
        return (self.environment.overlay or "") if self.environment is not None else ""


def choose(document: Document, choice: Choice) -> Chosen | None:
    """Return what is chosen in ``document``, a ``fermata.yaml``; ``None`` after reporting why not.

    Without environments, and without anybody who asks for one, nothing is.
    """
    node = document.node.get("environments")
    found = len(document.problems)
    declared = {} if node is None else ENVIRONMENTS.read(node)
    if declared is None or len(document.problems) > found:
        return None
    overlays = tuple(each.overlay for each in declared.values() if each.overlay)
    at = node or document.node
    if not declared and not choice.name and not choice.folder:
        return Chosen()
    name = _name(declared, choice, at)
    if name is None:
        return None
    environment = declared[name]
    if choice.branch is not None and not environment.takes(choice.branch):
        _refuse_branch(name, environment, choice.branch, at.get(name) or at)
        return None
    return Chosen(name, environment, overlays)


def _name(declared: Mapping[str, Environment], choice: Choice, at: Node) -> str | None:
    """Return the name of the environment that is meant, or ``None`` after reporting why none."""
    wanted = choice.name
    if wanted and wanted not in declared:
        told = f"{wanted[:60]}: no such environment{_among(declared, wanted)}"
        at.report("environment", told)
        return None
    if choice.folder:
        by_folder = [name for name, each in declared.items() if each.overlay == choice.folder]
        overlays = [each.overlay for each in declared.values() if each.overlay]
        if not by_folder:
            told = f"{choice.folder}: no environment's overlay{nearest(choice.folder, overlays)}"
            at.report("environment", told)
            return None
        if wanted and wanted not in by_folder:
            at.report(
                "environment", f"{choice.folder} is the overlay of {by_folder[0]}, not of {wanted}"
            )
            return None
        return wanted or by_folder[0]
    return wanted or _by_branch(declared, choice.branch, at)


def _by_branch(declared: Mapping[str, Environment], branch: str | None, at: Node) -> str | None:
    if branch is None:
        at.report("environment", f"none is named: --environment {' or '.join(declared)}")
        return None
    named = [name for name, each in declared.items() if each.branch and each.takes(branch)]
    if len(named) == 1:
        return named[0]
    if named:
        told = f"branch {shown(branch)} is that of {' and of '.join(named)}: name one"
    else:
        told = f"branch {shown(branch)} is that of no environment{_among(declared)}"
    at.report("environment", told)
    return None


def _refuse_branch(name: str, environment: Environment, branch: str, at: Node) -> None:
    told = f"{name} is rendered from branch {environment.branch}, and not from {shown(branch)}"
    if branch.upper() in {"", "HEAD"}:
        told = f"{name} is rendered from branch {environment.branch}: let targetRevision name it"
    at.report("environment", told)


def _among(declared: Mapping[str, Environment], wanted: str = "") -> str:
    if not declared:
        return f": {FILE_NAME} has none"
    known = list(declared)
    return nearest(wanted, known) or f": there are {', '.join(known)}"


def find_application(path: str, source_path: str | None) -> tuple[str, str]:
    """Return the folder of ``fermata.yaml`` and, below it, the folder that was asked for.

    That is ``path`` itself and nothing, unless ``fermata.yaml`` stands in a folder above. Argo CD
    says by ``source_path`` how far up its copy of the repository reaches; without it (a person)
    the folder with ``.git`` is the last.
    """
    start = Path(path)
    if (start / FILE_NAME).exists() or (start / FILE_NAME).is_symlink():
        return path, ""
    real = start.resolve()
    for above in _above(real, source_path):
        if (above / FILE_NAME).is_file():
            return str(above), real.relative_to(above).as_posix()
    return path, ""


def _above(folder: Path, source_path: str | None) -> Sequence[Path]:
    """Return the folders above ``folder`` that belong to the same checkout, nearest first."""
    found: list[Path] = []
    if source_path is None:
        for above in folder.parents:
            if (found[-1] if found else folder).joinpath(".git").exists():
                break
            found.append(above)
        else:
            return []  # no repository
        return found
    parts = [part for part in Path(source_path).parts if part not in {".", "/"}]
    for above, part in zip(folder.parents, reversed(parts), strict=False):
        if (found[-1] if found else folder).name != part:
            break
        found.append(above)
    return found
