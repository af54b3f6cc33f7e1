"""Lists that come in pages, read whole although they change meanwhile."""

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

from fermata_spec.errors import RejectedError

PAGE = 100  # rows; larger requests are cut to this silently, on every version
MOST_ROWS = 200_000  # of one list: more is taken for a server that never ends
PASSES = 3

Row = TypeVar("Row")
Page = tuple[list[Row], int]


def read_all(page_at: Callable[[int], Page[Row]], key: Callable[[Row], Hashable]) -> list[Row]:
    """Return every row once, in the order in which they came first.

    ``page_at(offset)`` returns the rows from there and how many there are in all. The offset
    grows by what came, not by what was asked for, and an empty page ends the list whatever its
    total says. When rows vanish between two pages, later ones move up and one would be skipped:
    then the list is read again, up to three times in all.
    """
    rows: dict[Hashable, Row] = {}
    for _ in range(PASSES):
        shrunk = _pass(page_at, key, rows)
        if not shrunk:
            break
    return list(rows.values())


def read_new(
    page_at: Callable[[int], Page[Row]],
    key: Callable[[Row], Hashable],
    known: Collection[Hashable],
) -> list[Row]:
    """Return the rows that are not ``known``, of a list that comes newest first and only grows.

    It is read until the known and the new ones are as many as there are in all: a row that came
    late among older ones (its transaction was slow) is missing from that sum, and so is found.
    "In all" is as of the first page: what comes while it is read stands before that page.
    """
    page, in_all = page_at(0)
    new = {key(row): row for row in page if key(row) not in known}
    offset, total = len(page), in_all
    while page and offset < total and len(known) + len(new) < in_all:
        page, total = page_at(offset)
        new.update((key(row), row) for row in page if key(row) not in known)
        offset += len(page)
    return list(new.values())


def in_chunks(items: Iterable[str], size: int) -> Iterable[list[str]]:
    """Yield ``items`` in lists of at most ``size``."""
    chunk: list[str] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _pass(
    page_at: Callable[[int], Page[Row]],
    key: Callable[[Row], Hashable],
    rows: dict[Hashable, Row],
) -> bool:
    """Read the list once into ``rows``; return whether it shrank meanwhile."""
    rows.clear()
    offset, most = 0, 0
    while True:
        page, total = page_at(offset)
        most = max(most, total)
        rows.update((key(row), row) for row in page)
        offset += len(page)
        if offset > MOST_ROWS:
            raise RejectedError(f"a list of more than {MOST_ROWS} rows: it does not end")
        if not page or offset >= total:
            return offset > PAGE and total < most
