"""What every store of documents promises, as cases that each store is held against."""

import threading

import pytest

from fermata_hooks.documents import ABSENT, ConflictError, Documents


class DocumentsContract:
    """Inherit, and give a fixture ``documents``: an empty store."""

    def test_a_document_that_was_never_written_is_absent(self, documents: Documents) -> None:
        document = documents.read("ledger")

        assert document.content is None
        assert document.version == ABSENT

    def test_what_is_written_is_read_back_with_its_version(self, documents: Documents) -> None:
        content = bytes(range(256))

        version = documents.replace("ledger", content, expected=ABSENT)

        document = documents.read("ledger")
        assert document.content == content
        assert document.version == version

    def test_a_replacement_names_the_version_that_it_replaces(self, documents: Documents) -> None:
        first = documents.replace("ledger", b"one", expected=ABSENT)

        second = documents.replace("ledger", b"two", expected=first)

        assert second != first
        assert documents.read("ledger").content == b"two"

    def test_a_replacement_of_an_old_version_changes_nothing(self, documents: Documents) -> None:
        first = documents.replace("ledger", b"one", expected=ABSENT)
        documents.replace("ledger", b"two", expected=first)

        with pytest.raises(ConflictError, match="ledger"):
            documents.replace("ledger", b"three", expected=first)

        assert documents.read("ledger").content == b"two"

    def test_a_document_that_is_there_is_not_made_anew(self, documents: Documents) -> None:
        documents.replace("ledger", b"one", expected=ABSENT)

        with pytest.raises(ConflictError, match="ledger"):
            documents.replace("ledger", b"two", expected=ABSENT)

        assert documents.read("ledger").content == b"one"

    def test_a_deleted_document_is_absent_and_its_version_never_comes_back(
        self, documents: Documents
    ) -> None:
        first = documents.replace("ledger", b"one", expected=ABSENT)

        documents.delete("ledger")

        assert documents.read("ledger").version == ABSENT
        with pytest.raises(ConflictError):
            documents.replace("ledger", b"late", expected=first)
        assert documents.replace("ledger", b"one", expected=ABSENT) != first
        with pytest.raises(ConflictError):
            documents.replace("ledger", b"late", expected=first)

    def test_deleting_what_is_not_there_is_fine(self, documents: Documents) -> None:
        documents.delete("ledger")

        assert documents.read("ledger").content is None

    def test_a_document_that_has_changed_since_is_not_deleted(self, documents: Documents) -> None:
        first = documents.replace("sync-sales", b"one", expected=ABSENT)
        second = documents.replace("sync-sales", b"two", expected=first)

        with pytest.raises(ConflictError, match="sync-sales"):
            documents.delete("sync-sales", expected=first)

        assert documents.read("sync-sales").content == b"two"
        documents.delete("sync-sales", expected=second)
        documents.delete("sync-sales", expected=second)
        assert documents.read("sync-sales").content is None

    def test_documents_are_listed_by_the_beginning_of_their_names(
        self, documents: Documents
    ) -> None:
        assert documents.versions("sync") == {}

        documents.replace("ledger", b"one", expected=ABSENT)
        documents.put("synchronous", b"no")
        documents.put("sync-sales", b"two")
        documents.put("sync-shop", b"three")

        assert documents.versions("sync") == {
            name: documents.read(name).version for name in ("sync-sales", "sync-shop")
        }

    def test_documents_do_not_touch_each_other(self, documents: Documents) -> None:
        documents.replace("ledger", b"one", expected=ABSENT)
        documents.replace("sync-sales", b"two", expected=ABSENT)

        documents.delete("sync-sales")

        assert documents.read("ledger").content == b"one"

    def test_put_makes_a_document_and_replaces_whatever_is_there(
        self, documents: Documents
    ) -> None:
        documents.put("sync-sales", b"one")
        version = documents.read("sync-sales").version

        documents.put("sync-sales", b"two")

        assert documents.read("sync-sales").content == b"two"
        assert documents.read("sync-sales").version != version

    def test_almost_a_mebibyte_fits(self, documents: Documents) -> None:
        content = bytes(1_000_000)

        documents.replace("ledger", content, expected=ABSENT)

        assert documents.read("ledger").content == content

    def test_of_many_writers_at_once_none_loses_a_change(self, documents: Documents) -> None:
        documents.replace("ledger", b"0", expected=ABSENT)

        def add() -> None:
            for _ in range(5):
                added = False
                while not added:
                    document = documents.read("ledger")
                    number = int(document.content or b"0") + 1
                    try:
                        documents.replace("ledger", b"%d" % number, expected=document.version)
                        added = True
                    except ConflictError:
                        pass

        writers = [threading.Thread(target=add) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

        assert documents.read("ledger").content == b"20"
