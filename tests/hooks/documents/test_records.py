"""A small record in a document: what is not ours is damage, and what others change is kept."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.documents import DAMAGE, ConflictError, FileDocuments, change, pack, unpack

NAME = "counts"


class Counts:
    """Counts by name in a folder, changed by several writers."""

    def __init__(self, folder: Path) -> None:
        self.documents = FileDocuments(folder)
        self.clock = ManualClock()

    def read(self) -> tuple[Mapping[str, int], str]:
        document = self.documents.read(NAME)
        if document.content is None:
            return {}, document.version
        return unpack(document.content, reads=1, most=1000)["counts"], document.version

    def write(self, counts: Mapping[str, int]) -> None:
        self.documents.put(NAME, self.encode(counts))

    @staticmethod
    def encode(counts: Mapping[str, int]) -> bytes:
        return pack({"format": 1, "counts": dict(counts)})

    def change(self, *, while_deciding: int = 0, name: str = "ours") -> Mapping[str, int]:
        """Count ``name`` up, while somebody else writes so many times in between."""
        left = [while_deciding]

        def decide(counts: Mapping[str, int]) -> Mapping[str, int]:
            if left[0]:
                left[0] -= 1
                self.write({**counts, "theirs": counts.get("theirs", 0) + 1})
            return {**counts, name: counts.get(name, 0) + 1}

        return change(
            self.documents,
            NAME,
            read=self.read,
            decide=decide,
            encode=self.encode,
            clock=self.clock,
        )


@pytest.fixture
def counts(tmp_path: Path) -> Counts:
    return Counts(tmp_path)


def test_what_others_wrote_meanwhile_is_kept(counts: Counts) -> None:
    written = counts.change(while_deciding=3)

    assert written == {"ours": 1, "theirs": 3}
    assert counts.read()[0] == written


def test_who_is_always_slower_gives_up_and_says_how_often_it_tried(counts: Counts) -> None:
    with pytest.raises(ConflictError, match="counts: changed by others 8 times in a row"):
        counts.change(while_deciding=100)

    assert counts.read()[0] == {"theirs": 8}


def test_where_nothing_changes_nothing_is_written(counts: Counts) -> None:
    counts.write({"ours": 1})
    before = counts.read()

    same = change(
        counts.documents,
        NAME,
        read=counts.read,
        decide=dict,
        encode=counts.encode,
        clock=counts.clock,
    )

    assert same == {"ours": 1}
    assert counts.read() == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="not packed"),
        pytest.param(gzip.compress(b"{}")[:-4], id="cut"),
        pytest.param(gzip.compress(b"no JSON"), id="no JSON"),
        pytest.param(gzip.compress(b"[]"), id="a list"),
        pytest.param(gzip.compress(b"{}"), id="without a format"),
        pytest.param(gzip.compress(b'{"format": 2}'), id="a newer format"),
        pytest.param(
            gzip.compress(json.dumps({"format": 1, "x": " " * 1000}).encode()), id="large"
        ),
    ],
)
def test_what_is_not_ours_or_not_whole_is_damage(content: bytes) -> None:
    with pytest.raises(DAMAGE):
        unpack(content, reads=1, most=1000)


def test_equal_records_are_equal_bytes() -> None:
    one, other = {"format": 1, "a": [1]}, {"a": [1], "format": 1}

    assert pack(one) == pack(other)
    assert unpack(pack(one), reads=1, most=100) == one
