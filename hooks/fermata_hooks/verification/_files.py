"""One file, several names: Airflow's releases do not agree how to call a DAG file.

Relative to the bundle on 3.1 and newer; absolute on 2.x, in import errors of 3.0, and inside zip
files. An absolute name means the file whose relative name it ends with, in whole components. A
bundle that one side does not know (2.x has none) is no difference. Two relative or two absolute
names must be equal: ``a.py`` is not ``team/a.py``.
"""

from collections.abc import Iterable, Iterator
from posixpath import normpath
from typing import Generic, TypeVar

Value = TypeVar("Value")


class FileIndex(Generic[Value]):
    """Values by file, found by any of the file's names; a look-up costs the path's depth."""

    def __init__(self, entries: Iterable[tuple[str, str, Value]]) -> None:
        """Index ``entries`` of bundle (empty: unknown), path and value."""
        self._exact: dict[str, list[tuple[str, Value]]] = {}
        self._endings: dict[str, list[tuple[str, Value]]] = {}
        for bundle, path, value in entries:
            if not path:
                continue
            name = normpath(path)
            self._exact.setdefault(name, []).append((bundle, value))
            for ending in _endings(name):
                self._endings.setdefault(ending, []).append((bundle, value))

    def find(self, bundle: str, path: str) -> list[Value]:
        """Return the values of the file that ``path`` in ``bundle`` means, exact names first."""
        name = normpath(path) if path else ""
        found = list(self._exact.get(name, ()))
        if name.startswith("/"):
            for ending in _endings(name):
                found += self._exact.get(ending, ())
        else:
            found += self._endings.get(name, ())
        return [value for theirs, value in found if not bundle or not theirs or bundle == theirs]


def _endings(name: str) -> Iterator[str]:
    """Yield the relative names that an absolute one may have; none for a relative one."""
    if name.startswith("/"):
        parts = name.strip("/").split("/")
        for start in range(len(parts)):
            yield "/".join(parts[start:])
