"""dag-factory's ``defaults.yml`` files, found and merged as dag-factory does."""

from collections.abc import Mapping

from fermata_plugin.formats import dag_factory
from fermata_plugin.layers import Layers
from fermata_spec.located import Value
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml


class Defaults:
    """The ``defaults.yml`` files of the folders down from the DAGs folder, read when asked for.

    Looked for as dag-factory does: whether or not a pattern includes them.
    """

    def __init__(self, layers: Layers, root: str, problems: list[Problem]) -> None:
        self._layers = layers
        self._root = root
        self._problems = problems
        self._read: dict[str, tuple[str, Mapping[str, Value]]] = {}
        self._merged: dict[str, Mapping[str, Value]] = {}

    def above(self, path: str) -> Mapping[str, Value]:
        """Return what the files above and beside ``path`` say together."""
        folder = path.rpartition("/")[0]
        if folder not in self._merged:
            self._merged[folder] = dag_factory.merge_defaults([*self.files(path).values()])
        return self._merged[folder]

    def files(self, path: str) -> dict[str, Mapping[str, Value]]:
        """Return the content of each file above and beside ``path``, the farthest first."""
        below = path.rpartition("/")[0].removeprefix(self._root).strip("/")
        names = below.split("/") if below else []
        chain = [
            "/".join(filter(None, (self._root, *names[:depth]))) for depth in range(len(names) + 1)
        ]
        return {name: content for name, content in map(self._of, chain) if name}

    def _of(self, folder: str) -> tuple[str, Mapping[str, Value]]:
        if folder not in self._read:
            paths = [f"{folder}/{name}".lstrip("/") for name in dag_factory.DEFAULTS_FILES]
            path = next(filter(self._layers.holds, paths), "")
            self._read[folder] = (path, self._content(path) if path else {})
        return self._read[folder]

    def _content(self, path: str) -> Mapping[str, Value]:
        source = self._layers.file(path)
        if source is None:
            return {}
        text = source.text
        if text is None:
            self._problems.append(Problem(source.git_path, 1, 1, "not-utf8", "not UTF-8"))
            return {}
        document = source.document or read_yaml(text, source.git_path, self._problems)
        return dag_factory.read_defaults(document) if document.complete else {}
