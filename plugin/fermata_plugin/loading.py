"""From a folder to what it holds: ``fermata.yaml``, the files that it names, and their meaning."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from fermata_plugin.checkout import Checkout, SourceFile
from fermata_plugin.choice import NO_CHOICE, Choice, Chosen, choose
from fermata_plugin.defaults import Defaults
from fermata_plugin.environment_check import check_environment
from fermata_plugin.formats.found import Found
from fermata_plugin.formats.mentions import Mentions
from fermata_plugin.layers import Layers
from fermata_plugin.other_manifests import Passed, read_manifests
from fermata_plugin.parameters import announcement
from fermata_plugin.patterns import Patterns
from fermata_plugin.progress import Progress
from fermata_plugin.silence import silenced_in
from fermata_plugin.understanding import Understanding
from fermata_spec.config import FILE_NAME, Config
from fermata_spec.config_reader import ConfigFile, read_configuration
from fermata_spec.layering import lay_over
from fermata_spec.located import Document, Node
from fermata_spec.parameters import as_document
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml

_MOST_OTHERS = 3


class Loaded(NamedTuple):
    """An application's checkout, read; ``root`` is the folder that is Airflow's DAGs folder.

    ``silenced`` are, by path, the rules of which a file itself wants to hear nothing; ``defaults``
    the ``defaults.yml`` files.
    """

    file: ConfigFile
    root: str
    found: tuple[Found, ...]
    passed: tuple[Passed, ...]
    silenced: Mapping[str, frozenset[str]]
    defaults: Defaults

    @property
    def config(self) -> Config:
        """The model of ``fermata.yaml``."""
        return self.file.config

    def relative(self, path: str) -> str:
        """Return ``path`` below the DAGs folder."""
        return path.removeprefix(f"{self.root}/") if self.root else path


def load(
    root: str, problems: list[Problem], progress: Progress, choice: Choice = NO_CHOICE
) -> Loaded | None:
    """Return what the folder ``root`` holds; ``None`` if its ``fermata.yaml`` cannot be used."""
    progress.begin("reading")
    checkout = Checkout(root, problems)
    base = read_base(checkout, problems)
    chosen = None if base is None else choose(base, choice)
    if base is None or chosen is None:
        return None
    layers = Layers(checkout, chosen, problems)
    document = layers.configuration(base)
    if choice.parameters:
        document = lay_over(document, as_document(choice.parameters, problems))
    read = read_configuration(document)
    if read is None:
        return None
    return _load_files(layers, chosen, read, problems, progress)


def read_base(checkout: Checkout, problems: list[Problem]) -> Document | None:
    """Return ``fermata.yaml`` as it stands; ``None`` after reporting why it cannot be read."""
    if not checkout.holds(FILE_NAME):
        problems.append(
            Problem(
                FILE_NAME,
                1,
                1,
                "missing-file",
                "there is no such file here: name the folder that holds it",
            )
        )
        return None
    data = checkout.read(FILE_NAME)
    if data is None:
        return None
    text = SourceFile(FILE_NAME, data).text
    if text is None:
        problems.append(Problem(FILE_NAME, 1, 1, "not-utf8", "not UTF-8"))
        return None
    document = read_yaml(text, FILE_NAME, problems)
    return document if document.complete else None


def environments_of(root: str) -> tuple[str, ...]:
    """Return the names of the environments of a ``fermata.yaml``; none if it cannot be read."""
    node = _base_node(root).get("environments")
    if node is None or not isinstance(node.value, dict):
        return ()
    return tuple(name for name in node.value if isinstance(name, str))


def announced(root: str) -> list[dict[str, Any]]:
    """Return the parameters that Argo CD's UI shows for a checkout."""
    return announcement(_base_node(root), environments_of(root))


def _base_node(root: str) -> Node:
    document = read_base(Checkout(root, []), [])
    return (document or Document(FILE_NAME, [])).node


def _others(paths: Collection[str]) -> str:
    """Return what there is where nothing matches: a name that ends in .yml is told by it."""
    others = sorted(path for path in paths if path != FILE_NAME and not path.startswith("."))
    if not others:
        return ": there is no other file here"
    more = len(others) - _MOST_OTHERS
    told = ", ".join(path[:100] for path in others[:_MOST_OTHERS])
    return f": there is {told}" + (f" and {more} more" if more > 0 else "")


def _load_files(
    layers: Layers,
    chosen: Chosen,
    read: ConfigFile,
    problems: list[Problem],
    progress: Progress,
) -> Loaded:
    files = read.config.files
    include = Patterns(files.include)
    before = len(problems)
    others = read.config.manifests
    manifests = layers.files(Patterns(others.include), Patterns((FILE_NAME, *others.exclude)))
    taken = {source.path for source in manifests}
    sources = layers.files(include, Patterns((FILE_NAME, *files.exclude)), skip=taken)
    if not sources and len(problems) == before:
        told = f"no file of the checkout matches{_others(layers.paths())}"
        read.report(("files", "include"), "no-files", told)
    defaults = Defaults(layers, include.root, problems)
    prefix = f"{include.root}/" if include.root else ""
    mentions = Mentions([source.path.removeprefix(prefix) for source in sources])
    understand = Understanding(read.config, include.root, defaults, mentions, problems)
    progress.begin("understanding")
    found = []
    for source in sources:
        progress.at(source.git_path)
        found.append(understand.file(source))
    check_environment(chosen, read, sources, found)
    passed = tuple(read_manifests(manifests, problems))
    parts = [part for each in sources for part in each.parts or (each,)]
    silenced = {each.git_path: silenced_in(each, problems) for each in parts}
    return Loaded(read, include.root, tuple(found), passed, silenced, defaults)
