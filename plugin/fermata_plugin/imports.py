"""Which files of the checkout a Python file needs: its static imports, and theirs, and so on."""

from collections.abc import Iterator

from fermata_plugin.formats.found import Found
from fermata_plugin.formats.python_source import imported_modules
from fermata_plugin.loading import Loaded
from fermata_spec.located import Mark


class Imports:
    """The Python files of a checkout by the module names that Airflow would import them by."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._modules = {
            _module(loaded.relative(found.source.path)): found
            for found in loaded.found
            if found.source.path.endswith(".py")
        }
        self._direct: dict[str, list[tuple[Found, Mark]]] = {}

    def direct(self, found: Found) -> list[tuple[Found, Mark]]:
        """Return the files that ``found`` imports itself, with the place of the import."""
        path = found.source.path
        if path not in self._direct:
            self._direct[path] = list(self._find_direct(found))
        return self._direct[path]

    def all(self, found: Found) -> list[Found]:
        """Return all files that ``found`` needs, itself not among them."""
        needed = {found.source.path: found}
        waiting = [found]
        while waiting:
            for imported, _ in self.direct(waiting.pop()):
                if imported.source.path not in needed:
                    needed[imported.source.path] = imported
                    waiting.append(imported)
        return [each for each in needed.values() if each is not found]

    def _find_direct(self, found: Found) -> Iterator[tuple[Found, Mark]]:
        if found.tree is None:
            return
        seen = {found.source.path}
        package = ".".join(self._loaded.relative(found.source.path).split("/")[:-1])
        for module, place in imported_modules(found.tree, package):
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                imported = self._modules.get(".".join(parts[:end]))
                if imported is not None and imported.source.path not in seen:
                    seen.add(imported.source.path)
                    yield imported, place


def _module(path: str) -> str:
    name = path.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")
