"""The two sides of a comparison: folders, or revisions of the git repository around a folder."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from fermata_plugin.differ.revisions import Repository
from fermata_spec.errors import SettingsError


class Opened(NamedTuple):
    """A side as a folder; ``revision``: the commit it is, empty where it was a folder."""

    name: str
    folder: str
    revision: str = ""


class Wanted(NamedTuple):
    """What the command line says: two sides, the application's path in each, and the rest.

    ``merge_base``: the old side is the last common ancestor of the two.
    """

    old: str
    new: str
    path: str | None = None
    merge_base: bool = False


@contextmanager
def opened(
    wanted: Wanted, here: str, environment: Mapping[str, str]
) -> Iterator[tuple[Opened, Opened]]:
    """Give both sides as folders; those of revisions are temporary.

    ``here`` is where the command was called: a revision is one of the repository around it.
    """
    if wanted.path is not None:
        _check_path(wanted.path)
    repository = Repository(here, environment)
    commits = [
        "" if name and (Path(here) / name).is_dir() else repository.commit(name)
        for name in (wanted.old, wanted.new)
    ]
    if wanted.merge_base:
        if not commits[0]:
            raise SettingsError(f"--merge-base: {wanted.old} is a folder, not a git revision")
        commits[0] = repository.merge_base(commits[0], commits[1] or repository.commit("HEAD"))
    with ExitStack() as stack:
        sides = []
        for name, commit in zip((wanted.old, wanted.new), commits, strict=True):
            if commit:
                inside = repository.prefix() if wanted.path is None else wanted.path.strip("/")
                folder = stack.enter_context(
                    repository.unpacked(commit, "" if inside == "." else inside)
                )
            else:
                folder = str(Path(here) / name / (wanted.path or ""))
            sides.append(Opened(name, folder, commit))
        yield sides[0], sides[1]


def _check_path(path: str) -> None:
    if path.startswith("/") or ".." in path.split("/") or ":" in path or not path.isprintable():
        raise SettingsError(f"--path: {path!r} is not a folder inside the sides")
