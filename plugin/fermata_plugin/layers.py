"""The files of an application: those of its folder, with an environment's overlay laid over them.

The rule: a file of the overlay takes the place of the one with the same path, or is added. A YAML
file called ``NAME.merge.yaml`` is merged into ``NAME.yaml`` instead, key by key
(``fermata_spec.layering``). The folders of overlays are no part of the application's own files.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from fermata_plugin.checkout import Checkout, SourceFile
from fermata_plugin.choice import Chosen
from fermata_plugin.dump import dump
from fermata_plugin.patterns import Patterns
from fermata_spec.config import FILE_NAME
from fermata_spec.kinds import nearest
from fermata_spec.layering import lay_over
from fermata_spec.located import Document
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml

MERGED = tuple((f".merge{suffix}", suffix) for suffix in (".yaml", ".yml"))


class _Origin(NamedTuple):
    """Where a file comes from in git, and what is merged into it."""

    path: str
    merged: str = ""


class Layers:
    """What an application's folder holds, for one environment or for none."""

    def __init__(self, checkout: Checkout, chosen: Chosen, problems: list[Problem]) -> None:
        self._checkout = checkout
        self._chosen = chosen
        self._problems = problems
        self._known: dict[str, _Origin] | None = None
        self._made: dict[str, SourceFile | None] = {}

    def files(
        self, include: Patterns, exclude: Patterns, *, skip: Collection[str] = ()
    ) -> list[SourceFile]:
        """Return the files that match and are not to be skipped, sorted by path."""
        matching = sorted(
            path
            for path in self.paths()
            if include.match(path) and not exclude.match(path) and path not in skip
        )
        if self._checkout.are_too_many(len(matching)):
            return []
        return [found for path in matching if (found := self.file(path)) is not None]

    def paths(self) -> Collection[str]:
        """Return the path of everything that is no folder."""
        return self._checkout.paths() if not self._chosen.overlays else self._origins()

    def holds(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        if not self._chosen.overlays:
            return self._checkout.holds(path)
        return path in self._origins()

    def file(self, path: str) -> SourceFile | None:
        """Return one file, or ``None`` after reporting why it cannot be read."""
        if not self._chosen.overlays:
            data = self._checkout.read(path)
            return None if data is None else SourceFile(path, data)
        origin = self._origins().get(path, _Origin(path))
        if not origin.merged:
            return self._own(path, origin)
        if path not in self._made:
            base = self._own(path, origin)
            self._made[path] = None if base is None else self._merged(base, origin.merged)
        return self._made[path]

    def configuration(self, base: Document) -> Document:
        """Return ``fermata.yaml`` with what the overlay merges into it."""
        merged = self._origins()[FILE_NAME].merged if self._chosen.overlays else ""
        over = self._read(merged) if merged else None
        if over is None:
            return base
        if isinstance(over.value, dict) and "environments" in over.value:
            told = "an overlay is chosen by environments: it cannot change them"
            (over.node.get("environments") or over.node).report("overlay", told, at_key=True)
        return lay_over(base, over)

    def _own(self, path: str, origin: _Origin) -> SourceFile | None:
        data = self._checkout.read(origin.path)
        if data is None:
            return None
        return SourceFile(path, data, origin.path if origin.path != path else "")

    def _origins(self) -> dict[str, _Origin]:
        if self._known is None:
            self._known = self._laid()
        return self._known

    def _laid(self) -> dict[str, _Origin]:
        """Return every file by its path in the application, and where it comes from."""
        laid: dict[str, _Origin] = {FILE_NAME: _Origin(FILE_NAME)}
        over = {}
        for path in self._checkout.paths():
            folder = self._folder_of(path)
            if not folder:
                laid[path] = _Origin(path)
            elif folder == self._chosen.overlay:
                over[path.removeprefix(f"{folder}/")] = path
        if self._chosen.overlay and not over:
            told = f"{self._chosen.overlay}: there is no file in it"
            self._problems.append(Problem(FILE_NAME, 1, 1, "overlay", told))
        self._lay(laid, over)
        return laid

    def _lay(self, laid: dict[str, _Origin], over: Mapping[str, str]) -> None:
        """Put the files of the overlay, by their paths in the application, where they belong."""
        merging = sorted(path for path in over if path.endswith(_SUFFIXES))
        laid |= {path: _Origin(over[path]) for path in over.keys() - set(merging)}
        if FILE_NAME in over:
            told = f"takes the place of {FILE_NAME}: change that by fermata.merge.yaml"
            self._problems.append(Problem(over[FILE_NAME], 1, 1, "overlay", told))
        for path in merging:
            target = _target(path)
            if target in laid:
                laid[target] = laid[target]._replace(merged=over[path])
                continue
            told = f"there is no {target} to merge it into{nearest(target, list(laid))}"
            self._problems.append(Problem(over[path], 1, 1, "overlay", told))

    def _folder_of(self, path: str) -> str:
        """Return the overlay that a path belongs to: of folders in each other the innermost."""
        own = [each for each in self._chosen.overlays if path.startswith(f"{each}/")]
        return max(own, key=len, default="")

    def _merged(self, base: SourceFile, path: str) -> SourceFile | None:
        data = self._checkout.read(path)
        if data is None:
            return None
        parts = (base, SourceFile(path, data))
        documents = list(self._documents(parts))
        if len(documents) < len(parts):
            return None
        laid = lay_over(*documents)
        if not laid.complete:
            return None
        told = f"# {base.git_path} and {path}, merged by Fermata\n"
        text = told + dump([laid.value]).removeprefix("---\n")
        return SourceFile(base.path, text.encode(), base.git_path, laid, parts)

    def _documents(self, parts: Collection[SourceFile]) -> Iterator[Document]:
        for part in parts:
            text = part.text
            if text is None:
                self._problems.append(Problem(part.git_path, 1, 1, "not-utf8", "not UTF-8"))
                continue
            document = read_yaml(text, part.git_path, self._problems)
            if document.complete and not isinstance(document.value, dict):
                document.node.report("overlay", "not a mapping: only mappings are merged")
            elif document.complete:
                yield document

    def _read(self, path: str) -> Document | None:
        data = self._checkout.read(path)
        if data is None:
            return None
        return next(self._documents([SourceFile(path, data)]), None)


_SUFFIXES = tuple(merging for merging, _ in MERGED)


def _target(path: str) -> str:
    """Return the path of the file that ``path`` is merged into."""
    for merging, suffix in MERGED:
        if path.endswith(merging):
            return path.removesuffix(merging) + suffix
    return path
