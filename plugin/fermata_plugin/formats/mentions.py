"""Which files of the checkout a dag-factory DAG names: modules of its callables, templates, SQL.

A change of such a file is a change of the DAG. What a DAG reads without naming it cannot be told.
"""

import re
from collections.abc import Iterator, Sequence

from fermata_spec.located import Value

_TOKEN = re.compile(r"[\w./-]+")
_YAML = (".yaml", ".yml")


def module_of(path: str) -> str:
    """Return the dotted name under which Airflow imports the file ``path`` of its DAGs folder."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


class Mentions:
    """Finds the files, of those given, that a configuration names."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._modules = {module_of(path): path for path in paths if path.endswith(".py")}
        self._names: dict[str, list[str]] = {}
        for path in paths:
            self._names.setdefault(path.rpartition("/")[2], []).append(path)
        self._only_yaml = all(path.endswith(_YAML) for path in paths)

    def find(self, text: str, path: str, value: Value) -> tuple[str, ...]:
        """Return the paths that ``value`` names, a part of ``text``, of the file ``path``."""
        if self._only_yaml and not any(f"{end}" in text for end in _YAML):
            return ()
        found = {each for string in _strings(value) for each in self._in(string)}
        return tuple(sorted(found - {path}))

    def _in(self, string: str) -> Iterator[str]:
        tokens = set(_TOKEN.findall(string))
        for name in {token.rpartition("/")[2] for token in tokens}:
            yield from self._names.get(name, ())
        if not self._modules:
            return
        for token in tokens:
            parts = token.split(".")
            for end in range(1, len(parts) + 1) if len(parts) > 1 else ():
                path = self._modules.get(".".join(parts[:end]))
                if path is not None:
                    yield path


def _strings(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
