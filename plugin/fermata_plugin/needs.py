"""Which files of the checkout a DAG needs besides its own, and the digest of them all together.

A Python file needs its static imports, theirs, and so on; what it reads by name cannot be told, so
every file that is only passed on counts for it. A dag-factory DAG needs the files that it names.
"""

from collections.abc import Iterator
from hashlib import sha256

from fermata_plugin.digests import digest_of_hashes, digest_of_source, hash_of_files
from fermata_plugin.formats.found import Found, FoundDag
from fermata_plugin.formats.mentions import module_of
from fermata_plugin.loading import Loaded
from fermata_spec.located import Mark


class Needs:
    """The files of a checkout, and who needs which; ``shared``: what any Python file may read."""

    def __init__(self, loaded: Loaded) -> None:
        self._by_path = {loaded.relative(each.source.path): each for each in loaded.found}
        self._modules = {
            module_of(path): each for path, each in self._by_path.items() if path.endswith(".py")
        }
        self._imports: dict[str, list[tuple[Found, Mark]]] = {}
        self._hashes: dict[str, bytes] = {}
        as_is = loaded.config.files.form == "as-is"
        read_by_anyone = {"opaque", "dag-factory", "defaults"} if as_is else {"opaque"}
        self.shared = [each for each in loaded.found if each.meaning in read_by_anyone]
        self._hashed: bytes | None = None

    def imports(self, found: Found) -> list[tuple[Found, Mark]]:
        """Return the files that a Python file imports itself, with the place of the import."""
        path = found.source.path
        if path not in self._imports:
            self._imports[path] = list(self._find_imports(found))
        return self._imports[path]

    def digest_of_python(self, found: Found) -> str:
        """Return the digest of a Python file with all that it may need.

        Where that is nothing it is the digest of the text, so that the text is proof enough.
        """
        needed = self.imported_by(found)
        if not needed and not self.shared:
            return digest_of_source(found.text or "")
        imported = hash_of_files(self.hashes_of(needed))
        return digest_of_hashes(self._hash(found), imported, self._hash_of_shared())

    def imported_by(self, found: Found) -> list[Found]:
        """Return the files that a Python file imports, itself or through others."""
        return self._closure([found])

    def digest_of_dag(self, dag: FoundDag) -> str:
        """Return the digest of a dag-factory DAG with the files that it names."""
        needed = self.named_by(dag)
        if not needed:
            return dag.digest
        return digest_of_hashes(dag.digest.encode(), hash_of_files(self.hashes_of(needed)))

    def named_by(self, dag: FoundDag) -> list[Found]:
        """Return the files that a dag-factory DAG names, and what they import."""
        named = [self._by_path[path] for path in dag.mentions if path in self._by_path]
        return [*named, *self._closure(named)] if named else []

    def _hash_of_shared(self) -> bytes:
        if self._hashed is None:
            self._hashed = hash_of_files(self.hashes_of(self.shared)) if self.shared else b""
        return self._hashed

    def _closure(self, roots: list[Found]) -> list[Found]:
        """Return all files that ``roots`` import, themselves not among them."""
        needed = {found.source.path: found for found in roots}
        waiting = list(roots)
        while waiting:
            for imported, _ in self.imports(waiting.pop()):
                if imported.source.path not in needed:
                    needed[imported.source.path] = imported
                    waiting.append(imported)
        return list(needed.values())[len(roots) :]

    def _find_imports(self, found: Found) -> Iterator[tuple[Found, Mark]]:
        seen = {found.source.path}
        for module, place in found.imports:
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                imported = self._modules.get(".".join(parts[:end]))
                if imported is not None and imported.source.path not in seen:
                    seen.add(imported.source.path)
                    yield imported, place

    def hashes_of(self, found: list[Found]) -> dict[str, bytes]:
        """Return the hash of each file, by its path."""
        return {each.source.path: self._hash(each) for each in found}

    def _hash(self, found: Found) -> bytes:
        path = found.source.path
        if path not in self._hashes:
            self._hashes[path] = sha256(found.source.data).digest()
        return self._hashes[path]
