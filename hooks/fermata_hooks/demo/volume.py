"""Lay out a ConfigMap's data in a folder exactly as a kubelet lays out a volume.

    folder/..2026_11_24_13_08_00.1234567890/   the files
    folder/..data -> ..2026_11_24_13_08_00.1234567890
    folder/etl.py -> ..data/etl.py

The order of the steps is that of Kubernetes' ``pkg/volume/util/atomic_writer.go``: new folder,
``..data_tmp``, atomic rename to ``..data``, new links, old links, old folder. What reads through
``..data`` sees all of one version or all of another.
"""

import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from fermata_spec.errors import SettingsError

DATA = "..data"
_NEXT_DATA = "..data_tmp"
_MAX_PATH = 4096
_MAX_NAME = 255


def write_volume(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Make ``folder`` show ``files`` (relative path: content); return whether anything changed.

    Raises ``SettingsError`` for a path that a kubelet refuses, before anything is written.
    """
    wanted = {_checked(path): content for path, content in files.items()}
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / DATA
    before = data.resolve() if data.is_symlink() else None
    if before is not None and _contents(before) == wanted:
        return False
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    version = folder / f"{stamp}{secrets.randbelow(10**10)}"
    _write_files(version, wanted)
    (folder / _NEXT_DATA).symlink_to(version.name)
    (folder / _NEXT_DATA).rename(data)
    _link(folder, {path.parts[0] for path in wanted})
    if before is not None:
        shutil.rmtree(before)
    return True


def read_volume(folder: Path) -> dict[str, bytes]:
    """Return what ``folder`` shows now."""
    data = (folder / DATA).resolve()
    return {str(path): content for path, content in _contents(data).items()}


def _checked(path: str) -> PurePosixPath:
    """Return ``path`` if a kubelet would write it."""
    pure = PurePosixPath(path)
    bad = (
        not path
        or pure.is_absolute()
        or not pure.parts
        or ".." in pure.parts
        or pure.parts[0].startswith("..")
        or len(path.encode()) > _MAX_PATH
        or any(len(part.encode()) > _MAX_NAME for part in pure.parts)
    )
    if bad:
        raise SettingsError(f"{path[:80]!r}: not a path that a volume can hold")
    return pure


def _contents(version: Path) -> dict[PurePosixPath, bytes]:
    return {
        PurePosixPath(file.relative_to(version)): file.read_bytes()
        for file in version.rglob("*")
        if file.is_file()
    }


def _write_files(version: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    version.mkdir()
    version.chmod(0o755)
    for path, content in files.items():
        file = version / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)


def _link(folder: Path, names: set[str]) -> None:
    """Make the visible links be those of ``names``: first the new ones, then no others."""
    for name in sorted(names):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{DATA}/{name}")
    for link in folder.iterdir():
        if link.is_symlink() and link.name != DATA and link.name not in names:
            link.unlink()
