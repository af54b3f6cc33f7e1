from pathlib import Path

import pytest

from fermata_hooks.documents import ConflictError, FileDocuments
from fermata_spec.errors import SettingsError


def test_put_makes_a_document_that_is_not_there(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path / "new")

    documents.put("handoff", b"first")

    assert documents.read("handoff").content == b"first"


def test_put_replaces_whatever_is_there_and_the_old_version_is_stale(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)
    documents.put("handoff", b"first")
    before = documents.read("handoff").version

    documents.put("handoff", b"second")

    assert documents.read("handoff").content == b"second"
    with pytest.raises(ConflictError):
        documents.replace("handoff", b"third", expected=before)


def test_put_leaves_alone_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "handoff").write_text("somebody's notes\n")

    with pytest.raises(SettingsError, match="damaged"):
        FileDocuments(tmp_path).put("handoff", b"ours")

    assert (tmp_path / "handoff").read_text() == "somebody's notes\n"
