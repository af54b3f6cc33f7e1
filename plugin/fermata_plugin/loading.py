"""From a folder to what it holds: ``fermata.yaml``, the files that it names, and their meaning."""

from collections.abc import Mapping
from typing import NamedTuple

from fermata_plugin.checkout import Checkout, SourceFile
from fermata_plugin.formats import dag_factory, python_source
from fermata_plugin.formats.environment_text import report_references
from fermata_plugin.formats.found import Found
from fermata_plugin.patterns import Patterns
from fermata_spec.config import FILE_NAME, Config, Files
from fermata_spec.config_reader import ConfigFile, read_config
from fermata_spec.located import Value
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml

_YAML = (".yaml", ".yml")


class Loaded(NamedTuple):
    """An application's checkout, read; ``root`` is the folder that is Airflow's DAGs folder."""

    file: ConfigFile
    root: str
    found: tuple[Found, ...]

    @property
    def config(self) -> Config:
        """The model of ``fermata.yaml``."""
        return self.file.config

    def relative(self, path: str) -> str:
        """Return ``path`` below the DAGs folder."""
        return path.removeprefix(f"{self.root}/") if self.root else path


def load(root: str, problems: list[Problem]) -> Loaded | None:
    """Return what the folder ``root`` holds; ``None`` if its ``fermata.yaml`` cannot be used."""
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
    return _load_files(checkout, read, problems)


def _load_files(checkout: Checkout, read: ConfigFile, problems: list[Problem]) -> Loaded:
    files = read.config.files
    include = Patterns(files.include)
    before = len(problems)
    sources = checkout.files(include, Patterns((FILE_NAME, *files.exclude)))
    if not sources and len(problems) == before:
        read.report(("files", "include"), "no-files", "no file of the checkout matches")
    defaults = Defaults(checkout, include.root, problems)
    found = [_understand(source, files, defaults, problems) for source in sources]
    return Loaded(read, include.root, tuple(found))


class Defaults:
    """The ``defaults.yml`` files of the folders down from the DAGs folder, read when asked for.

    Looked for as dag-factory does: whether or not a pattern includes them.
    """

    def __init__(self, checkout: Checkout, root: str, problems: list[Problem]) -> None:
        self._checkout = checkout
        self._root = root
        self._problems = problems
        self._read: dict[str, Mapping[str, Value]] = {}
        self._merged: dict[str, Mapping[str, Value]] = {}

    def above(self, path: str) -> Mapping[str, Value]:
        """Return what the files above and beside ``path`` say together."""
        folder = path.rpartition("/")[0]
        if folder not in self._merged:
            below = folder.removeprefix(self._root).strip("/")
            names = below.split("/") if below else []
            chain = [
                "/".join(filter(None, (self._root, *names[:depth])))
                for depth in range(len(names) + 1)
            ]
            read = [self._of(each) for each in chain]
            self._merged[folder] = dag_factory.merge_defaults(read)
        return self._merged[folder]

    def _of(self, folder: str) -> Mapping[str, Value]:
        if folder not in self._read:
            paths = [f"{folder}/{name}".lstrip("/") for name in dag_factory.DEFAULTS_FILES]
            path = next(filter(self._checkout.holds, paths), None)
            self._read[folder] = self._content(path) if path else {}
        return self._read[folder]

    def _content(self, path: str) -> Mapping[str, Value]:
        data = self._checkout.read(path)
        if data is None:
            return {}
        text = SourceFile(path, data).text
        if text is None:
            self._problems.append(Problem(path, 1, 1, "not-utf8", "not UTF-8"))
            return {}
        document = read_yaml(text, path, self._problems)
        return dag_factory.read_defaults(document) if document.complete else {}


def _understand(
    source: SourceFile, files: Files, defaults: Defaults, problems: list[Problem]
) -> Found:
    text = source.text
    is_python, is_yaml = source.path.endswith(".py"), source.path.endswith(_YAML)
    if text is None and (is_python or is_yaml):
        problems.append(Problem(source.path, 1, 1, "not-utf8", "not UTF-8"))
    elif text is not None and is_python:
        return _understand_python(source, text, problems)
    elif text is not None and is_yaml and files.format != "opaque":
        return _understand_yaml(source, text, files, defaults, problems)
    return Found(source=source, meaning="opaque", text=text)


def _understand_python(source: SourceFile, text: str, problems: list[Problem]) -> Found:
    tree = python_source.parse(source.path, text, problems)
    if tree is None:
        return Found(source=source, meaning="opaque", text=text)
    dags = (
        python_source.find_dags(tree, source.path, problems)
        if python_source.is_dag_file(text)
        else ()
    )
    return Found(source=source, meaning="python", text=text, dags=tuple(dags), tree=tree)


def _understand_yaml(
    source: SourceFile, text: str, files: Files, defaults: Defaults, problems: list[Problem]
) -> Found:
    if dag_factory.is_defaults(source.path):
        return Found(source=source, meaning="defaults", text=text)
    found: list[Problem] = []
    document = read_yaml(text, source.path, found)
    is_ours = files.format == "dag-factory" or dag_factory.is_dag_factory(document.value)
    if not is_ours:
        # Other YAML may have tags and documents of its own; it is only passed on.
        problems += [each for each in found if each.rule in {"yaml-syntax", "limit"}]
        return Found(source=source, meaning="opaque", text=text)
    above = defaults.above(source.path)
    dags = dag_factory.read_dags(document, above) if document.complete else []
    report_references(text, document, kept=files.form != "as-is")
    problems += found
    return Found(
        source=source,
        meaning="dag-factory",
        text=text,
        dags=tuple(dags),
        defaults=above,
    )
