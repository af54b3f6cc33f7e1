"""Documents in a folder."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from documents_contract import DocumentsContract
from fermata_hooks.documents import ABSENT, Documents, FileDocuments
from fermata_hooks.documents import _files as files
from fermata_spec.errors import SettingsError, UnavailableError


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return FileDocuments(tmp_path / "made" / "when needed")


class TestFileDocuments(DocumentsContract):
    """Files keep the promise of every store."""


def test_another_process_sees_the_same_document(tmp_path: Path) -> None:
    version = FileDocuments(tmp_path).replace("ledger", b"one", expected=ABSENT)

    assert FileDocuments(tmp_path).read("ledger").version == version


def test_a_file_that_is_none_of_ours_is_neither_read_nor_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("notes of mine\n")
    documents = FileDocuments(tmp_path)

    with pytest.raises(SettingsError, match="damaged"):
        documents.read("ledger")
    with pytest.raises(SettingsError, match="damaged"):
        documents.replace("ledger", b"one", expected=ABSENT)

    assert (tmp_path / "ledger").read_text() == "notes of mine\n"


def test_a_file_that_is_far_too_large_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "ledger").open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)

    with pytest.raises(SettingsError, match="more than"):
        FileDocuments(tmp_path).read("ledger")


@pytest.mark.parametrize("name", ["", "../ledger", "a/b", "Ledger", ".hidden", "x" * 300])
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="not a document's name"):
        FileDocuments(tmp_path / "documents").read(name)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match=str(tmp_path / "file")):
        FileDocuments(tmp_path / "file").replace("ledger", b"", expected=ABSENT)


def test_a_lock_that_another_holds_for_long_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_PATIENCE", 0.05)
    documents = FileDocuments(tmp_path)
    documents.replace("ledger", b"one", expected=ABSENT)

    with FileLock(tmp_path / ".ledger.lock"), pytest.raises(UnavailableError, match="held by"):
        documents.replace("ledger", b"two", expected=documents.read("ledger").version)


def test_a_write_that_fails_leaves_the_old_document_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = FileDocuments(tmp_path)
    version = documents.replace("ledger", b"one", expected=ABSENT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # a disk that is full cannot be had otherwise
    with pytest.raises(UnavailableError, match="No space left on device"):
        documents.replace("ledger", b"two", expected=version)

    assert documents.read("ledger").content == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".ledger.lock", "ledger"]
