"""A policy: guards from outside git, which what is in git cannot weaken.

It is a file, or a folder of them (a mounted ConfigMap), that ``FERMATA_POLICY`` names. Several add
up: every guard is asked, and what one refuses is refused.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple

from fermata_spec.errors import SettingsError
from fermata_spec.guards import BREAK_GLASS, GUARDS, Guard
from fermata_spec.kinds import TEXTS, Choice
from fermata_spec.plan import API_VERSION
from fermata_spec.problems import Problem, ProblemsError
from fermata_spec.sections import Section, SectionKind, key
from fermata_spec.yaml_reader import read_yaml

KIND = "Policy"
MAX_BYTES = 1024 * 1024  # of one file; a ConfigMap holds no more


class PolicyFile(Section):
    """One file."""

    api_version: str = key(Choice((API_VERSION,)), "Version of this format.", name="apiVersion")
    kind: str = key(Choice((KIND,)), "Kind of this file.")
    guards: tuple[Guard, ...] = key(
        GUARDS, "Guards, asked beside those of `fermata.yaml`.", default=[]
    )
    break_glass: Literal["allow", "refuse"] = key(
        Choice(("allow", "refuse")),
        f"Whether the annotation `{BREAK_GLASS}` of an Application overrides a denial.",
        default="allow",
    )
    manifests: Literal["allow", "refuse"] = key(
        Choice(("allow", "refuse")),
        "Whether git may pass other manifests through the renderer (`manifests.include`).",
        default="allow",
    )
    images: tuple[str, ...] = key(
        TEXTS, "Shell patterns for `hooks.image`; empty: any image.", default=[]
    )


class Policy(NamedTuple):
    """All files together. ``guards``: each with the file that it is from."""

    guards: tuple[tuple[str, Guard], ...] = ()
    break_glass: bool = True
    manifests: bool = True
    images: tuple[tuple[str, ...], ...] = ()

    def allows_image(self, image: str) -> bool:
        """Return whether every file that names images names this one."""
        return all(any(fnmatchcase(image, each) for each in some) for some in self.images)


def read_policy(path: Path) -> Policy:
    """Return the policy in a file or a folder; an empty folder has none.

    Raises:
        SettingsError: it is not there, cannot be read, or is too large.
        ProblemsError: what is in it is no policy; every problem with its place.

    """
    read = [(each.name, _read(each)) for each in _files(path)]
    return Policy(
        guards=tuple((name, guard) for name, file in read for guard in file.guards),
        break_glass=all(file.break_glass == "allow" for _, file in read),
        manifests=all(file.manifests == "allow" for _, file in read),
        images=tuple(file.images for _, file in read if file.images),
    )


def _files(path: Path) -> Iterator[Path]:
    """Yield the files; a kubelet's own links (``..data``) are none."""
    if not path.is_dir():
        yield path
        return
    try:
        found = sorted(each for each in path.iterdir() if each.suffix in {".yaml", ".yml"})
    except OSError as exc:
        raise SettingsError(f"{path}: policy cannot be read: {exc.strerror}") from exc
    yield from (each for each in found if not each.name.startswith("."))


def _read(path: Path) -> PolicyFile:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path}: policy is larger than {MAX_BYTES} bytes")
        text = content.decode()
    except OSError as exc:
        raise SettingsError(f"{path}: policy cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path}: policy is not UTF-8 at byte {exc.start}") from exc
    problems: list[Problem] = []
    document = read_yaml(text, str(path), problems)
    policy = SectionKind(PolicyFile).read(document.node) if document.complete else None
    if not isinstance(policy, PolicyFile):
        raise ProblemsError(problems)
    return policy
