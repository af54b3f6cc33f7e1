"""The objects of a real API server."""

from collections.abc import Iterator

import pytest

from clusters import connect, fresh_namespace
from fermata_hooks.kube import CONFIG_MAPS, KindMissingError, Objects, Resource
from fermata_spec.errors import RejectedError

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def maps() -> Iterator[Objects]:
    kube = connect()
    with fresh_namespace(kube) as namespace:
        yield Objects(kube, CONFIG_MAPS, namespace)


def test_an_object_that_is_not_there_is_none(maps: Objects) -> None:
    assert maps.get("nothing") is None
    maps.delete("nothing")


def test_a_kind_that_is_not_there_is_an_error_of_its_own() -> None:
    unknown = Objects(connect(), Resource("nobody.example/v1", "things"), "default")

    with pytest.raises(KindMissingError, match=r"no nobody\.example/v1 things"):
        unknown.get("x")


def test_a_replacement_of_another_version_is_a_conflict(maps: Objects) -> None:
    first = maps.create({"metadata": {"name": "x"}, "data": {"a": "1"}})
    maps.replace("x", first | {"data": {"a": "2"}})

    with pytest.raises(RejectedError) as caught:
        maps.replace("x", first | {"data": {"a": "3"}})

    assert caught.value.status == 409
    left = maps.get("x")
    assert left is not None
    assert left["data"] == {"a": "2"}


def test_an_edit_of_another_version_is_a_conflict_and_changes_nothing(maps: Objects) -> None:
    first = maps.create({"metadata": {"name": "x"}, "data": {"a": "1"}})
    maps.merge("x", {"data": {"a": "2"}})
    version = first["metadata"]["resourceVersion"]
    steps = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/data", "value": {"a": "3"}},
    ]

    with pytest.raises(RejectedError) as caught:
        maps.edit("x", steps)

    assert caught.value.status == 409
    left = maps.get("x")
    assert left is not None
    assert left["data"] == {"a": "2"}


def test_a_list_goes_on_page_by_page(maps: Objects) -> None:
    for number in range(5):
        labels = {"mine": "yes"}
        maps.create({"metadata": {"name": f"m{number}", "labels": labels}, "data": {"a": "b"}})

    whole = list(maps.list(labels="mine=yes", page=2))
    metadata = list(maps.list(labels="mine=yes", page=2, metadata_only=True))

    assert [each["metadata"]["name"] for each in whole] == [f"m{number}" for number in range(5)]
    assert [each["metadata"]["name"] for each in metadata] == [f"m{n}" for n in range(5)]
    assert "data" not in metadata[0]
