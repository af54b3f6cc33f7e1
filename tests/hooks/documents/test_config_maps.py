"""Documents as ConfigMaps of a real API server."""

from collections.abc import Iterator

import pytest

from clusters import connect, fresh_namespace
from documents_contract import DocumentsContract
from fermata_hooks.documents import ABSENT, ConfigMapDocuments, ConflictError, Documents
from fermata_hooks.kube import CONFIG_MAPS, Objects
from fermata_spec.errors import RejectedError

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def maps() -> Iterator[Objects]:
    kube = connect()
    with fresh_namespace(kube) as namespace:
        yield Objects(kube, CONFIG_MAPS, namespace)
    kube.close()


@pytest.fixture
def documents(maps: Objects) -> Documents:
    return ConfigMapDocuments(maps)


class TestConfigMapDocuments(DocumentsContract):
    """ConfigMaps keep the promise of every store."""


def test_the_ledger_is_a_config_map_that_argo_cd_does_not_track(maps: Objects) -> None:
    ConfigMapDocuments(maps).replace("ledger", b"one", expected=ABSENT)

    found = maps.get("fermata-ledger")

    assert found is not None
    assert found["binaryData"].keys() == {"ledger.json.gz"}
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "fermata"}


def test_a_document_may_be_called_differently(maps: Objects) -> None:
    documents = ConfigMapDocuments(maps, names={"ledger": "ours"})

    documents.replace("ledger", b"one", expected=ABSENT)

    assert maps.get("ours") is not None
    assert documents.read("ledger").content == b"one"


def test_what_others_wrote_into_the_metadata_stays(maps: Objects) -> None:
    documents = ConfigMapDocuments(maps)
    version = documents.replace("ledger", b"one", expected=ABSENT)
    maps.merge("fermata-ledger", {"metadata": {"annotations": {"note": "of mine"}}})

    version = documents.replace("ledger", b"two", expected=documents.read("ledger").version)
    ConfigMapDocuments(maps).replace("ledger", b"three", expected=version)

    found = maps.get("fermata-ledger")
    assert found is not None
    assert found["metadata"]["annotations"] == {"note": "of mine"}


def test_a_config_map_made_beforehand_is_an_empty_document(maps: Objects) -> None:
    maps.create({"metadata": {"name": "fermata-ledger"}})
    documents = ConfigMapDocuments(maps)

    document = documents.read("ledger")
    documents.replace("ledger", b"one", expected=document.version)

    assert document.content is None
    assert documents.read("ledger").content == b"one"


def test_a_config_map_that_vanished_is_a_conflict(maps: Objects) -> None:
    documents = ConfigMapDocuments(maps)
    version = documents.replace("ledger", b"one", expected=ABSENT)
    maps.delete("fermata-ledger")

    with pytest.raises(ConflictError, match="ledger"):
        documents.replace("ledger", b"two", expected=version)


def test_a_namespace_that_is_not_there_is_no_absent_document() -> None:
    documents = ConfigMapDocuments(Objects(connect(), CONFIG_MAPS, "nobody-made-this"))

    with pytest.raises(RejectedError, match="nobody-made-this"):
        documents.replace("ledger", b"one", expected=ABSENT)
