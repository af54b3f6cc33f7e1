"""From a folder to what it holds: ``fermata.yaml``, the files that it names, and their meaning."""

from collections.abc import Mapping
from typing import NamedTuple

from fermata_plugin.checkout import Checkout, SourceFile
from fermata_plugin.formats import dag_factory, python_source
from fermata_plugin.formats.found import Found
from fermata_plugin.patterns import Patterns
from fermata_spec.config import FILE_NAME, Config, Files
from fermata_spec.config_reader import ConfigFile, read_config
from fermata_spec.located import Value, read_yaml
from fermata_spec.problems import Problem

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
    include = Patterns(read.config.files.include)
    before = len(problems)
    sources = checkout.files(include, Patterns((FILE_NAME, *read.config.files.exclude)))
    if not sources and len(problems) == before:
        read.report(("files", "include"), "no-files", "no file of the checkout matches")
    defaults = _defaults(sources, read.config.files, problems)
    found = [_understand(source, read.config.files, defaults, problems) for source in sources]
    return Loaded(read, include.root, tuple(found))


def _defaults(
    sources: list[SourceFile], files: Files, problems: list[Problem]
) -> dict[str, Mapping[str, Value]]:
    """Return the content of each ``defaults.yml`` by its folder (``.yml`` before ``.yaml``)."""
    if files.format == "opaque":
        return {}
    defaults: dict[str, Mapping[str, Value]] = {}
    for source in reversed(sources):
        if dag_factory.is_defaults(source.path) and source.text is not None:
            document = read_yaml(source.text, source.path, problems)
            content = dag_factory.read_defaults(document) if document.complete else None
            defaults[source.path.rpartition("/")[0]] = content or {}
    return defaults


def _understand(
    source: SourceFile,
    files: Files,
    defaults: Mapping[str, Mapping[str, Value]],
    problems: list[Problem],
) -> Found:
    text = source.text
    if text is not None and source.path.endswith(".py"):
        return _understand_python(source, text, problems)
    if text is not None and source.path.endswith(_YAML) and files.format != "opaque":
        return _understand_yaml(source, text, files, defaults, problems)
    if text is None and source.path.endswith((".py", *_YAML)):
        problems.append(Problem(source.path, 1, 1, "not-utf8", "not UTF-8"))
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
    source: SourceFile,
    text: str,
    files: Files,
    defaults: Mapping[str, Mapping[str, Value]],
    problems: list[Problem],
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
    merged = dag_factory.merge_defaults(_above(source.path, defaults))
    dags = dag_factory.read_dags(document, merged) if document.value is not None else []
    problems += found
    return Found(
        source=source,
        meaning="dag-factory",
        text=text,
        dags=tuple(dags),
        document=document,
        defaults=merged,
    )


def _above(path: str, defaults: Mapping[str, Mapping[str, Value]]) -> list[Mapping[str, Value]]:
    """Return the defaults of the folders that ``path`` is in, the farthest first."""
    parts = path.split("/")[:-1]
    folders = ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
    return [defaults[folder] for folder in folders if folder in defaults]
