"""A folder looks as a kubelet would leave it, whatever was in it before."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata_hooks.demo.volume import read_volume, write_volume
from fermata_spec.errors import SettingsError

NAMES = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,12}", fullmatch=True)
FILES = st.dictionaries(NAMES, st.binary(max_size=40), max_size=6)


@settings(max_examples=40)  # each writes files
@given(versions=st.lists(FILES, min_size=1, max_size=4))
def test_shows_exactly_the_last_version(versions: list[dict[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "volume"

        for files in versions:
            write_volume(folder, files)

        assert read_volume(folder) == versions[-1]
        visible = {entry.name: entry for entry in folder.iterdir() if entry.name[:2] != ".."}
        assert {name: file.read_bytes() for name, file in visible.items()} == versions[-1]
        assert {name: str(file.readlink()) for name, file in visible.items()} == {
            name: f"..data/{name}" for name in versions[-1]
        }


@settings(max_examples=40)  # each writes files
@given(versions=st.lists(FILES, min_size=1, max_size=4))
def test_leaves_one_hidden_folder_that_the_data_link_names(
    versions: list[dict[str, bytes]],
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "volume"

        for files in versions:
            write_volume(folder, files)

        hidden = {entry.name for entry in folder.iterdir() if entry.name.startswith("..")}
        assert hidden == {"..data", str((folder / "..data").readlink())}


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write_volume(tmp_path, {"etl.py": b"1"})
    before = (tmp_path / "..data").readlink()

    changed = write_volume(tmp_path, {"etl.py": b"1"})

    assert not changed
    assert (tmp_path / "..data").readlink() == before


def test_a_file_in_a_folder_is_reached_through_a_link_to_the_folder(tmp_path: Path) -> None:
    write_volume(tmp_path, {"team/etl.py": b"1", "team/load.py": b"2"})

    assert (tmp_path / "team").readlink() == Path("..data/team")
    assert (tmp_path / "team" / "load.py").read_bytes() == b"2"


def test_files_are_readable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_volume(tmp_path, {"etl.py": b"1"})
    finally:
        os.umask(before)

    assert (tmp_path / "etl.py").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "..data").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("a/../../b", id="climbing"),
        pytest.param("..hidden", id="the writer's own names"),
        pytest.param("x" * 256, id="a name too long"),
        pytest.param("/".join(["x" * 200] * 21), id="a path too long"),
    ],
)
def test_refuses_a_path_that_a_kubelet_refuses_and_writes_nothing(
    tmp_path: Path, path: str
) -> None:
    folder = tmp_path / "volume"

    with pytest.raises(SettingsError, match="not a path that a volume can hold"):
        write_volume(folder, {"good.py": b"", path: b""})

    assert not folder.exists()
