"""From a folder to what it holds: ``fermata.yaml``, the files that it names, and their meaning."""

from collections.abc import Mapping
from typing import NamedTuple

from fermata_plugin.checkout import Checkout, SourceFile
from fermata_plugin.defaults import Defaults
from fermata_plugin.formats.found import Found
from fermata_plugin.formats.mentions import Mentions
from fermata_plugin.other_manifests import Passed, read_manifests
from fermata_plugin.patterns import Patterns
from fermata_plugin.progress import Progress
from fermata_plugin.silence import silenced_in
from fermata_plugin.understanding import Understanding
from fermata_spec.config import FILE_NAME, Config
from fermata_spec.config_reader import ConfigFile, read_config
from fermata_spec.problems import Problem


class Loaded(NamedTuple):
    """An application's checkout, read; ``root`` is the folder that is Airflow's DAGs folder.

    ``silenced`` are, by path, the rules of which a file itself wants to hear nothing.
    """

    file: ConfigFile
    root: str
    found: tuple[Found, ...]
    passed: tuple[Passed, ...]
    silenced: Mapping[str, frozenset[str]]

    @property
    def config(self) -> Config:
        """The model of ``fermata.yaml``."""
        return self.file.config

    def relative(self, path: str) -> str:
        """Return ``path`` below the DAGs folder."""
        return path.removeprefix(f"{self.root}/") if self.root else path


def load(root: str, problems: list[Problem], progress: Progress) -> Loaded | None:
    """Return what the folder ``root`` holds; ``None`` if its ``fermata.yaml`` cannot be used."""
    progress.begin("reading")
    checkout = Checkout(root, problems)
    if not checkout.holds(FILE_NAME):
        problems.append(Problem(FILE_NAME, 1, 1, "missing-file", "there is no such file here"))
        return None
    data = checkout.read(FILE_NAME)
    if data is None:
        return None
    text = SourceFile(FILE_NAME, data).text
    if text is None:
        problems.append(Problem(FILE_NAME, 1, 1, "not-utf8", "not UTF-8"))
        return None
    read = read_config(text, problems)
    if read is None:
        return None
    return _load_files(checkout, read, problems, progress)


def _load_files(
    checkout: Checkout, read: ConfigFile, problems: list[Problem], progress: Progress
) -> Loaded:
    files = read.config.files
    include = Patterns(files.include)
    before = len(problems)
    others = read.config.manifests
    manifests = checkout.files(Patterns(others.include), Patterns((FILE_NAME, *others.exclude)))
    taken = {source.path for source in manifests}
    sources = checkout.files(include, Patterns((FILE_NAME, *files.exclude)), skip=taken)
    if not sources and len(problems) == before:
        read.report(("files", "include"), "no-files", "no file of the checkout matches")
    defaults = Defaults(checkout, include.root, problems)
    prefix = f"{include.root}/" if include.root else ""
    mentions = Mentions([source.path.removeprefix(prefix) for source in sources])
    understand = Understanding(read.config, include.root, defaults, mentions, problems)
    progress.begin("understanding")
    found = []
    for source in sources:
        progress.at(source.path)
        found.append(understand.file(source))
    passed = tuple(read_manifests(manifests, problems))
    silenced = {each.path: silenced_in(each, problems) for each in sources}
    return Loaded(read, include.root, tuple(found), passed, silenced)
